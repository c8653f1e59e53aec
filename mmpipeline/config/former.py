"""Former names of settings, read for one release so that old files and artifacts stay readable.

A section takes a former name for the present one, in TOML files, parameters of deployments and
manifests alike; only a TOML file is told so, for it is what a person can set right.
"""

from collections.abc import Iterator, Mapping
from typing import Any

FORMER_NAMES: Mapping[str, str] = {
    "common_share": "common_fraction",
    "compact_share": "compact_fraction",
    "core_share": "core_fraction",
    "final_rate_share": "final_rate_fraction",
    "max_dead_share": "max_dead_fraction",
    "max_duplicate_share": "max_duplicate_fraction",
    "max_excluded_share": "max_excluded_fraction",
    "max_quarantined_share": "max_quarantined_fraction",
    "max_untitled_share": "max_untitled_fraction",
    "min_labelled_share": "min_labelled_fraction",
    "misspelt_title_share": "misspelt_title_fraction",
    "missing_photo_share": "missing_photo_fraction",
    "mixed_share": "mixed_fraction",
    "own_dim": "private_dim",
    "own_share": "private_weight",
    "self_training_share": "self_training_fraction",
    "single_part_share": "single_part_fraction",
    "staple_share": "staple_fraction",
    "test_share": "test_fraction",
    "training_share": "training_fraction",
    "unknown_dish_share": "unknown_dish_fraction",
    "unnamed_title_share": "unnamed_title_fraction",
    "val_share": "val_fraction",
    "warmup_share": "warmup_fraction",
}
"""By former name the present one."""

GONE: Mapping[str, str] = {
    "min_view_gain": "recall_check_queries",
    "shuffle_labels": "self_training_fraction",
    "views": "recall_check_queries",
}
"""Settings without effect any more, each with one that its section still has."""


def use_present_names(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a section under their present names.

    Parameters
    ----------
    values
        As they were read.
    known
        The settings that the section has, by name; where one is a section as plain values, what
        stands within it is read alike.

    Returns
    -------
    dict of str to Any
        What is neither known nor a former name stays as it is; what is gone is left out.

    Raises
    ------
    ValueError
        If a setting stands there under both names.
    """
    present = {}
    for name, value in values.items():
        now = _present_name(name, known)
        if now is None:
            continue
        if now != name and now in values:
            raise ValueError(f"{name} is the former name of {now}; give one of them")
        within = known.get(now)
        if isinstance(value, Mapping) and isinstance(within, Mapping):
            value = use_present_names(value, within)
        present[now] = value
    return present


def advise(values: Mapping[str, Any], known: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Yield a line of advice for each former name in a config.

    Parameters
    ----------
    values
        A whole config, or a section of it.
    known
        The settings that there are, as plain values.
    place
        What the section is called, with a dot behind it.
    """
    for name, value in values.items():
        within = known.get(name)
        if isinstance(value, Mapping) and isinstance(within, Mapping):
            yield from advise(value, within, f"{place}{name}.")
        elif (now := _present_name(name, known)) != name:
            yield f"setting {place}{name} " + (
                f"is called {now} now; the next release will not know the former name"
                if now
                else "has no effect any more; leave it out, the next release will not know it"
            )


def admit_former_names(schema: dict[str, Any]) -> None:
    """Let the JSON schema of a section pass former names, which Prefect checks parameters by."""
    known = schema.get("properties", {})
    former = [name for name in {*FORMER_NAMES, *GONE} if _present_name(name, known) != name]
    if former:
        schema["patternProperties"] = {f"^({'|'.join(sorted(former))})$": {}}


def _present_name(name: str, known: Mapping[str, Any]) -> str | None:
    """Return what a setting of a section is called now; None when it is gone."""
    if name in known:
        return name
    if GONE.get(name) in known:
        return None
    return FORMER_NAMES[name] if FORMER_NAMES.get(name) in known else name
