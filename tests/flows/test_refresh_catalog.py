"""The whole road: run it, run it again, kill it, ask it."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from mmpipeline.search.release.golden_queries import golden_queries_path
from mmpipeline.storage import DataLayout, open_artifact, read_parquet

pytestmark = pytest.mark.flow

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[[Path, int], "subprocess.Popen[str]"]

STAGES = ("tenthousand_recipe", "recipe1m", "catalog", "features", "pairs", "model", "index")


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def artifacts(data_root: Path) -> dict[str, set[str]]:
    layout = DataLayout.at(data_root)
    return {
        kind: {f.name for f in layout.artifacts(kind).iterdir() if f.is_dir()} for kind in STAGES
    }


def payloads(data_root: Path, kind: str) -> dict[str, str]:
    (folder,) = (f for f in DataLayout.at(data_root).artifacts(kind).iterdir() if f.is_dir())
    return {name: entry["sha256"] for name, entry in open_artifact(folder).manifest.files.items()}


def materializations(data_root: Path) -> list[tuple[str, str, list[str]]]:
    """Return what Prefect knows of versions that were made: asset, id, and assets of its inputs."""
    query = "SELECT resource_id, payload, related FROM events WHERE event = ?"
    with sqlite3.connect(data_root / "state" / "prefect" / "prefect.db") as store:
        rows = store.execute(query, ["prefect.asset.materialization.succeeded"]).fetchall()
    found = []
    for asset, payload, related in rows:
        sources = [
            one["prefect.resource.id"]
            for one in json.loads(related)
            if one["prefect.resource.role"] == "asset"
        ]
        found.append((asset, json.loads(payload)["id"], sorted(sources)))
    return sorted(found)


def test_every_stage_left_one_sound_artifact(finished: Path) -> None:
    layout = DataLayout.at(finished)
    for kind, names in artifacts(finished).items():
        assert len(names) == 1, kind
        open_artifact(layout.artifacts(kind) / names.pop(), kind=kind).verify()
    assert layout.current_index.read_text().strip() in artifacts(finished)["index"]
    assert not list(layout.temporary.iterdir())


def test_every_version_is_a_materialization_of_its_kind(finished: Path) -> None:
    made = {asset: (name, sources) for asset, name, sources in materializations(finished)}
    for kind, names in artifacts(finished).items():
        assert {made[f"mmpipeline://{kind}"][0]} == names
    sources = ["mmpipeline://recipe1m", "mmpipeline://tenthousand_recipe"]
    assert made["mmpipeline://catalog"][1] == sources
    assert made["mmpipeline://model"][1] == ["mmpipeline://features", "mmpipeline://pairs"]
    assert len(made) == len(materializations(finished))


def test_the_exam_has_as_many_questions_as_the_config_wants(finished: Path) -> None:
    assert (
        read_parquet(golden_queries_path(DataLayout.at(finished))).num_rows == 20
    )  # of 24 that may ask


def test_the_screen_is_ours_and_fits(finished: Path) -> None:
    screen = (finished / "first-run.txt").read_text()
    for stage in ("scrape", *STAGES, "evaluation", "sample_world"):
        assert re.search(rf"^{stage} ", screen, flags=re.M), f"{stage} says nothing"
    assert "mmpipeline search --title" in screen
    for word in ("Traceback", "Warning", "Error", "prefect.", "telemetry", "Uvicorn"):
        assert word not in screen, screen
    first, *lines = screen.splitlines()
    assert first == f"Everything lands in {finished}"  # as long as the user's own path
    assert max(map(columns, lines)) <= 100


def test_pairs_left_a_page_with_charts_and_in_prefect(finished: Path) -> None:
    names = payloads(finished, "pairs")
    assert {"pairs.parquet", "copies.parquet", "report.json", "report.md"} <= set(names)
    assert sum(name.endswith(".png") for name in names) == 5
    with sqlite3.connect(finished / "state" / "prefect" / "prefect.db") as store:
        pages = store.execute(
            "SELECT type, data FROM artifact WHERE key = 'pairs-report'"
        ).fetchall()
    ((kind, page),) = pages
    assert kind == "markdown"
    assert "Dishes without positives" in page


def test_training_left_one_tracked_run(finished: Path) -> None:
    with sqlite3.connect(finished / "state" / "mlflow.db") as store:
        runs = store.execute("SELECT status FROM runs").fetchall()
        epochs = store.execute("SELECT count(DISTINCT step) FROM metrics").fetchone()[0]
        datasets = store.execute("SELECT count(*) FROM datasets").fetchone()[0]
        params = dict(store.execute("SELECT key, value FROM params").fetchall())
    assert runs == [("FINISHED",)]
    assert epochs >= 3
    assert datasets == 3  # what it trained on, was evaluated on, and the frozen set
    assert params["epochs"] == "12"
    logged = {p.name for p in (finished / "state" / "mlflow-artifacts").rglob("*") if p.is_file()}
    assert {"model.safetensors", "metrics.json", "report.md"} <= logged


@pytest.mark.parametrize("query", ["image", "title"])
def test_one_modality_finds_the_dish_of_a_held_out_recipe(query: str, finished: Path) -> None:
    (evaluation,) = DataLayout.at(finished).artifacts("evaluation").glob("*/metrics.json")
    metrics = json.loads(evaluation.read_text())
    name = f"dish_{query}_recall_at_1"
    assert metrics[f"dish_{query}_queries"] >= 30
    assert metrics[name] >= 5 * metrics[f"{name}_chance"]


def test_a_second_run_asks_little_and_runs_no_stage(
    finished: Path, run_flows: Run, tmp_path: Path
) -> None:
    data_root = tmp_path / "data"
    shutil.copytree(finished, data_root)
    before = artifacts(data_root)
    again = run_flows(data_root)
    assert again.returncode == 0, again.stderr
    assert "Nothing new" in again.stdout
    assert "no other stage ran" in again.stdout
    assert artifacts(data_root) == before
    assert materializations(data_root) == materializations(finished)


def test_two_runs_at_once_do_not_mix(start_flows: Start, run_flows: Run, tmp_path: Path) -> None:
    first = start_flows(tmp_path / "data", subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline().startswith("Everything lands in")
    second = run_flows(tmp_path / "data")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=20)
    assert second.returncode == 1
    assert second.stderr.startswith("error: another run is at work in ")
    assert second.stderr.count("\n") == 1


def test_one_flow_alone_takes_the_newest_artifacts(finished: Path, run_flows: Run) -> None:
    done = run_flows(finished, "build_pairs")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^pairs +is up to date", done.stdout, flags=re.M)


def test_ctrl_c_ends_at_once_and_says_so(start_flows: Start, tmp_path: Path) -> None:
    process = start_flows(tmp_path / "data", subprocess.PIPE)
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "run again to go on" in stdout
    assert stderr == ""


def test_it_answers_any_mix_of_parts(finished: Path, run_cli: Run) -> None:
    photo = next((finished / "raw").rglob("*.jpg"))
    for arguments in (
        ("--title", "김치찌개"),
        ("--image", str(photo)),
        ("--ingredients", "김치, 두부, 돼지고기", "--steps", "끓인다"),
        ("--title", "kimchi stew", "--image", str(photo), "--ingredients", "tofu"),
    ):
        answer = run_cli(finished, "search", *arguments, "-k", "3", "--json")
        assert answer.returncode == 0, answer.stderr
        found = json.loads(answer.stdout)
        assert [hit["rank"] for hit in found["items"]] == [1, 2, 3]
        assert len(found["dishes"]) == 3
    lines = run_cli(finished, "search", "--title", "된장찌개", "-k", "3").stdout.splitlines()
    assert max(map(columns, lines)) <= 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "--title", "김치찌개", "-k", "0"), "k = 0: expected a number from 1"),
        (("search",), "the query is empty"),
        (("search", "--title", "  "), "the query is empty"),
        (("search", "--image", "no-such-file.jpg"), "does not exist"),
    ],
)
def test_a_wrong_question_is_one_line(
    arguments: tuple[str, ...], message: str, finished: Path, run_cli: Run
) -> None:
    answer = run_cli(finished, *arguments)
    assert answer.returncode == 1
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"this is no photo", "JPEG"),
        (b"", "no readable photo"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64), "HEIC"),
    ],
)
def test_a_file_that_is_no_photo_is_one_line(
    content: bytes, message: str, finished: Path, run_cli: Run, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    answer = run_cli(finished, "search", "--image", str(tmp_path / "photo.jpg"))
    assert answer.returncode == 1
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_asking_before_anything_is_published_is_one_line(run_cli: Run, tmp_path: Path) -> None:
    answer = run_cli(tmp_path / "nothing", "search", "--title", "김치찌개")
    assert answer.returncode == 1
    assert "no index published yet" in answer.stderr
    assert "make run" in answer.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "empty"), ("this is no JSON", "JSON")],
)
def test_a_wrong_dump_is_one_line(
    content: str, message: str, run_flows: Run, tmp_path: Path
) -> None:
    dump = tmp_path / "dump"
    dump.mkdir()
    (dump / "layer1.json").write_text(content)
    done = run_flows(tmp_path / "data", "--source", str(dump))
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_wrong_arguments_are_found_before_anything_starts(run_flows: Run, tmp_path: Path) -> None:
    typo = tmp_path / "typo.toml"
    typo.write_text("[train]\nepoch = 3\n")
    for arguments, message in (
        (("--config", str(typo)), "unknown key 'train.epoch'"),
        (("--source", str(tmp_path / "nowhere")), "no layer1.json there"),
        (("--source", str(tmp_path)), "no layer1.json there"),
        (("normalize_recipe1m",), "needs --source"),
    ):
        done = run_flows(tmp_path / "data", *arguments)
        assert done.returncode == 1
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
