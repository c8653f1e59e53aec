"""Connections that go only where they may and never last longer than they may.

Two faults of plain requests are answered here. A redirect or a DNS entry can lead into a private
network: the address of every new connection is checked before and after connecting. A timeout of
requests holds per read, so a server that drips bytes holds the client for hours: a watchdog shuts
the sockets when the request's whole time is over.

Environment proxies and ``.netrc`` are not used: a proxy would hide the address that is checked.
"""

import contextlib
import ipaddress
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from mmpipeline import __version__
from mmpipeline.errors import ConfigError
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.watchdog import Watchdog


def is_public_address(address: str, *, allow_loopback: bool = False) -> bool:
    """Tell whether an IP address may be connected to.

    Parameters
    ----------
    address
        IPv4 or IPv6, as text.
    allow_loopback
        Also accept 127.0.0.0/8 and ::1, where the sample site lives.

    Returns
    -------
    bool
        False for private, link-local, reserved and multicast addresses.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    if parsed.is_loopback:
        return allow_loopback
    return parsed.is_global and not parsed.is_multicast


class ConnectionGuard:
    """Watches the sockets of one session.

    Parameters
    ----------
    allow_loopback
        Let connections reach this machine.
    """

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._expired = threading.Event()
        self._watchdog = Watchdog(self._shut_sockets)

    @property
    def is_expired(self) -> bool:
        """Whether the request's time ran out."""
        return self._expired.is_set()

    def check_host(self, host: str, port: int) -> None:
        """Refuse a host any of whose addresses may not be connected to.

        Raises
        ------
        RequestFailedError
            With reason ``blocked_address``.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # connecting will fail the same way, with the usual error
        for *_, address in found:
            self._check_address(host, str(address[0]))

    def register(self, connected: socket.socket) -> None:
        """Check the address that was reached, and close this socket when time runs out.

        Raises
        ------
        RequestFailedError
            With reason ``blocked_address``: the name was answered differently the second time.
        """
        try:
            self._check_address("peer", str(connected.getpeername()[0]))
        except RequestFailedError:
            connected.close()
            raise
        self._sockets.add(connected)

    def _check_address(self, host: str, address: str) -> None:
        if not is_public_address(address, allow_loopback=self._allow_loopback):
            raise RequestFailedError(
                "blocked_address", f"{host} is {address}, which is no public address"
            )

    @contextlib.contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Shut all sockets if the block takes longer than `seconds`."""
        self._expired.clear()
        self._watchdog.arm(seconds)
        try:
            yield
        finally:
            self._watchdog.disarm()

    def _shut_sockets(self) -> None:
        self._expired.set()
        for connected in list(self._sockets):
            with contextlib.suppress(OSError):
                # SSLSocket.shutdown would pull the TLS state from under the reading thread.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _GuardedConnection(HTTPConnection):
    guard: ConnectionGuard

    def _new_conn(self) -> socket.socket:
        self.guard.check_host(self.host, self.port or self.default_port)
        connected = super()._new_conn()
        self.guard.register(connected)
        return connected

    def connect(self) -> None:
        super().connect()
        if self.sock is not None:  # under TLS this is another object than `_new_conn` returned
            self.guard.register(self.sock)


class _GuardedPoolManager(PoolManager):
    def __init__(self, guard: ConnectionGuard, num_pools: int, maxsize: int, block: bool) -> None:
        self._guard = guard
        super().__init__(num_pools=num_pools, maxsize=maxsize, block=block)

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        guarded = type(
            "GuardedConnection", (_GuardedConnection, pool.ConnectionCls), {"guard": self._guard}
        )
        pool.ConnectionCls = cast("Any", guarded)
        return pool


class GuardedAdapter(HTTPAdapter):
    """Lets requests use guarded connections.

    Parameters
    ----------
    guard
        Checks and watches every connection.
    """

    def __init__(self, guard: ConnectionGuard) -> None:
        self._guard = guard
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object
    ) -> None:
        """Make the pool of connections; called by requests."""
        self.poolmanager = _GuardedPoolManager(
            self._guard, num_pools=connections, maxsize=maxsize, block=block
        )


class _HopSession(requests.Session):
    """Leaves redirects to the fetcher: requests would read their bodies whole, without any cap."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is nothing to follow."""


def open_session(guard: ConnectionGuard, user_agent: str) -> requests.Session:
    """Return a session whose every connection is guarded.

    Parameters
    ----------
    guard
        Checks and watches every connection.
    user_agent
        Sent with each request.
    """
    session = _HopSession()
    session.trust_env = False
    session.headers.clear()
    session.headers.update({
        "User-Agent": user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
    })
    session.mount("http://", GuardedAdapter(guard))
    session.mount("https://", GuardedAdapter(guard))
    return session


def name_user_agent(contact: str | None, *, is_loopback: bool) -> str:
    """Return an honest User-Agent.

    Parameters
    ----------
    contact
        Mail address or URL that the host can complain to.
    is_loopback
        Whether only this machine is asked; then no contact is needed.

    Returns
    -------
    str
        Such as ``mmpipeline/1.0 (+mailto:someone@example.org)``.

    Raises
    ------
    ConfigError
        If a contact is needed and missing, or cannot stand in a header.
    """
    contact = (contact or "").strip()
    if contact and not (contact.isascii() and contact.isprintable()):
        raise ConfigError(
            "the scraper's contact must be one line of ASCII, such as a mail address or URL; "
            "set MMPIPELINE_CONTACT"
        )
    if not contact and not is_loopback:
        raise ConfigError(
            "a live site is asked only with a contact in the User-Agent, and none is set; "
            "set MMPIPELINE_CONTACT to a mail address or URL"
        )
    return f"mmpipeline/{__version__} (+{contact or 'sample site on this machine'})"
