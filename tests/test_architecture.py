"""The house rules that no linter holds."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import WATCH
from tests.servers import starts_something

ROOT = Path(__file__).parents[1]
FLOWS = sorted(p.stem for p in (ROOT / "flows").glob("*.py") if not p.stem.startswith("_"))
PUBLIC = sorted(ROOT.glob("mmpipeline/**/*.py")) + sorted(ROOT.glob("tasks/*.py"))


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_file_holds_one_flow_of_its_own_name(name: str) -> None:
    tree = ast.parse((ROOT / "flows" / f"{name}.py").read_text(encoding="utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == [name]


def test_every_flow_has_a_deployment_that_finds_it() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    entrypoints = {deployment["entrypoint"] for deployment in declared}
    assert {f"flows/{name}.py:{name}" for name in FLOWS} <= entrypoints
    for deployment in declared:
        file, function = deployment["entrypoint"].split(":")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")


def test_pinned_dependencies_agree_with_the_tested_set() -> None:
    tested = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in sum(project["optional-dependencies"].values(), project["dependencies"]):
        name = re.split(r"[<>=\[]", requirement)[0].lower()
        assert name in tested, f"{name} is missing from constraints.txt"
        exact = re.search(r"==([\w.]+)", requirement)
        assert exact is None or tested[name] == exact[1]


def test_the_readme_is_short_and_names_real_files() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 700
    tree = text.split("## What lies where")[1].split("```text\n", 1)[1].split("```", 1)[0]
    for name in re.findall(r"^[├└│ ─]*([\w.]+/?) ", tree, flags=re.M):
        assert list(ROOT.glob(name.rstrip("/"))) or list(ROOT.glob(f"mmpipeline/{name}")), name


def test_a_refresh_that_finds_nothing_new_imports_no_stage() -> None:
    script = "import sys, flows.refresh_catalog; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "mmpipeline.planning.refresh" in loaded
    heavy = {"torch", "mlflow", "faiss", "sklearn", "matplotlib", "pandas", "duckdb", "scipy"}
    assert heavy.isdisjoint(loaded)


def test_pickle_is_never_loaded() -> None:
    for path in PUBLIC + sorted(ROOT.glob("flows/*.py")):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"\bpickle\b.*load|torch\.load\(|allow_pickle=True", source), path


def test_nothing_listens_beyond_loopback() -> None:
    for path in PUBLIC + sorted(ROOT.glob("flows/*.py")) + [ROOT / "Makefile"]:
        assert "0.0.0.0" not in path.read_text(encoding="utf-8"), path


def run_python() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def ask_a_site() -> None:
    from mmpipeline.sample.site.server import serve_site

    serve_site()  # type: ignore[call-arg]


class Worker:
    def begin(self) -> None:
        run_python()


def test_what_starts_a_server_or_a_process_is_seen() -> None:
    for starting in (run_python, ask_a_site, lambda: [Worker().begin() for _ in range(2)]):
        assert starts_something(starting)
    for quiet in (lambda: Path("subprocess").exists(), lambda: re.sub("mlflow", "tasks", "x")):
        assert not starts_something(quiet)


@pytest.mark.server  # so that it sees marked tests too
def test_every_file_that_starts_python_is_marked(request: pytest.FixtureRequest) -> None:
    """Hold the marker `server` against the words of the files themselves."""
    marked = {item.path for item in request.session.items if item.get_closest_marker("server")}
    for path in {item.path for item in request.session.items} - marked - {Path(__file__)}:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not words & {"Popen", "executable", "serve_forever"}, path


def test_what_starts_python_without_the_marker_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WATCH, "unmarked", "a test")
    with pytest.raises(AssertionError, match="a test starts something"):
        run_python()
