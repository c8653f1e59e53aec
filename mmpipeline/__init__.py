"""mmpipeline: from recipes on the web and in Recipe1M to a published multimodal index.

The library half of the project. It knows neither an orchestrator nor an experiment tracker:
`tasks/` wraps it for Prefect and MLflow, `flows/` puts the tasks in order. Everything here can
be used and tested without a server.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mmpipeline")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
