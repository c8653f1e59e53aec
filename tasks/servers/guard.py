"""The guard before Prefect's and MLflow's server: own names, own pages, nobody else.

Prefect answers any host and any origin; MLflow answers names that begin as a private address does
(``10.example.org``) and pages of every port of this machine. So what both are asked passes here
first: HTTP and websockets alike, reads and writes. It is plain ASGI around the whole application,
not a middleware inside: Prefect's own services call the application in memory, by a name of their
own. Costs some 20 microseconds a request, of the milliseconds that either server takes.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mmpipeline.config.environment import EnvironmentSettings, load_settings
from mmpipeline.serving.http.origins import OwnOrigins, split_hosts

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mmpipeline.serving.http.errors import RefusedError

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-resource-policy": b"same-origin",
}
"""Of every answer that does not set them itself: in no other site's frame, image or script."""

DATA_PATHS = ("/api", "/ajax-api", "/get-artifact", "/graphql", "/model-versions")
"""Below these lies data, not a page that a link of another site may lead to."""

REMEDY = "if it should be, name it in MMPIPELINE_ALLOWED_HOSTS and start the server again"


class ServerGuard:
    """Refuses what is asked by another name, or from another origin's page.

    Parameters
    ----------
    app
        The application.
    own
        The server's own places.
    """

    def __init__(self, app: "ASGIApp", own: OwnOrigins) -> None:
        self._app = app
        self._own = own

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or one websocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason})
            return

        async def dressed(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(_dress(message.get("headers", [])))}
            await send(message)

        await (self._app if refusal is None else refusal.response())(scope, receive, dressed)

    def _refuse(self, scope: "Scope") -> "RefusedError | None":
        from mmpipeline.serving.http.errors import RefusedError

        hosts, origins, sites = (
            _values(scope, name) for name in (b"host", b"origin", b"sec-fetch-site")
        )
        if len(hosts) != 1 or not self._own.answers(hosts[0]):
            asked = " and ".join(hosts) or "no host"
            return RefusedError(421, "wrong_host", f"{asked!r} is not this server; {REMEDY}")
        if origins:
            if len(origins) == 1 and self._own.trusts(origins[0]):
                return None
            asked = " and ".join(origins)
            return RefusedError(
                403, "foreign_origin", f"a page of {asked!r} may not ask here; {REMEDY}"
            )
        if set(sites) <= {"same-origin", "none"} or _follows_a_link(scope):
            return None
        return RefusedError(
            403, "foreign_origin", f"a page of another site may not ask here; {REMEDY}"
        )


def own_origins(port: int, settings: EnvironmentSettings | None = None) -> OwnOrigins:
    """Return the places of a server of this machine.

    Parameters
    ----------
    port
        That it listens on.
    settings
        With what the operator named besides; None reads the environment.

    Returns
    -------
    OwnOrigins
        The loopback names at that port, and what was named.
    """
    return OwnOrigins(port, named=split_hosts((settings or load_settings()).allowed_hosts))


def guarded(app: "ASGIApp", port: int) -> ServerGuard:
    """Put the guard before an application.

    Parameters
    ----------
    app
        The application.
    port
        That it will listen on.

    Returns
    -------
    ServerGuard
        To be served instead.
    """
    return ServerGuard(app, own_origins(port))


def guard_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """Return what makes the servers' own checks agree with the guard.

    Parameters
    ----------
    settings
        Ports, and what the operator named.

    Returns
    -------
    dict of str to str
        Variables of Prefect and of MLflow. They let the pages that the guard lets through read
        the answers; the guard does not rely on them.
    """
    prefect = own_origins(settings.prefect_port, settings)
    mlflow = own_origins(settings.mlflow_port, settings)
    return {
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(prefect.origins()),
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(mlflow.hosts()),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(mlflow.origins()),
    }


def _values(scope: "Scope", wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def _follows_a_link(scope: "Scope") -> bool:
    """Return whether a browser goes to a page as a whole, which nobody else's script can read."""
    return (
        scope.get("method") in {"GET", "HEAD"}
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
        and not any(scope["path"] == p or scope["path"].startswith(f"{p}/") for p in DATA_PATHS)
    )


def _dress(headers: "list[tuple[bytes, bytes]]") -> Iterator[tuple[bytes, bytes]]:
    named = {name.lower() for name, _ in headers}
    yield from headers
    yield from ((name, value) for name, value in HEADERS.items() if name not in named)
