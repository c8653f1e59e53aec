"""`mmpipeline search`, `mmpipeline subsets` and `mmpipeline serve`.

They import what they need when they run, so that `--help` is quick.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmpipeline.config.environment import load_settings
from mmpipeline.config.pipeline import load_config
from mmpipeline.errors import QueryError
from mmpipeline.serving.terminal import fit_line, render_result
from mmpipeline.storage.layout import DataLayout

if TYPE_CHECKING:
    from mmpipeline.search.query import Query

Texts = list[str] | None


def search(
    title: Annotated[str | None, typer.Option(help="a title, Korean or English")] = None,
    image: Annotated[Path | None, typer.Option(help="a photo: JPEG, PNG, WebP or GIF")] = None,
    ingredients: Annotated[str | None, typer.Option(help="a list, separated by commas")] = None,
    steps: Annotated[str | None, typer.Option(help="cooking steps, separated by |")] = None,
    like: Annotated[
        Texts, typer.Option(help="id of a recipe: more like it; again for more")
    ] = None,
    without: Annotated[str | None, typer.Option(help="what it should not be like")] = None,
    weight: Annotated[Texts, typer.Option(help="how much a part counts: image=2; again")] = None,
    language: Annotated[Texts, typer.Option(help="ko, en or other; again for any of them")] = None,
    source: Annotated[Texts, typer.Option(help="10k or r1m; again for any of them")] = None,
    dish: Annotated[Texts, typer.Option(help="key of a dish; again for any of them")] = None,
    tag: Annotated[Texts, typer.Option(help="again for recipes with all of them")] = None,
    k: Annotated[int, typer.Option("-k", help="how many items and dishes")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False,
) -> None:
    """Rank items and dishes by nearness to any mix of photo, texts and recipes."""
    from mmpipeline.search.index import SearchIndex
    from mmpipeline.search.query import Filters, Query

    query = Query(
        title=title,
        ingredients=_split(ingredients, ","),
        instructions=_split(steps, "|"),
        image=image,
        like=tuple(like or ()),
        weights=dict(map(read_weight, weight or ())),
        minus=unlike(without),
    )
    filters = Filters(
        language=tuple(language or ()),
        source=tuple(source or ()),
        dish=tuple(dish or ()),
        tags=tuple(tag or ()),
    )
    result = SearchIndex.open(DataLayout.at(load_settings().data_root)).search(query, k, filters)
    if as_json:
        typer.echo(json.dumps(asdict(result), ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(render_result(result)))


def subsets(
    title: Annotated[str | None, typer.Option(help="a title, Korean or English")] = None,
    image: Annotated[Path | None, typer.Option(help="a photo: JPEG, PNG, WebP or GIF")] = None,
    ingredients: Annotated[str | None, typer.Option(help="a list, separated by commas")] = None,
    like: Annotated[Texts, typer.Option(help="id of a recipe; again for more")] = None,
    enrol: Annotated[
        Texts, typer.Option(help="a class by examples: NAME=ID,ID,...; again for more")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="how many subsets")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False,
) -> None:
    """Rank dishes, named subsets and classes given by examples by nearness to a query."""
    from mmpipeline.search.index import SearchIndex
    from mmpipeline.search.query import Query

    index = SearchIndex.open(DataLayout.at(load_settings().data_root))
    for entry in enrol or ():
        name, examples = read_class(entry)
        index = index.enrol(name, [Query(like=(recipe_id,)) for recipe_id in examples])
    query = Query(
        title=title, image=image, ingredients=_split(ingredients, ","), like=tuple(like or ())
    )
    ranking = index.rank_subsets(query, k)
    if as_json:
        typer.echo(json.dumps(asdict(ranking), ensure_ascii=False))
        return
    for hit in ranking.subsets:
        what = f"{hit.subset}  {hit.name or ''}  {hit.kind} of {hit.items:,}"
        typer.echo(fit_line(f"  {hit.rank:3}  {hit.score:6.3f}  {what}"))


def read_class(entry: str) -> tuple[str, list[str]]:
    """Read a class given by examples.

    Parameters
    ----------
    entry
        Such as ``my soups=10k:6000373,10k:6000490``.

    Returns
    -------
    name : str
        What it is called.
    examples : list of str
        Ids of recipes.

    Raises
    ------
    QueryError
        If it is none.
    """
    name, _, ids = entry.partition("=")
    examples = [part.strip() for part in ids.split(",") if part.strip()]
    if not name.strip() or not examples:
        raise QueryError(f"--enrol {entry!r}: expected NAME=ID,ID,...")
    return name.strip(), examples


def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one")] = 8000,
    config: Annotated[Path | None, typer.Option(help="TOML file with a section [serve]")] = None,
) -> None:
    """Serve the search page, the map and the HTTP API until interrupted."""
    from mmpipeline.serving.server import run_server

    layout = DataLayout.at(load_settings().data_root)
    run_server(
        layout,
        load_config(config).serve,
        host,
        port,
        on_start=lambda address: typer.echo(f"{address}  Ctrl-C stops it."),
    )


def unlike(text: str | None) -> "Query | None":
    """Return what a few words exclude: what is called so, and what has it among its ingredients.

    Parameters
    ----------
    text
        Such as ``고추장`` or ``tofu, pork``; None or blank excludes nothing.

    Returns
    -------
    Query or None
        To be used as a minus.
    """
    from mmpipeline.search.query import Query

    if not (text or "").strip():
        return None
    return Query(title=text, ingredients=_split(text, ","))


def read_weight(text: str) -> tuple[str, float]:
    """Read a weight such as ``image=2``.

    Parameters
    ----------
    text
        Name and number.

    Returns
    -------
    tuple of str and float
        Both.

    Raises
    ------
    QueryError
        If it is none.
    """
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise QueryError(
            f"--weight {text!r}: expected a part and a number, as in image=2"
        ) from None


def _split(text: str | None, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(separator) if part.strip())
