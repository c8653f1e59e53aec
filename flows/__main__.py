"""`make run`: a flow in this process, with a private Prefect server.

`python -m flows` runs the parent flow, `python -m flows build_pairs` one stage of it. It sets what
Prefect and MLflow read from the environment before either is imported, prints the stages' lines
to standard output, and turns errors into one line each; the traceback of an error that nobody
foresaw goes to a log. Interrupting it at any moment is safe: it ends at once, and the next run
completes what is missing.
"""

import argparse
import atexit
import importlib
import json
import logging
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, get_args

from mmpipeline.config.environment import load_settings
from mmpipeline.config.pipeline import PipelineConfig, load_config
from mmpipeline.config.refresh import RefreshRequest, StageFlow
from mmpipeline.errors import InputError, PipelineError, describe_os_error
from mmpipeline.planning.settings import check_tables
from tasks.runtime.locations import settle_at_start
from tasks.runtime.run_lock import data_root_lock
from tasks.servers.prefect import new_login, prefect_server, quiet_environment

PARENT, EXPERIMENT, GRID = "refresh_catalog", "run_seed_experiment", "compare_runs"
DUMP, ANY_SOURCE = "normalize_recipe1m", "bring_recipes"
SECTIONS = {
    "scrape_recipes": {"scrape": "scrape", "parse": "parse"},
    "recheck_recipes": {"scrape": "scrape", "parse": "parse"},
    "normalize_arrivals": {"config": "recipe1m"},
    "build_catalog": {"config": "catalog"},
    "extract_features": {"config": "features"},
    "build_pairs": {"config": "pairs"},
    "train_fusion": {"config": "train"},
    "evaluate_model": {"config": "evaluate", "frozen_set": "frozen"},
    "publish_index": {"config": "index", "promotion": "promotion"},
    "follow_release": {},
    "prune_artifacts": {"config": "retention"},
    EXPERIMENT: {"config": "experiment"},
}
"""Flows that need nothing but what lies in the data folder: the section of each parameter."""
FLOWS = (PARENT, DUMP, ANY_SOURCE, *SECTIONS, GRID)
FULL_DISK_BYTES = 1_000_000
NEXT_STEPS = """
Next:  .venv/bin/mmpipeline search --title 김치찌개 -k 5      ask it yourself
       .venv/bin/mmpipeline search --image PHOTO.jpg       or with a photo
       make ui                                             runs in Prefect, training in MLflow"""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the command line of `make run`."""
    parser = argparse.ArgumentParser(prog="python -m flows", description="Run a flow here.")
    parser.add_argument("flow", nargs="?", choices=FLOWS, default=PARENT)
    parser.add_argument("--source", type=Path, help="a folder in Recipe1M's layout")
    parser.add_argument("--kind", help=f"of {ANY_SOURCE}: the source whose input --source is")
    parser.add_argument("--config", type=Path, help="a TOML file with config sections")
    parser.add_argument("--plan", action="store_true", help="say what would run and why")
    parser.add_argument("--newest", action="store_true", help="ask no source: take what is there")
    parser.add_argument("--quick", action="store_true", help="little data, few steps")
    parser.add_argument("--copy-to", type=Path, help="a folder that gets a copy of the report")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--retrain", action="store_true", help="train on what is new")
    parser.add_argument(
        "--force",
        action="append",
        default=[],
        choices=get_args(StageFlow),
        help="run this stage though its artifact exists; may be given more than once",
    )
    options = parser.parse_args(arguments)
    wishes = (options.plan, options.newest, options.retrain, options.force)
    if options.flow != PARENT and any(wishes):
        parser.error(f"--plan, --newest, --retrain and --force are for {PARENT}")
    if options.newest and options.source:
        parser.error("--newest asks no source, so there is no --source")
    if options.flow != ANY_SOURCE and options.kind:
        parser.error(f"--kind is for {ANY_SOURCE}")
    if options.flow != EXPERIMENT and (options.quick or options.copy_to):
        parser.error(f"--quick and --copy-to are for {EXPERIMENT}")
    if options.flow != GRID and options.json:
        parser.error(f"--json is for {GRID}")
    return options


def main(arguments: list[str]) -> int:
    """Run a flow.

    Parameters
    ----------
    arguments
        The command line without the program's name.

    Returns
    -------
    int
        Exit status: 0 when the flow completed.
    """
    options = parse_arguments(arguments)
    try:
        config, settings = load_config(options.config), load_settings()
        check_tables(config)
        parameters = choose_parameters(options.flow, config, options.source, options.kind)
        if options.flow == PARENT:
            wishes = {"retrain": options.retrain, "force": tuple(options.force)}
            if options.newest:
                wishes |= {"newest": True, "scrape": False, "sample": False}
            parameters["request"] = parameters["request"].model_copy(update=wishes)
        if options.flow == EXPERIMENT:
            place = options.copy_to.resolve() if options.copy_to else None
            parameters |= {"quick": options.quick, "copy_to": place}
        data_root = settings.data_root.resolve()
        _prepare_process(data_root)
        if options.plan:
            from mmpipeline.planning.lines import describe_plan

            print("\n".join(describe_plan(data_root, config, parameters["request"])))
            return 0
        data_root.mkdir(parents=True, exist_ok=True)
        with data_root_lock(data_root):
            settle_at_start(data_root)
            result = _run(options.flow, parameters, data_root)
        if options.json:
            print(json.dumps(result, ensure_ascii=False))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        return 1
    return 0


def choose_parameters(
    flow: str, config: PipelineConfig, source: Path | None, kind: str | None = None
) -> dict[str, Any]:
    """Return a flow's parameters, all but the data folder.

    Parameters
    ----------
    flow
        One of `FLOWS`.
    config
        The whole experiment.
    source
        A folder in Recipe1M's layout, when one was named; of `ANY_SOURCE`, its input.
    kind
        The source that `ANY_SOURCE` asks.

    Returns
    -------
    dict
        By parameter name.

    Raises
    ------
    InputError
        If `source` or `kind` is needed or wrong.
    """
    if flow == ANY_SOURCE:
        if source is None or kind is None:
            raise InputError(f"{ANY_SOURCE} needs --kind, a source, and --source, its input")
        return {"kind": kind, "place": source.resolve(), "config": config}
    if source is not None and not any(source.glob("layer1.json*")):
        raise InputError(
            f"SOURCE={source}: no layer1.json there; give a folder in Recipe1M's layout"
        )
    if flow in SECTIONS:
        return {name: getattr(config, section) for name, section in SECTIONS[flow].items()}
    if flow == GRID:
        return {"config": config}
    dump = source.resolve() if source is not None else None
    if flow == DUMP:
        if dump is None:
            raise InputError(f"{DUMP} needs --source: a folder in Recipe1M's layout")
        return {"dump": dump, "config": config.recipe1m}
    request = RefreshRequest(dump=dump, scrape=dump is None, sample=dump is None)
    return {"config": config, "request": request}


def _run(flow: str, parameters: dict[str, Any], data_root: Path) -> object:
    started = time.perf_counter()
    print(f"Everything lands in {data_root}", flush=True)
    with ExitStack() as at_end:
        server = ExitStack()
        atexit.register(server.close)  # before Prefect registers its exit handlers, so after them
        private = prefect_server(data_root, login=new_login())
        os.environ["PREFECT_API_URL"] = server.enter_context(private)
        from prefect.logging.handlers import APILogWorker

        run_flow = getattr(importlib.import_module(f"flows.{flow}"), flow)
        _quiet_console()
        at_end.callback(APILogWorker.drain_all, timeout=5)
        result = run_flow(data_root=data_root, **parameters)
    print(f"Done in {time.perf_counter() - started:.0f} s.{NEXT_STEPS if flow == PARENT else ''}")
    return result


def _prepare_process(data_root: Path) -> None:
    """Set the environment, the lines on the screen, and what errors and Ctrl-C do."""
    for name, value in quiet_environment(data_root).items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore")  # what libraries deprecate is our concern, not the user's
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("mmpipeline")
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)
    logger.propagate = False
    signal.signal(signal.SIGINT, _stop_at_once)
    signal.signal(signal.SIGTERM, _stop_at_once)

    def say_unforeseen(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        print(f"error: {describe_unforeseen(data_root, error)}", file=sys.stderr)
        log = data_root / "state" / "logs" / "errors.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                traceback.print_exception(kind, error, trace, file=file)
        except OSError:
            return

    sys.excepthook = say_unforeseen


def describe_unforeseen(data_root: Path, error: BaseException) -> str:
    """Say on one line what stopped a run that nobody foresaw, and where to read more.

    Parameters
    ----------
    data_root
        The data folder; its disk may be the reason.
    error
        What was raised.

    Returns
    -------
    str
        One line.
    """
    if shutil.disk_usage(data_root).free < FULL_DISK_BYTES:
        return f"the disk that holds {data_root} is full; free some space and run again"
    first = str(error).strip().split("\n")[0]
    return (
        f"{type(error).__name__}: {first}; the traceback is in "
        f"{data_root / 'state' / 'logs' / 'errors.log'}"
    )


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """End now: every artifact is whole or absent, and children end with their pipes."""
    os.write(1, b"\nStopped. Nothing half-written is visible; run again to go on.\n")
    os._exit(128 + number)


def _quiet_console() -> None:
    """Leave Prefect's own lines to its UI."""
    for name in ("", "prefect"):
        for handler in logging.getLogger(name).handlers:
            if type(handler).__name__ == "PrefectConsoleHandler":
                handler.setLevel(logging.CRITICAL + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
