"""The product's own code: what each stage's key covers, by reading it and by running it."""

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.catalog import merging
from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoders.registry import IMAGE_ENCODERS, TEXT_ENCODERS
from mmpipeline.planning.keys import ENTRIES, entries_of, main
from mmpipeline.provenance import Reach, covered_code
from mmpipeline.provenance.code import read_reached, without_collector
from mmpipeline.provenance.map import CodeMap
from mmpipeline.provenance.module import ON_IMPORT
from mmpipeline.provenance.policy import PLUMBING, Policy
from mmpipeline.provenance.tree import SourceTree
from mmpipeline.search.publish import merge
from mmpipeline.storage.layout import ARTIFACT_FOLDERS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mmpipeline"
ENCODERS = {
    f"mmpipeline.features.encoders.{builder.partition(':')[0]}"
    for builder in (*IMAGE_ENCODERS.values(), *TEXT_ENCODERS.values())
}
ASKED_FOR_ELSEWHERE = {
    "mmpipeline.pairs/sql/anchor_pairs.sql",  # show a pair
    "mmpipeline.pairs/sql/find_recipe.sql",
}
"""Data files that no stage reads, besides the pages of the search service."""


@pytest.fixture(scope="module")
def covered() -> dict[str, Reach]:
    return {kind: covered_code(*entries_of(kind)) for kind in ENTRIES}


def change(node: ast.stmt) -> bool:
    """Change what a definition does; return whether it was one that can be changed so."""
    mark = ast.parse("changed_by_test = 1").body
    if isinstance(node, ast.FunctionDef):
        node.body = [*node.body[:1], *mark, *node.body[1:]]
    elif isinstance(node, ast.ClassDef):
        node.body += ast.parse("def changed_by_test(self):\n    return 1").body
    elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        node.value = ast.Tuple([node.value, ast.Constant(1)], ast.Load())
    else:
        return False
    return True


def names_of(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {
        name.id
        for target in targets
        if target
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    } - {"__all__"}


def digests(code: CodeMap, module: str) -> dict[str, str]:
    return {name: code.definition((module, name)).digest for name in code.names_in(module)}


def test_a_change_of_a_definition_is_seen_in_it_alone_and_layout_in_none() -> None:
    tree = SourceTree(PACKAGE)
    whole = Policy(plumbing={}, counted={})
    with without_collector():
        code, checked = CodeMap(tree, whole), 0
        for module in sorted(tree.modules):
            parsed = ast.parse(tree.read(module))
            changed = set()
            for node in parsed.body[:: 1 + checked % 2]:  # all of one module, half of the next
                if names_of(node) and change(node):
                    changed |= names_of(node)
            edited = CodeMap(SourceTree(PACKAGE, {module: ast.unparse(parsed)}), whole)
            before, after = digests(code, module), digests(edited, module)
            differing = {name for name in before if after[name] != before[name]}
            assert differing - {ON_IMPORT} == changed, module
            checked += 1
    assert checked > 300


def test_a_change_in_what_a_stage_reaches_changes_its_key_and_no_other_change_does(
    covered: dict[str, Reach],
) -> None:
    tree, draw = SourceTree(PACKAGE), random.Random(2026)
    everything = [
        (module, node)
        for module in sorted(tree.modules)
        for node in ast.parse(tree.read(module)).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not Policy().plumbs(module, node.name)
    ]
    reached = {name for part in covered.values() for name in part.definitions}
    inside = [found for found in everything if f"{found[0]}:{found[1].name}" in reached]
    outside = [found for found in everything if f"{found[0]}:{found[1].name}" not in reached]
    for module, node in [*draw.sample(inside, 6), *draw.sample(outside, 3)]:
        parsed = ast.parse(tree.read(module))
        same = [one for one in parsed.body if getattr(one, "name", "") == node.name]
        assert [change(one) for one in same] == [True] * len(same)
        edited = SourceTree(PACKAGE, {module: ast.unparse(parsed)})
        entries_by_kind = {kind: entries_of(kind) for kind in ENTRIES}
        after = read_reached(edited, entries_by_kind.values())
        for kind, entries in entries_by_kind.items():
            is_reached = f"{module}:{node.name}" in covered[kind].definitions
            is_renewed = after[entries].digest != covered[kind].digest
            assert is_renewed == is_reached, f"{kind} {module}:{node.name}"


def test_each_part_of_what_is_covered_is_in_the_digest(covered: dict[str, Reach]) -> None:
    for kind, part in covered.items():
        for name in part.definitions:
            changed = Reach({**part.definitions, name: "0"}, part.data)
            assert changed.digest != part.digest, f"{kind} {name}"
        for name in part.data:
            assert Reach(part.definitions, {**part.data, name: "0"}).digest != part.digest


def test_every_data_file_is_covered_or_known_to_serve_no_stage(covered: dict[str, Reach]) -> None:
    tree = SourceTree(PACKAGE)
    files = {f"{p}/{path}" for p in tree.packages_with_data() for path in tree.data_files(p)}
    packaged = FeatureConfig(image_encoders=("efficientnet-lite0",)).model_dump(mode="json")
    parts = [*covered.values(), covered_code(*entries_of("features", packaged))]
    read = {name for part in parts for name in part.data}
    of_service = {name for name in files if name.startswith("mmpipeline.serving/")}
    assert files - read - of_service == ASKED_FOR_ELSEWHERE
    assert read <= files


def test_every_kind_of_artifact_has_entries_and_merged_parts_the_same() -> None:
    assert set(ENTRIES) == set(ARTIFACT_FOLDERS)

    assert ENTRIES["catalog"] == merging.MADE_BY  # read once a refresh
    assert covered_code(*merge.MADE_BY).definitions


def test_an_encoder_counts_with_the_features_whose_config_names_it() -> None:
    words = FeatureConfig(text_encoders=("universal-sentence",)).model_dump(mode="json")
    name, default = "mmpipeline.features.encoders.universal_sentence", entries_of("features")
    for entries, counts in ((default, False), (entries_of("features", words), True)):
        definitions = covered_code(*entries).definitions
        assert any(one.startswith(f"{name}:") for one in definitions) == counts
    assert not any(
        one.startswith(f"{name}:") for one in covered_code(*ENTRIES["model"]).definitions
    )


def test_what_plumbs_exists_and_has_a_reason() -> None:
    code = CodeMap(SourceTree(PACKAGE))
    for name, reason in PLUMBING.items():
        module, _, definition = name.partition(":")
        assert module in code.tree.modules, name
        assert not definition or code.find(module, (definition,)), name
        assert len(reason) > 5
    for name, methods in Policy().counted.items():
        module, _, definition = name.partition(":")
        assert code.definition((module, definition)).digest
        assert all(f"def {method}(" in code.tree.read(module) for method in methods)


def path_of(data_file: str) -> str:
    package, _, path = data_file.partition("/")
    return f"{package.replace('.', '/')}/{path}"


@pytest.mark.timeout(1500)  # a hang guard: a busy machine is not a hang
def test_what_ran_in_a_stage_is_covered(tmp_path: Path, covered: dict[str, Reach]) -> None:
    """Run each stage on a tiny world and hold the keys against what Python called."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.traced_stages", str(tmp_path / "data")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    traces = json.loads(done.stdout.splitlines()[-1])
    assert set(traces) == set(ENTRIES)
    policy, missing, ran = Policy(), [], 0
    for kind, trace in traces.items():
        for function in trace["functions"]:
            module, _, qualified = function.partition(":")
            name, _, method = qualified.partition(".")
            decides = policy.counted.get(f"{module}:{name}") or (method,)
            if method in decides and not policy.plumbs(module, name):
                ran += 1
                counting = "features" if module in ENCODERS else kind  # whose id others are given
                if f"{module}:{name}" not in covered[counting].definitions:
                    missing.append(f"{kind} {function}")
        opened = {f"mmpipeline/{name}" for name in trace["data"]}
        missing += [f"{kind} {name}" for name in opened - {*map(path_of, covered[kind].data)}]
    assert not missing, "\n".join(missing)
    assert ran > 1000
    assert "pairs/sql/anchors.sql" in traces["pairs"]["data"]


def test_the_list_for_people_names_what_is_covered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model"]) == 0
    shown = capsys.readouterr().out.split()
    assert "mmpipeline.evaluation.metrics.single_modality:solve_ridge" in shown
    assert "mmpipeline.losses.mms:mms_loss" not in shown
    assert main(["models"]) == 2
    assert "expected of sample_world" in capsys.readouterr().err
