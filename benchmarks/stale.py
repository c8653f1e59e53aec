"""Edits of the source, and whether each renews what it should, and nothing else.

``python -m benchmarks.stale --json``

The stages are run once on a tiny world under a trace (`benchmarks.traced_stages`), which tells what
each reaches without asking how keys are made. Then a copy of the source is edited, one edit at a
time, and the ids of all kinds of artifacts are taken from it:

- a function that ran in a stage is made to do something else: the stage's id has to change;
- a function of a module that was not even imported by then: the id has to stay;
- comments, docstrings, blank lines and line ends around code that ran: all ids have to stay.

Beside it: CPU seconds of all keys in a fresh process, and of hashing the same modules' files raw.
What plumbs is not edited: keys leave it out on purpose. What to expect: two minutes.
"""

import argparse
import ast
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process_cost import measure
from benchmarks.source_edits import FUNCTIONS, change_function, find_function, reword_function
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.talk import TalkMethodConfig
from mmpipeline.features.encoders.registry import IMAGE_ENCODERS, TEXT_ENCODERS
from mmpipeline.planning import keys
from mmpipeline.provenance.code import covered_code, forget, prepare
from mmpipeline.provenance.policy import Policy
from mmpipeline.storage.provenance import ArtifactKey, digest_sources

ROOT = Path(__file__).parents[1]
POLICY = Policy()
BUILDERS = (*IMAGE_ENCODERS.values(), *TEXT_ENCODERS.values())


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a file.

    Attributes
    ----------
    sort
        ``changed``, ``unreached`` or ``reworded``.
    kind
        Of the artifact whose id it is held against.
    path
        Of the file, below the copy.
    text
        What it then holds.
    """

    sort: str
    kind: str
    path: str
    text: str

    def fails(self, renewed: set[str]) -> bool:
        """Return whether the kinds whose ids changed are not as they should be."""
        if self.sort == "changed":
            return self.kind not in renewed
        return self.kind in renewed if self.sort == "unreached" else bool(renewed)


def all_keys() -> list[ArtifactKey]:
    """Return a key of each kind, over the same inputs and settings each time."""
    config = PipelineConfig()
    return [
        keys.sample_world_key(config.sample),
        keys.recipes_key("tenthousand_recipe", "snapshot", config.parse),
        keys.recipes_key("recipe1m", "dump", config.recipe1m),
        keys.catalog_key({}, config.catalog),
        keys.features_key("catalog", config.features),
        keys.pairs_key("catalog", config.pairs),
        keys.model_key("features", "pairs", config.train),
        keys.evaluation_key("model", "features", "catalog", config.evaluate),
        keys.frozen_set_key("catalog", config.frozen),
        keys.frozen_scores_key("model", "frozen", config.evaluate),
        keys.comparison_key(["scores"], config.comparison),
        keys.index_key("model", "features", "catalog", config.index),
        keys.talk_method_key(config.experiment.data, TalkMethodConfig()),
        keys.talk_draw_key(config.experiment.data, ["method"], config.experiment),
        keys.talk_report_key(["draw"], config.experiment),
    ]


def all_ids() -> dict[str, str]:
    """Return the id of each kind's artifact, by the source as it lies there now."""
    forget()
    return {key.kind: key.id for key in all_keys()}


def compare(edits: int, seed: int, known: Path | None = None) -> dict[str, object]:
    """Edit a copy of the source and see which ids change.

    Parameters
    ----------
    edits
        How many of each sort.
    seed
        Decides which.
    known
        What `benchmarks.traced_stages` printed; None runs it.

    Returns
    -------
    dict
        The figures by name.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for name in ("mmpipeline", "tasks", "benchmarks"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        traces = (
            json.loads(known.read_text().splitlines()[-1])
            if known
            else _run("benchmarks.traced_stages", copy, str(Path(folder) / "data"))
        )
        wanted = [*_draw_edits(copy, traces, random.Random(seed), edits)]
        path = Path(folder) / "edits.json"
        path.write_text(json.dumps([[edit.path, edit.text] for edit in wanted]))
        before, *after = _run("benchmarks.stale", copy, "--edits", str(path))
    failed: dict[str, int] = dict.fromkeys(("changed", "unreached", "reworded"), 0)
    for edit, ids in zip(wanted, after, strict=True):
        if edit.fails({kind for kind in before if ids[kind] != before[kind]}):
            failed[edit.sort] += 1
            print(f"{edit.sort}: {edit.kind} {edit.path}", file=sys.stderr)
    return {
        "changed_code_renews": not failed["changed"],
        "unreached_code_keeps": not failed["unreached"],
        "comments_keep": not failed["reworded"],
        **{f"{sort}_edits": sum(edit.sort == sort for edit in wanted) for sort in failed},
        **_costs(),
    }


def apply_edits(place: Path) -> list[dict[str, str]]:
    """Return the ids of the source below the working folder, as it is and after each edit.

    Parameters
    ----------
    place
        A JSON file: pairs of path and text.

    Returns
    -------
    list of dict
        Each edit is undone before the next.
    """
    found = [all_ids()]
    for name, text in json.loads(place.read_bytes()):
        path = Path(name)
        source = path.read_bytes()
        path.write_bytes(text.encode())
        try:
            found.append(all_ids())
        finally:
            path.write_bytes(source)
    return found


def _draw_edits(
    copy: Path, traces: Mapping[str, Any], draw: random.Random, edits: int
) -> Iterator[Edit]:
    """Draw edits of each sort, functions of all kinds of artifacts alike."""
    ran = [
        (_counts_with(kind, function), function)
        for kind, trace in traces.items()
        for function in trace["functions"]
        if not _plumbs(function)
    ]
    idle = [
        (kind, f"{module}:{name}")
        for kind, trace in traces.items()
        for module in trace["absent"]
        for name in _functions_of(copy, module)
    ]
    places = {"changed": ran, "unreached": idle, "reworded": ran}
    for sort, found in places.items():
        draw.shuffle(found)
        yield from itertools.islice(_edits_of(copy, sort, found, draw), edits)


def _edits_of(
    copy: Path, sort: str, places: Sequence[tuple[str, str]], draw: random.Random
) -> Iterator[Edit]:
    for kind, function in places:
        module, _, qualified = function.partition(":")
        path = _file_of(copy, module)
        source = path.read_text(encoding="utf-8")
        found = find_function(source, qualified)
        if found is None or found.body[0].lineno == found.lineno:
            continue  # a lambda, or all of it on one line
        is_reworded = sort == "reworded"
        text = (
            reword_function(source, found) if is_reworded else change_function(source, found, draw)
        )
        assert (ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))) <= is_reworded
        yield Edit(sort, kind, path.relative_to(copy).as_posix(), text)


def _counts_with(kind: str, function: str) -> str:
    """Return the kind whose id an edit must change: encoders count with the features they make."""
    module = function.partition(":")[0].removeprefix("mmpipeline.features.")
    encoders = {builder.partition(":")[0] for builder in BUILDERS}
    return "features" if module in encoders else kind


def _plumbs(function: str) -> bool:
    """Return whether a function only plumbs; of what is counted by methods, the other methods."""
    module, _, qualified = function.partition(":")
    name, _, method = qualified.partition(".")
    counted = POLICY.counted.get(f"{module}:{name}")
    return POLICY.plumbs(module, name) or bool(counted and method not in counted)


def _functions_of(copy: Path, module: str) -> list[str]:
    parsed = ast.parse(_file_of(copy, module).read_text(encoding="utf-8"))
    return [node.name for node in parsed.body if isinstance(node, FUNCTIONS)]


def _file_of(copy: Path, module: str) -> Path:
    path = copy.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _run(module: str, copy: Path, *arguments: str) -> Any:  # noqa: ANN401 -- what it printed
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        cwd=copy,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _costs() -> dict[str, object]:
    """Measure all keys in fresh processes, and raw hashes of the files that they cover."""
    entries = [keys.entries_of(kind) for kind in keys.ENTRIES]
    prepare(entries)
    covered = [covered_code(*one).definitions for one in entries]
    modules = [sorted({name.partition(":")[0] for name in found}) for found in covered]
    keys_s = min(measure(all_ids).cpu_s for _ in range(3))
    raw_s = min(measure(hash_files, modules).cpu_s for _ in range(3))
    return {
        "kinds": len(modules),
        "keys_cpu_s": round(keys_s, 3),
        "raw_files_cpu_s": round(raw_s, 3),
        "keys_over_raw": round(keys_s / raw_s, 1) if raw_s else None,
    }


def hash_files(kinds: Sequence[Sequence[str]]) -> None:
    """Hash the files of modules as they are, kind by kind: what keys were made of before."""
    for modules in kinds:
        digest_sources(*modules)


def main(arguments: list[str]) -> None:
    """Measure, and print the figures.

    Parameters
    ----------
    arguments
        The command line without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stale", description=__doc__)
    parser.add_argument("--sort-size", type=int, default=40, help="edits of each sort")
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument("--traces", type=Path, help="a file of what traced_stages printed")
    parser.add_argument("--json", action="store_true", help="print one JSON line at the end")
    parser.add_argument("--edits", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.edits:
        print(json.dumps(apply_edits(options.edits)))
        return
    figures = compare(options.sort_size, options.seed, options.traces)
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
