"""`mmpipeline index`: the versions of the published index.

Commands import what they need when they run, so that `--help` is quick.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmpipeline.config.environment import load_settings
from mmpipeline.config.pipeline import load_config
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact

if TYPE_CHECKING:
    from mmpipeline.search.release.record import Release
    from mmpipeline.storage.manifest import Artifact

index_app = typer.Typer(no_args_is_help=True, help="Versions of the published index.")
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Version = Annotated[str, typer.Argument(help="16 hex digits, as `mmpipeline index list` shows")]


@index_app.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """Show every version, the one that answers, and what the gate said."""
    from mmpipeline.search.current import current_version
    from mmpipeline.search.release.record import read_releases

    layout = _layout()
    now = current_version(layout)
    last = {entry.version: entry for entry in read_releases(layout)}
    rows = [
        {
            "version": artifact.id,
            "answers": artifact.id == now,
            "made": artifact.manifest.created_at,
            "items": int(artifact.counts["items"]),
            "dishes": int(artifact.counts["dishes"]),
            "recall_at_10": artifact.counts["recall_at_10"],
            "last": last[artifact.id].action if artifact.id in last else "not released",
        }
        for artifact in _versions(layout)
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo("no version yet: run `make run`")
        return
    typer.echo("  version           made              items    dishes  recall  last")
    for row in rows:
        mark = "*" if row["answers"] else " "
        typer.echo(
            f"{mark} {row['version']}  {str(row['made'])[:16]}  {row['items']:>7,}  "
            f"{row['dishes']:>6,}  {row['recall_at_10']:.3f}   {row['last']}"
        )


@index_app.command("show")
def show(version: Version, as_json: AsJson = False) -> None:
    """Show what a version holds and was made from, and every decision on it."""
    from mmpipeline.search.release.record import read_releases

    layout = _layout()
    artifact = _open(layout, version)
    decisions = [asdict(entry) for entry in read_releases(layout) if entry.version == version]
    if as_json:
        typer.echo(json.dumps({**asdict(artifact.manifest), "decisions": decisions}))
        return
    for name, value in artifact.counts.items():
        typer.echo(f"{name:20}  {value:g}")
    for role, source in artifact.manifest.inputs.items():
        typer.echo(f"{'made from ' + role:20}  {source}")
    for entry in decisions:
        typer.echo(f"{entry['at'][:16]:20}  {entry['action']}: {entry['reason']}")


@index_app.command("promote")
def promote(
    version: Version,
    force: Annotated[bool, typer.Option(help="whatever the gate says")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file with [promotion]")] = None,
) -> None:
    """Let a version answer, if it passes the gate."""
    from mmpipeline.search.current import sound_version
    from mmpipeline.search.release.promotion import release

    layout = _layout()
    _open(layout, version)
    settings = load_config(config).promotion
    decision = release(layout, version, settings, sound_version(layout), force=force)
    _tell(layout, decision)
    if decision.action == "refused":
        sys.exit(1)


@index_app.command("rollback")
def rollback(
    version: Annotated[str | None, typer.Argument(help="none: the one before")] = None,
) -> None:
    """Let an earlier version answer again."""
    from mmpipeline.search.release.promotion import roll_back

    layout = _layout()
    _tell(layout, roll_back(layout, version))


@index_app.command("merge")
def merge(
    versions: Annotated[list[str], typer.Argument(help="two or more, of one model")],
    config: Annotated[Path | None, typer.Option(help="TOML file with [index]")] = None,
) -> None:
    """Make one version of several over other recipes; promote it to let it answer."""
    from mmpipeline.search.publish.merge import merge_versions

    layout = _layout()
    opened = [_open(layout, version) for version in versions]
    merged = merge_versions(layout, opened, load_config(config).index)
    typer.echo(
        f"{merged.id}: {merged.counts['items']:,.0f} items in {merged.counts['segments']:.0f} "
        f"segments; mmpipeline index promote {merged.id} lets it answer"
    )


@index_app.command("verify")
def verify(
    version: Annotated[str | None, typer.Argument(help="none: that answers")] = None,
) -> None:
    """Hash every byte of a version, and open it."""
    from mmpipeline.search.current import current_version
    from mmpipeline.search.index import SearchIndex

    layout = _layout()
    version = version or current_version(layout)
    if version is None:
        sys.exit("no version answers yet: run `make run`")
    artifact = _open(layout, version)
    artifact.verify()
    items = len(SearchIndex.open(layout, version))
    typer.echo(f"{version}: {len(artifact.manifest.files)} files as written, {items:,} items")


@index_app.command("diff")
def diff(before: Version, after: Version, as_json: AsJson = False) -> None:
    """Say how two versions differ: items, dishes, inputs, figures."""
    layout = _layout()
    found = compare(_open(layout, before), _open(layout, after))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{name:24}  {value}")


def compare(before: "Artifact", after: "Artifact") -> dict[str, Any]:
    """Compare two index versions.

    Parameters
    ----------
    before, after
        Index artifacts.

    Returns
    -------
    dict
        Counts of items ``added``, ``removed`` and ``kept``, examples of both, inputs and counts
        that differ.
    """
    ids = [set(_recipe_ids(artifact)) for artifact in (before, after)]
    added, removed = sorted(ids[1] - ids[0]), sorted(ids[0] - ids[1])
    found: dict[str, Any] = {
        "added": len(added),
        "removed": len(removed),
        "kept": len(ids[0] & ids[1]),
        "first added": ", ".join(added[:5]),
        "first removed": ", ".join(removed[:5]),
    }
    for role in sorted(before.manifest.inputs.keys() | after.manifest.inputs.keys()):
        pair = [artifact.manifest.inputs.get(role, "none") for artifact in (before, after)]
        if pair[0] != pair[1]:
            found[f"other {role}"] = " -> ".join(pair)
    for name in before.counts.keys() & after.counts.keys():
        if before.counts[name] != after.counts[name]:
            found[name] = f"{before.counts[name]:g} -> {after.counts[name]:g}"
    return found


def _recipe_ids(artifact: "Artifact") -> list[str]:
    from mmpipeline.search.load import open_parts

    parts = open_parts(artifact.folder)
    ids: list[str] = parts.items["recipe_id"].take(parts.living_rows()).to_pylist()
    return ids


def _layout() -> DataLayout:
    return DataLayout.at(load_settings().data_root)


def _open(layout: DataLayout, version: str) -> "Artifact":
    from mmpipeline.search.current import open_version

    return open_version(layout, version)


def _versions(layout: DataLayout) -> Iterator["Artifact"]:
    path = layout.artifacts("index")
    folders = sorted(path.glob("*/")) if path.is_dir() else []
    found = []
    for folder in folders:
        try:
            found.append(open_artifact(folder, kind="index"))
        except ArtifactError as error:
            typer.echo(f"  {folder.name}  {error}", err=True)
    yield from sorted(found, key=lambda artifact: artifact.manifest.created_at)


def _tell(layout: DataLayout, decision: "Release") -> None:
    from mmpipeline.operations.release_events import announce_release

    typer.echo(f"{decision.version} {decision.action}: {decision.reason}")
    if not announce_release(layout, decision):
        typer.echo(
            "No Prefect server took the news: the model registry's aliases follow with the next "
            "`python -m flows publish_index`; `mmpipeline doctor` tells the difference.",
            err=True,
        )
