"""MLflow's web application behind the guard: the app `mmpipeline` of ``mlflow server --app-name``.

`mlflow server` stays the one who starts it, with its own options and checks; it finds this factory
by the entry point `mlflow.app` of this package. MLflow is imported when the server makes it.
"""

from typing import TYPE_CHECKING

from tasks.servers.guard import ServerGuard, guarded

if TYPE_CHECKING:
    from starlette.types import ASGIApp

APP_NAME = "mmpipeline"
"""As in pyproject.toml."""


def create_app() -> ServerGuard:
    """Return the application that uvicorn serves; its port is that of the settings."""
    from mlflow.server.fastapi_app import app

    from mmpipeline.config.environment import load_settings

    served: ASGIApp = app
    return guarded(served, load_settings().mlflow_port)
