"""The rule of who may ask a server of this machine: by which names, and from which pages.

A server on loopback has no logins, so it must know its own names: a browser on this machine
carries any web page's requests to it. A page of another site names its origin in every request
that can change something; a page whose site points its own name at this machine (DNS rebinding)
names that site as the host. So both headers must name a place of the server's own. Programs that
send no origin are answered: whoever runs one here needs no browser to be led astray.

Names are compared as they are written; nothing is resolved, and there are no wildcards.
"""

import re
from collections.abc import Iterable

from mmpipeline.config.environment import HOST_PATTERN, MAX_PORT

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine that no DNS server can point elsewhere."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(HOST_PATTERN, re.ASCII)


class OwnOrigins:
    """The places that are a server's own.

    Parameters
    ----------
    port
        Port that it listens on; None accepts any port of its names.
    local
        Names that lead to this machine, over http.
    named
        Further places that the operator vouches for, such as ``prefect.example.org`` (then at the
        server's port or the usual ones of http and https) or ``prefect.example.org:8443``.
    """

    def __init__(
        self, port: int | None, local: Iterable[str] = LOCAL_NAMES, named: Iterable[str] = ()
    ) -> None:
        self._places: set[tuple[str, str, int | None]] = {("http", name, port) for name in local}
        for entry in named:
            name, given = _split(entry.lower()) or (entry, None)
            for scheme, usual in _DEFAULT_PORTS.items():
                ports = (given,) if given else (port, usual)
                self._places.update((scheme, name, one) for one in ports)

    def answers(self, host: str) -> bool:
        """Return whether a Host header names one of the places.

        Parameters
        ----------
        host
            As it came, such as ``localhost:4200``.

        Returns
        -------
        bool
            False also for what is no host at all.
        """
        return any(self._has(scheme, host) for scheme in _DEFAULT_PORTS)

    def trusts(self, origin: str) -> bool:
        """Return whether an Origin header names one of the places.

        Parameters
        ----------
        origin
            As it came, such as ``http://localhost:4200``.

        Returns
        -------
        bool
            False also for ``null``, which stands for no place in particular.
        """
        scheme, separator, host = origin.partition("://")
        return bool(separator) and self._has(scheme.lower(), host)

    def origins(self) -> tuple[str, ...]:
        """Return the origins as browsers write them, sorted."""
        return tuple(sorted(_write(*place) for place in self._places))

    def hosts(self) -> tuple[str, ...]:
        """Return the values of a Host header that are answered, sorted."""
        return tuple(sorted({origin.partition("://")[2] for origin in self.origins()}))

    def _has(self, scheme: str, host: str) -> bool:
        found = _split(host.lower())
        if found is None or scheme not in _DEFAULT_PORTS:
            return False
        name, port = found
        return not self._places.isdisjoint({
            (scheme, name, port or _DEFAULT_PORTS[scheme]),
            (scheme, name, None),
        })


def split_hosts(listed: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated list; none of an empty one."""
    return tuple(entry.strip() for entry in listed.split(",") if entry.strip())


def _split(host: str) -> tuple[str, int | None] | None:
    """Return name and port of a lower-case host, or None where it is none."""
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > MAX_PORT:
        return None
    return found["name"], port


def _write(scheme: str, name: str, port: int | None) -> str:
    ending = "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{name}{ending}"
