"""`make run`: the parent flow in this process, with a private Prefect server.

It sets what Prefect and MLflow read from the environment before either is imported, prints the
stages' lines to standard output, and turns errors into one line each. Interrupting it at any
moment is safe: it ends at once, and the next run completes what is missing.
"""

import argparse
import atexit
import logging
import os
import signal
import sys
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from mmpipeline.config import PipelineConfig, load_config, load_settings
from mmpipeline.errors import InputError, PipelineError
from tasks.servers import prefect_server, quiet_environment

NEXT_STEPS = """
Next:  .venv/bin/mmpipeline search --title 김치찌개 -k 5      ask it yourself
       .venv/bin/mmpipeline search --image PHOTO.jpg       or with a photo
       make ui                                             runs in Prefect, training in MLflow"""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the command line of `make run`."""
    parser = argparse.ArgumentParser(prog="python -m flows", description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path, help="a folder in Recipe1M's layout")
    parser.add_argument("--config", type=Path, help="a TOML file with config sections")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the parent flow.

    Parameters
    ----------
    arguments
        The command line without the program's name.

    Returns
    -------
    int
        Exit status: 0 when the index is published or up to date.
    """
    options = parse_arguments(arguments)
    try:
        config, settings = load_config(options.config), load_settings()
        _require_folder(options.source)
        data_root = settings.data_root.resolve()
        data_root.mkdir(parents=True, exist_ok=True)
        _prepare_process(data_root)
        _run(config, data_root, options.source)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {error.strerror}: {error.filename}; see to it and run again", file=sys.stderr
        )
        return 1
    return 0


def _require_folder(source: Path | None) -> None:
    if source is not None and not source.is_dir():
        raise InputError(f"SOURCE={source} is no folder; give one that holds layer1.json")


def _run(config: PipelineConfig, data_root: Path, source: Path | None) -> None:
    started = time.perf_counter()
    print(f"Everything lands in {data_root}", flush=True)
    with ExitStack() as at_end:
        server = ExitStack()
        atexit.register(
            server.close
        )  # before Prefect's own exit handlers are registered: runs last
        os.environ["PREFECT_API_URL"] = server.enter_context(prefect_server(data_root))
        from prefect.logging.handlers import APILogWorker

        from flows.refresh_catalog import refresh_catalog

        _quiet_console()
        at_end.callback(APILogWorker.drain_all, timeout=5)
        refresh_catalog(
            config=config,
            data_root=data_root,
            dump=source and source.resolve(),
            scrape=source is None,
            sample=source is None,
        )
    print(f"Done in {time.perf_counter() - started:.0f} s.{NEXT_STEPS}")


def _prepare_process(data_root: Path) -> None:
    """Set the environment, the lines on the screen, and what Ctrl-C does."""
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


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """End now: every artifact is whole or absent, and children end with their pipes."""
    print("\nStopped. Nothing half-written is visible; run again to go on.", flush=True)
    os._exit(128 + number)


def _quiet_console() -> None:
    """Leave Prefect's own lines to its UI."""
    for name in ("", "prefect"):
        for handler in logging.getLogger(name).handlers:
            if type(handler).__name__ == "PrefectConsoleHandler":
                handler.setLevel(logging.CRITICAL + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
