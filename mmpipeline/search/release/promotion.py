"""Promotion of a version through a gate, and rollback.

CURRENT is the truth; `releases.json` beside it tells how it came to be. Whoever promotes holds a
lock, and must have seen the version that answers: of two publishers one wins, and the other is
told. No version answers that was not opened and asked by the code at hand (`trial`).
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from mmpipeline.config.publish import PromotionConfig
from mmpipeline.errors import ArtifactError, BusyError
from mmpipeline.search.current import promote, sound_version
from mmpipeline.search.release.record import (
    Release,
    already_answers,
    answered_before,
    record,
    repair_record,
)
from mmpipeline.storage.layout import DataLayout


def release(
    layout: DataLayout,
    version: str,
    config: PromotionConfig,
    seen: str | None,
    *,
    force: bool = False,
) -> Release:
    """Let a version answer, if the gate lets it.

    Parameters
    ----------
    layout
        The data folder, with golden queries.
    version
        Id of a finished index version.
    config
        The gate.
    seen
        The version that answered when this one was begun.
    force
        Promote whatever the gate says; the record says so.

    Returns
    -------
    Release
        Promoted, or refused with the reason.

    Raises
    ------
    BusyError
        If another publisher is at work, or was quicker.
    ArtifactError
        If the version is damaged, or this code cannot open and ask it; forced or not.
    """
    from mmpipeline.search.release.gate import examine  # rolling back asks no golden queries

    with _publishing(layout):
        now = sound_version(layout)
        repair_record(layout)
        _require(layout, version)
        if now == version:
            return already_answers(version)
        if now != seen:
            raise BusyError(
                f"another publisher promoted {now} meanwhile; {version} is kept and not promoted: "
                "run again to compare it with that one"
            )
        figures, objections = examine(layout, version, now, config)
        if objections and not force:
            reason = "; ".join(objections)
            return record(layout, version, "refused", now, reason, figures)
        _let_answer(layout, version)
        reason = f"forced, although {'; '.join(objections)}" if objections else "passed the gate"
        return record(layout, version, "promoted", now, reason, figures)


def roll_back(layout: DataLayout, version: str | None = None) -> Release:
    """Let an earlier version answer again.

    Parameters
    ----------
    layout
        The data folder.
    version
        Its id; None takes the last that answered before the present one and still can. Those
        that cannot are passed over, and the reason says which and why.

    Returns
    -------
    Release
        What was done.

    Raises
    ------
    ArtifactError
        If there is no such version, or it is damaged, or this code cannot open and ask it;
        CURRENT is then left as it was.
    """
    with _publishing(layout):
        now = sound_version(layout)
        repair_record(layout)
        if version is None:
            version, passed_over = _go_back(layout, answered_before(layout, now))
            reason = "; ".join([f"instead of {now}", *passed_over])
            return record(layout, version, "rolled back", now, reason)
        _require(layout, version)
        if now == version:
            return already_answers(version)
        _let_answer(layout, version)
        return record(layout, version, "rolled back", now, f"instead of {now}")


def _go_back(layout: DataLayout, earlier: list[str]) -> tuple[str, list[str]]:
    """Let the first of some versions answer that can; say why those before it cannot.

    Raises
    ------
    ArtifactError
        If none can.
    """
    from mmpipeline.search.release.trial import (  # torch: for releases alone
        name_usable,
        try_version,
    )

    passed_over: list[str] = []
    for version in earlier:
        try:
            _require(layout, version)
            promote(layout, version, try_version)
        except ArtifactError as error:
            passed_over.append(f"passed over {version}: {error}")
        else:
            return version, passed_over
    raise ArtifactError(
        f"no earlier version can answer ({'; '.join(passed_over)}); "
        f"{name_usable(layout, earlier[0])}"
    )


def _let_answer(layout: DataLayout, version: str) -> None:
    """Point CURRENT at a version that was opened and asked.

    Raises
    ------
    ArtifactError
        If it cannot answer; the message names versions that can.
    """
    from mmpipeline.search.release.trial import (  # torch: for releases alone
        name_usable,
        try_version,
    )

    try:
        promote(layout, version, try_version)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; {name_usable(layout, version)}") from error


def _require(layout: DataLayout, version: str) -> None:
    if not (layout.artifacts("index") / version).is_dir():
        raise ArtifactError(
            f"no index version {version[:80]!r}; mmpipeline index list shows those that there are"
        )


@contextmanager
def _publishing(layout: DataLayout) -> Iterator[None]:
    """Hold the lock of whoever promotes.

    Raises
    ------
    BusyError
        If somebody else holds it.
    """
    path = layout.current_index.parent / "publish.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError("another publisher is at work; run again when it has ended") from error
        yield
