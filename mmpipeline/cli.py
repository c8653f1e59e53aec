"""`mmpipeline`: ask and serve the published index, look at what is stored, make sample data.

Commands import what they need when they run, so that `--help` is quick. Errors raised on purpose
become one line on standard error and exit status 1; wrong usage exits with 2.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmpipeline.config import SampleConfig, load_settings
from mmpipeline.errors import PipelineError, QueryError, describe_os_error
from mmpipeline.operations.index_commands import index_app
from mmpipeline.serving.commands import search, serve, subsets
from mmpipeline.serving.terminal import fit_line
from mmpipeline.storage import DataLayout

if TYPE_CHECKING:
    from mmpipeline.pairs.show import AnchorPair

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ask for what is most alike.",
)
sample_app = typer.Typer(no_args_is_help=True, help="The sample world: invented recipes.")
pairs_app = typer.Typer(no_args_is_help=True, help="Contrastive pair tables.")
catalog_app = typer.Typer(no_args_is_help=True, help="Versions of the catalogue.")
app.add_typer(sample_app, name="sample")
app.add_typer(catalog_app, name="catalog")
app.add_typer(pairs_app, name="pairs")
app.add_typer(index_app, name="index")
app.command()(search)
app.command()(subsets)
app.command()(serve)


@app.command()
def doctor(
    deep: Annotated[bool, typer.Option(help="hash every file of every artifact")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False,
) -> None:
    """Check versions, disk, memory, ports, stores and the index; say what to do."""
    from mmpipeline.operations.doctor import examine

    settings = load_settings()
    findings = list(examine(DataLayout.at(settings.data_root), settings, deep=deep))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo("\n".join(finding.lines()))
    if any(finding.status == "problem" for finding in findings):
        sys.exit(1)


@app.command()
def encoders() -> None:
    """List the encoders that a config can name, with licence, languages and speed."""
    from mmpipeline.features.encoders.registry import markdown_table

    typer.echo(markdown_table())


@sample_app.command("write")
def sample_write(
    folder: Annotated[Path, typer.Argument(help="an empty or new folder")],
    recipes: Annotated[int, typer.Option(min=2, help="in all; half are written here")] = 1800,
    seed: Annotated[int, typer.Option(min=0)] = 2021,
) -> None:
    """Write the sample world's Recipe1M dump: layer1.json, layer2.json and photos."""
    from mmpipeline.sample.dump import write_recipe1m_dump

    _require_empty(folder)
    counts = write_recipe1m_dump(folder, SampleConfig(recipes=recipes, seed=seed))
    typer.echo(", ".join(f"{value:,.0f} {name}" for name, value in counts.items()))


@sample_app.command("serve")
def sample_serve(
    recipes: Annotated[int, typer.Option(min=2, help="in all; half are served here")] = 1800,
    seed: Annotated[int, typer.Option(min=0)] = 2021,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one")] = 0,
) -> None:
    """Serve the fake 만개의레시피 on 127.0.0.1 until interrupted."""
    import signal

    from mmpipeline.sample.site.server import serve_site

    with serve_site(SampleConfig(recipes=recipes, seed=seed), port) as site:
        typer.echo(f"{site.base_url}  Ctrl-C stops it.")
        signal.pause()


@pairs_app.command("show")
def pairs_show(
    recipe_id: Annotated[str, typer.Argument(help="such as 10k:6000000 or r1m:000018c8a5")],
) -> None:
    """Print an anchor's pairs with titles and kinds."""
    from mmpipeline.pairs.show import anchor_pairs
    from mmpipeline.storage import ArtifactStore

    store = ArtifactStore(DataLayout.at(load_settings().data_root))
    pairs = store.current("pairs")
    catalog = store.layout.artifacts("catalog") / pairs.manifest.inputs["catalog"]
    found = anchor_pairs(pairs.folder, catalog, recipe_id)
    typer.echo("\n".join(render_pairs(recipe_id, found)))


def render_pairs(recipe_id: str, pairs: "list[AnchorPair]") -> Iterator[str]:
    """Yield an anchor's pairs as lines of at most 100 columns, under a line for the anchor.

    Parameters
    ----------
    recipe_id
        The anchor.
    pairs
        Its pairs; may be empty.

    Yields
    ------
    str
        One line of text.
    """
    if not pairs:
        yield f"{recipe_id} is in the catalogue and is no anchor: it has no positive, is capped, or"
        yield "its dish is held out of training"
        return
    first = pairs[0]
    positives = sum(pair.label for pair in pairs)
    title = first.left_title or "no title"
    yield fit_line(f"{recipe_id}  {title}  [{first.left_dish or 'not labelled'}]")
    yield (
        f"{first.split} split, {positives} positives, {len(pairs) - positives} negatives; the "
        "right-hand side of each:"
    )
    for pair in pairs:
        yield fit_line(
            f"  {'+' if pair.label else '-'} {pair.kind:15} {pair.rank:3}  {_describe_right(pair)}"
        )


def _describe_right(pair: "AnchorPair") -> str:
    """Say what stands on the right; photo and text apart where they are of different recipes."""
    image, text = pair.right_image, pair.right_text
    of_image = f"{pair.right_image_title or image} [{pair.right_image_dish or 'not labelled'}]"
    of_text = f"{pair.right_text_title or text} [{pair.right_text_dish or 'not labelled'}]"
    if pair.kind == "positive_recipe":
        return f"{text}  its own text beside its photo"
    if pair.kind == "negative_image":
        return f"{image or '-'}  photo of {of_image}, own text"
    if pair.kind == "negative_text":
        return f"{text}  text of {of_text}, own photo"
    missing = "" if image and text else f"  (no {'text' if image else 'photo'})"
    return f"{text or image}  {of_text if text else of_image}{missing}"


@catalog_app.command("convert-classes")
def catalog_convert_classes(
    pickled: Annotated[Path, typer.Argument(help="Recipe1M's classes1M.pkl")],
    folder: Annotated[Path, typer.Argument(help="the folder with layer1.json")],
) -> None:
    """Write classes1M.parquet from the pickle, running nothing that is in it."""
    from mmpipeline.sources.recipe1m.classes import convert_classes

    recipes = convert_classes(pickled, folder / "classes1M.parquet")
    typer.echo(f"{recipes:,} recipes with a class in {folder / 'classes1M.parquet'}")


@catalog_app.command("diff")
def catalog_diff(
    before: Annotated[str, typer.Argument(help="a version: its id or its folder")],
    after: Annotated[str, typer.Argument(help="another one")],
) -> None:
    """Say what changed from one version of the catalogue to another."""
    from mmpipeline.catalog.compare import compare_catalogs, describe_changes
    from mmpipeline.storage import open_artifact

    versions = DataLayout.at(load_settings().data_root).artifacts("catalog")
    folders = [
        open_artifact(Path(name) if Path(name).is_dir() else versions / name, "catalog").folder
        for name in (before, after)
    ]
    for line in describe_changes(compare_catalogs(*folders)):
        typer.echo(fit_line(line))


@catalog_app.command("migrate")
def catalog_migrate(
    version: Annotated[str, typer.Argument(help="its id; without it, the current one")] = "",
) -> None:
    """Bring a catalogue of an older schema up to date; the old one stays."""
    from mmpipeline.catalog.migration import migrate_catalog
    from mmpipeline.storage import ArtifactStore

    artifact = migrate_catalog(ArtifactStore(DataLayout.at(load_settings().data_root)), version)
    typer.echo(f"catalogue {artifact.id} has schema version {artifact.manifest.schema_version}")


def main() -> None:
    """Run the command line; the entry point of `mmpipeline`."""
    try:
        app()
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _require_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise QueryError(f"{folder} is not empty; give a new folder")
