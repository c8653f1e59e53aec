"""The search service under load while its index is swapped: overhead, errors, wrong answers.

``python -m benchmarks.serve --json``

A sample dump is made into two published versions of an index (two models, so the same question has
different answers), and the service runs as users run it: ``mmpipeline serve`` in a process of its
own. First one client asks with vectors, and the same questions are put to the same index in this
process, turn by turn; the difference of the medians is what HTTP costs. Then 32 clients ask for
half a minute, with vectors, titles and ingredients; after a third of it the other version is
promoted, after two thirds the first one is again. Every answer is compared with the one that the
version it names gives in this process, and any status but 200 is an error.

The clients run in four processes beside the server, so on two cores they slow it down: requests a
second are a lower bound. What to expect: a minute.
"""

import argparse
import http.client
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import torch

from benchmarks.serve_service import (
    ask,
    connect,
    peak_bytes,
    publish_two_versions,
    running_service,
)
from mmpipeline.config.serve import ServeConfig
from mmpipeline.search.current import promote
from mmpipeline.search.index import SearchIndex
from mmpipeline.serving.api.handlers import answer_search
from mmpipeline.serving.api.requests import SearchRequest, read_request
from mmpipeline.serving.api.response_models import SearchAnswer
from mmpipeline.storage.layout import DataLayout

Found = list[tuple[str, float]]

CLIENTS = 32
CLIENT_PROCESSES = 4
QUESTIONS = 60
ROUNDS = 5
WARM_UP_TURNS = 20
K = 10


def make_calibration_queries(index: SearchIndex) -> list[bytes]:
    """Return bodies of requests: vectors, titles, and titles with ingredients, in turn."""
    rows = np.linspace(0, len(index) - 1, QUESTIONS).astype(np.intp)
    vectors = index.vectors_at(rows)
    questions: list[dict[str, Any]] = []
    for number, recipe_id in enumerate(index.columns_at(rows, ("recipe_id",))["recipe_id"]):
        recipe = index.item(recipe_id)
        forms: tuple[dict[str, Any], ...] = (
            {"vector": [float(value) for value in vectors[number]]},
            {"title": recipe.title or "stew"},
            {"title": recipe.title or "stew", "ingredients": list(recipe.ingredients)},
        )
        questions.append(forms[number % len(forms)])
    return [json.dumps({**question, "k": K}).encode() for question in questions]


def expect(index: SearchIndex, questions: list[bytes]) -> list[Found]:
    """Return what an index answers, question by question: ids and scores."""
    return [
        found_in(answer_search(index, read_request(question, ServeConfig())))
        for question in questions
    ]


def found_in(answer: SearchAnswer) -> Found:
    """Return the ids and scores of an answer."""
    return [(hit.recipe_id, hit.score) for hit in answer.items]


def is_right(found: Found, expected: Found) -> bool:
    """Compare two answers; scores may differ in their last digits."""
    return len(found) == len(expected) and all(
        mine[0] == theirs[0] and abs(mine[1] - theirs[1]) < 1e-5
        for mine, theirs in zip(found, expected, strict=True)
    )


def measure_overhead(
    address: str, process: psutil.Process, index: SearchIndex, turns: int
) -> dict[str, float]:
    """Ask with vectors over HTTP and in this process, turn by turn; return medians in ms.

    Of five rounds the quietest counts: what another program takes from the machine is no cost of
    HTTP. What the service computes for a question is told beside it.

    Raises
    ------
    RuntimeError
        If a question is not answered.
    """
    questions = [body for body in make_calibration_queries(index) if b'"vector"' in body]
    read: list[SearchRequest] = [read_request(body, ServeConfig()) for body in questions]
    over_http, in_process = [], []
    connection = connect(address)
    cpu_s = 0.0
    for turn in range(turns + WARM_UP_TURNS):
        if turn == WARM_UP_TURNS:
            cpu_s = sum(process.cpu_times()[:2])
        position = turn % len(questions)
        started = time.perf_counter()
        status, _ = ask(connection, "POST", "/search", questions[position])
        between = time.perf_counter()
        index.search_vector(np.array(read[position].vector, dtype=np.float32), K)
        ended = time.perf_counter()
        if status != 200:
            raise RuntimeError(f"a vector query answered {status}")
        over_http.append(1000 * (between - started))
        in_process.append(1000 * (ended - between))
    cpu_s = sum(process.cpu_times()[:2]) - cpu_s
    rounds = np.array_split(np.array([over_http, in_process])[:, WARM_UP_TURNS:], ROUNDS, axis=1)
    http_p50, own_p50 = min(
        (np.median(part, axis=1) for part in rounds), key=lambda pair: float(pair[0] - pair[1])
    )
    return {
        "http_overhead_p50_ms": round(float(http_p50 - own_p50), 3),
        "http_p50_ms": round(float(http_p50), 3),
        "in_process_p50_ms": round(float(own_p50), 3),
        "service_cpu_ms": round(1000 * cpu_s / turns, 3),
    }


def run_clients(
    address: str, questions: list[bytes], expected: dict[str, list[Found]], until: float
) -> Counter[str]:
    """Ask from eight threads until a time; count requests, errors, wrong answers, versions."""
    counts: list[Counter[str]] = [Counter() for _ in range(CLIENTS // CLIENT_PROCESSES)]
    threads = [
        Thread(target=_run_client, args=(address, questions, expected, until, number, count))
        for number, count in enumerate(counts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts, Counter())


def _run_client(
    address: str,
    questions: list[bytes],
    expected: dict[str, list[Found]],
    until: float,
    number: int,
    count: Counter[str],
) -> None:
    connection = connect(address)
    position = 7 * number
    while time.time() < until:
        position = (position + 1) % len(questions)
        count["requests"] += 1
        try:
            status, body = ask(connection, "POST", "/search", questions[position])
        except (OSError, http.client.HTTPException):
            count["errors"] += 1
            connection.close()
            continue
        if status != 200:
            count["errors"] += 1
            continue
        answer = SearchAnswer.model_validate_json(body)
        count[f"of {answer.version}"] += 1
        if not is_right(found_in(answer), expected[answer.version][position]):
            count["wrong_answers"] += 1


def measure_load(
    address: str, layout: DataLayout, versions: list[str], seconds: float
) -> dict[str, float]:
    """Let 32 clients ask while the index is swapped and rolled back; return the counts."""
    indexes = {version: SearchIndex.open(layout, version) for version in versions}
    questions = [
        body for body in make_calibration_queries(indexes[versions[0]]) if b'"vector"' not in body
    ] + [body for body in make_calibration_queries(indexes[versions[0]]) if b'"vector"' in body]
    expected = {version: expect(index, questions) for version, index in indexes.items()}
    context = multiprocessing.get_context("spawn")
    with context.Pool(CLIENT_PROCESSES) as pool:
        pool.map(_warm_up, range(CLIENT_PROCESSES))
        until = time.time() + seconds
        running = pool.starmap_async(
            run_clients, [(address, questions, expected, until)] * CLIENT_PROCESSES, chunksize=1
        )
        for version in (versions[1], versions[0]):
            time.sleep(seconds / 3)
            promote(layout, version)
        counts: Counter[str] = sum(running.get(), Counter())
    return {
        "requests": counts["requests"],
        "errors": counts["errors"],
        "wrong_answers": counts["wrong_answers"],
        "versions_seen": sum(key.startswith("of ") for key in counts),
        "requests_per_s": round(counts["requests"] / seconds, 1),
    }


def _warm_up(_: int) -> None:
    time.sleep(0.5)  # so that every process of the pool has imported before the clock runs


def measure(recipes: int, seconds: float, turns: int) -> dict[str, float]:
    """Run the benchmark.

    Parameters
    ----------
    recipes
        In the index.
    seconds
        Of load.
    turns
        Questions of the one client.

    Returns
    -------
    dict
        The figures.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        versions = publish_two_versions(root, recipes)
        layout = DataLayout.at(root / "data")
        promote(layout, versions[0])
        with running_service(root / "data") as (address, process):
            figures = measure_overhead(address, process, SearchIndex.open(layout), turns)
            figures |= measure_load(address, layout, versions, seconds)
            figures["peak_rss_mb"] = round(peak_bytes(process) / 1e6, 1)
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures.

    Parameters
    ----------
    arguments
        Command line; None takes the process's own.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve")
    parser.add_argument("--recipes", type=int, default=2000, help="in the index")
    parser.add_argument("--seconds", type=float, default=30, help="of load by 32 clients")
    parser.add_argument("--turns", type=int, default=500, help="questions of the one client")
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    options = parser.parse_args(arguments)
    figures = measure(options.recipes, options.seconds, options.turns)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name:24} {value}\n" for name, value in figures.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
