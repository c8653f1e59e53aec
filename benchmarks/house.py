"""The structure of the code in figures, beside that of published packages, in one run.

``python -m benchmarks.house --json`` What is watched: how large a folder and a file get, how long
the longest chain of imports is, how many words one must know to read the file names, and the
figures of style (lines of files and functions, complexity, documentation, annotations). The peers
are packages that are installed anyway and known for their code; they are measured by the same
lines. Nothing is run or imported of what is measured; imports are those of the text, for type
checking too.

A folder counts its modules but for `__init__` and `__main__`, its own pages. Published losses and
the parts of a site are one file each however many there are, and named after what they follow, so
`EXEMPT` folders count neither for the size of folders nor for the words. Words of file names are
told apart without plural. Acts (words in -ing) are no nouns here, and those of `NOT_NOUNS`. Beside
these nouns all words are counted as they stand, exempt folders, plurals and acts too: 356 of them
stood before the folders were made, so few of the names have become shorter yet.
"""

import argparse
import ast
import io
import json
import re
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
OURS = ("mmpipeline", "tasks", "flows")
PEERS = ("httpx", "sentence_transformers")
EXEMPT = ("mmpipeline/losses", "mmpipeline/sources/tenthousand/page")
LONG = 300
NOT_NOUNS = frozenset({
    "ann", "at", "atomic", "build", "closed", "compare", "compose", "contrastive", "convert",
    "cosine", "cross", "current", "declared", "deep", "describe", "detected", "embed",
    "euclid", "evaluate", "everything", "exact", "extract", "fit", "follow", "form", "former",
    "fp16", "frozen", "golden", "hard", "held", "joined", "joint", "live", "load", "merge",
    "mobile", "multimodal", "named", "near", "newest", "normal", "normalise", "normalize",
    "numeric", "of", "once", "other", "out", "paired", "pairwise", "previous", "private",
    "prototypical", "prune", "published", "rare", "raw", "recall", "recheck", "remote",
    "retired", "scrape", "self", "shared", "show", "sigmoid", "single", "stale", "static",
    "supervised", "together", "tracked", "train", "tsne", "universal", "unpack", "versatile",
    "virtual", "weighted",
})  # fmt: skip
BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case,
)  # fmt: skip

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A module as text and tree.

    Attributes
    ----------
    path
        Below the root that all measured modules share.
    text
        Its source.
    """

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    def comments(self) -> int:
        """Return how many comments it has, those behind code too."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(token.type == tokenize.COMMENT for token in tokens)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield all functions, methods and inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node

    def public_objects(self) -> Iterator[Definition | ast.Module]:
        """Yield the module and what it defines for others, down to methods."""
        yield self.tree
        waiting: list[ast.stmt] = list(self.tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, Definition) and not node.name.startswith("_"):
                yield node
                waiting += node.body if isinstance(node, ast.ClassDef) else []


def read_package(package: str) -> list[Module]:
    """Read the modules of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent
    return [
        Module(path.relative_to(folder.parent), path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    ]


def first_line(module: Module) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(module.tree) or "").partition("\n")[0]


def measure_style(modules: Sequence[Module]) -> dict[str, float]:
    """Measure how modules are written.

    Parameters
    ----------
    modules
        Of one or several packages.

    Returns
    -------
    dict of str to float
        Lines of files and functions (median, 95th percentile), complexity (90th percentile, most),
        shares of documented public objects and of annotated arguments and results, and comment
        lines in 100.
    """
    files = [module.lines for module in modules]
    functions = [function for module in modules for function in module.functions()]
    lengths = [int(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]
    branches = [1 + sum(isinstance(n, BRANCHES) for n in ast.walk(node)) for node in functions]
    public = [node for module in modules for node in module.public_objects()]
    slots = [slot for node in functions for slot in _annotations(node)]
    comments = sum(module.comments() for module in modules)
    return {
        "files": len(files),
        "file_lines_median": statistics.median(files),
        "file_lines_p95": _percentile(files, 95),
        "function_lines_median": statistics.median(lengths),
        "function_lines_p95": _percentile(lengths, 95),
        "complexity_p90": _percentile(branches, 90),
        "complexity_max": max(branches),
        "documented_share": round(sum(map(bool, map(ast.get_docstring, public))) / len(public), 3),
        "annotated_share": round(sum(slots) / max(1, len(slots)), 3),
        "comments_in_100_lines": round(100 * comments / sum(files), 2),
    }


def measure_depth(*packages: str) -> tuple[int, list[str]]:
    """Return how many modules the longest chain of imports holds, and one such chain.

    A cycle counts as one step.
    """
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    longest: dict[str, list[str]] = {}
    for name in sorted(imports):
        _follow(name, imports, longest, [])
    chain = max(longest.values(), key=len)
    return len(chain), chain


def _follow(
    name: str, imports: dict[str, set[str]], longest: dict[str, list[str]], above: list[str]
) -> list[str]:
    if name not in longest:
        below = [
            _follow(other, imports, longest, [*above, name])
            for other in sorted(imports[name])
            if other not in above and other != name
        ]
        longest[name] = [name, *max(below, key=len, default=[])]
    return longest[name]


def measure_names(modules: Sequence[Module]) -> tuple[list[str], list[str]]:
    """Return all different words of file names as they stand, and the nouns as said above."""
    names = [
        module.path.stem
        for module in modules
        if not module.path.stem.startswith("__") and not _is_exempt(module)
    ]
    words = {word for name in names for word in name.split("_")}
    singular = {
        next(
            (word.removesuffix(end) for end in ("es", "s") if word.removesuffix(end) in others),
            word,
        )
        for word in words
        for others in [words - {word}]
    }
    every = {word for module in modules for word in module.path.stem.strip("_").split("_")}
    return sorted(every), sorted(w for w in singular - NOT_NOUNS if not w.endswith("ing"))


def measure_house(modules: Sequence[Module]) -> dict[str, object]:
    """Measure what the rules of the house bound.

    Parameters
    ----------
    modules
        Of all packages of the product.

    Returns
    -------
    dict of str to object
        The largest folder, the long files, the depth of imports, the words of file names, and the
        definitions of array types outside of `mmpipeline.arrays`.
    """
    folders = Counter(
        str(module.path.parent)
        for module in modules
        if not module.path.stem.startswith("__") and not _is_exempt(module)
    )
    largest, files = folders.most_common(1)[0]
    depth, chain = measure_depth(*OURS)
    words, nouns = measure_names(modules)
    alias = re.compile(r"^(\w+) *= *(?:npt\.|np\.)?(?:NDArray|ndarray)\[", re.MULTILINE)
    return {
        "largest_folder": largest,
        "largest_folder_files": files,
        "files_over_300": [str(m.path) for m in modules if m.lines > LONG],
        "import_depth": depth,
        "longest_chain": chain,
        "file_name_words": len(words),
        "file_name_nouns": len(nouns),
        "array_aliases_elsewhere": [
            f"{module.path}:{name}"
            for module in modules
            if str(module.path) != "mmpipeline/arrays.py"
            for name in alias.findall(module.text)
        ],
        "nouns": nouns,
    }


def _is_exempt(module: Module) -> bool:
    return str(module.path.parent) in EXEMPT


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[bool]:
    """Yield for each argument but self and for the result whether it is annotated."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for argument in arguments:
        if argument.arg not in {"self", "cls"}:
            yield argument.annotation is not None
    yield node.returns is not None


def _percentile(values: Sequence[int], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--nouns", action="store_true", help="list the nouns of file names")
    options = parser.parse_args(arguments)
    modules = [module for package in OURS for module in read_package(package)]
    house = measure_house(modules)
    nouns = house.pop("nouns")
    style = {"ours": measure_style(modules)}
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    source = sum(module.lines for module in modules)
    style["ours"]["tests_over_source"] = round(
        sum(len(text.splitlines()) for text in tests) / source, 2
    )
    for peer in PEERS:
        if found := read_package(peer):
            style[peer] = measure_style(found) | {"import_depth": measure_depth(peer)[0]}
    for name, value in house.items():
        sys.stdout.write(f"{name:24} {value}\n")
    for name in style["ours"]:
        cells = "".join(f"{figures.get(name, '-'):>24}" for figures in style.values())
        sys.stdout.write(f"{name:24}{cells}\n")
    if options.nouns:
        sys.stdout.write(f"{nouns}\n")
    if options.json:
        sys.stdout.write(json.dumps(house | {"style": style}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
