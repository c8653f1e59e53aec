"""`mmpipeline doctor`: is this machine and this data folder fit to run, and what to do if not.

Every check looks at one thing, changes nothing, and ends in a finding with advice; a check that
itself fails is a finding too. Artifacts are checked by presence and size; ``deep`` hashes every
byte, which takes as long as reading the folder once. The version that answers is opened and asked.
"""

import importlib.metadata
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from mmpipeline.config.environment import EnvironmentSettings
from mmpipeline.errors import ArtifactError
from mmpipeline.operations.finding import Finding
from mmpipeline.operations.locations import check_locations
from mmpipeline.operations.services import check_services
from mmpipeline.search.current import current_version
from mmpipeline.search.release.record import alias_difference
from mmpipeline.storage.held import is_held
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact

LEAST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 2_000_000_000
LEAST_MEMORY_BYTES = 2_000_000_000
DATABASES = ("mlflow.db", "prefect/prefect.db")


def examine(
    layout: DataLayout, settings: EnvironmentSettings, *, deep: bool = False
) -> Iterator[Finding]:
    """Look at the machine and the data folder.

    Parameters
    ----------
    layout
        The data folder; it need not exist.
    settings
        What the environment says.
    deep
        Hash every file of every artifact.

    Yields
    ------
    Finding
        One or more a check, in the order in which one would mend things.
    """
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _check_python),
        ("packages", _check_packages),
        ("memory", _check_memory),
        ("data folder", lambda: _check_data_folder(layout)),
        ("disk", lambda: _check_disk(layout)),
        ("contact", lambda: _check_contact(settings)),
        ("ports", lambda: _check_ports(settings)),
        ("services", lambda: check_services(settings)),
        ("databases", lambda: _check_databases(layout)),
        ("locations", lambda: check_locations(layout)),
        ("artifacts", lambda: _check_artifacts(layout, deep)),
        ("index", lambda: _check_index(layout)),
        ("unfinished work", lambda: _check_unfinished(layout)),
    )
    for name, check in checks:
        try:
            yield from check()
        except OSError as error:
            yield Finding(name, "problem", f"cannot be looked at: {error}", "see to the file")


def _check_python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        yield Finding("python", "problem", found, "install Python 3.11 or newer")
    else:
        yield Finding("python", "ok", found)


def _check_packages() -> Iterator[Finding]:
    """Compare what is installed with what this project asks for."""
    wrong = []
    wanted = [Requirement(text) for text in importlib.metadata.requires("mmpipeline") or []]
    needed = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            installed = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} {installed} (needs {requirement.specifier})")
    if wrong:
        yield Finding("packages", "problem", ", ".join(wrong), "rm .venv/.installed, then make run")
    else:
        yield Finding("packages", "ok", f"{len(needed)} as required")


def _check_memory() -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    found = f"{free / 1e9:.1f} GB available"
    if free < LEAST_MEMORY_BYTES:
        yield Finding("memory", "warning", found, "training and indexing want 2 GB; close programs")
    else:
        yield Finding("memory", "ok", found)


def _check_data_folder(layout: DataLayout) -> Iterator[Finding]:
    root = layout.root
    if not root.exists():
        yield Finding("data folder", "warning", f"{root} does not exist", "make run makes it")
        return
    probe = root / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding(
            "data folder",
            "problem",
            f"{root}: {error.strerror}",
            "give this user the right to write there, or set MMPIPELINE_DATA_ROOT",
        )
        return
    yield Finding("data folder", "ok", str(root))


def _check_disk(layout: DataLayout) -> Iterator[Finding]:
    path = next(p for p in (layout.root, *layout.root.parents) if p.exists())
    free = shutil.disk_usage(path).free
    found = f"{free / 1e9:.1f} GB free"
    if free < LEAST_DISK_BYTES:
        advice = "free some: python -m flows prune_artifacts removes old versions"
        yield Finding("disk", "problem", found, advice)
    else:
        yield Finding("disk", "ok", found)


def _check_contact(settings: EnvironmentSettings) -> Iterator[Finding]:
    if settings.contact:
        yield Finding("contact", "ok", settings.contact)
    else:
        advice = "set MMPIPELINE_CONTACT to a mail address or URL before asking the live site"
        yield Finding("contact", "warning", "not set", advice)


def _check_ports(settings: EnvironmentSettings) -> Iterator[Finding]:
    for name, port in (("prefect", settings.prefect_port), ("mlflow", settings.mlflow_port)):
        check = f"port {port} ({name})"
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                yield Finding(check, "ok", "free")
            else:
                advice = f"if that is not `make ui`: MMPIPELINE_{name.upper()}_PORT={port + 1}"
                yield Finding(check, "warning", "something listens there", advice)


def _check_databases(layout: DataLayout) -> Iterator[Finding]:
    stores = [layout.state / name for name in DATABASES]
    stores += sorted((layout.root / "raw").glob("*/state.sqlite"))
    for path in stores:
        if path.is_file():
            yield _check_sqlite(path, str(path.relative_to(layout.root)))


def _check_sqlite(path: Path, check: str) -> Finding:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as store:
            answer = store.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        answer = str(error)
    if answer == "ok":
        return Finding(check, "ok", f"{path.stat().st_size / 1e6:.1f} MB, sound")
    advice = "stop what uses it and look again; if it stays, restore it from a copy"
    return Finding(check, "problem", answer, advice)


def _check_artifacts(layout: DataLayout, deep: bool) -> Iterator[Finding]:
    for kind in layout.kinds():
        path = layout.artifacts(kind)
        folders = sorted(f for f in path.iterdir() if f.is_dir()) if path.is_dir() else []
        bad = []
        for folder in folders:
            try:
                artifact = open_artifact(folder, kind)
                if deep:
                    artifact.verify()
            except ArtifactError as error:
                bad.append(str(error))
        for problem in bad:
            yield Finding(f"{kind} artifacts", "problem", problem, f"run the stage again: {kind}")
        if folders and not bad:
            how = "every byte as written" if deep else "present and of the right size"
            yield Finding(f"{kind} artifacts", "ok", f"{len(folders)}, {how}")


def _check_index(layout: DataLayout) -> Iterator[Finding]:
    try:
        version = current_version(layout)
        if version is None:
            yield Finding("index", "warning", "nothing published yet", "make run publishes one")
            return
        artifact = open_artifact(layout.artifacts("index") / version, kind="index")
        artifact.verify()
        items = _try_version(artifact)
    except ArtifactError as error:
        advice = "mmpipeline index rollback, or publish again: python -m flows publish_index"
        yield Finding("index", "problem", str(error), advice)
        return
    yield Finding("index", "ok", f"{version} answers, {items:,} items")
    difference = alias_difference(layout)
    if difference:
        advice = "python -m flows publish_index brings the registry in step"
        yield Finding("model registry", "warning", difference, advice)


def _try_version(artifact: Artifact) -> int:
    """Open and ask a version; the model's library is loaded only where there is one to ask."""
    from mmpipeline.search.release.trial import try_version

    return try_version(artifact)


def _check_unfinished(layout: DataLayout) -> Iterator[Finding]:
    found = layout.temporary.iterdir() if layout.temporary.is_dir() else ()
    left = [path for path in found if path.is_dir() and not is_held(path)]
    if left:
        advice = "nothing to do: the next run uses or removes it"
        yield Finding("unfinished work", "warning", f"{len(left)} in {layout.temporary}", advice)
    else:
        yield Finding("unfinished work", "ok", "none")
