"""The tests that start servers or processes, found by what they call.

A test is marked ``server`` (`tests/conftest.py`) if its own function, a fixture that it uses or a
helper below ``tests/`` that these call names something from a module that starts servers or
processes, or drives a browser. Nobody has to remember the marker; the price is that a name that is
only passed through a variable is not found. So a test without the marker that starts a process or
listens on a port all the same fails, and says so.
"""

import dis
import sys
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType

import pytest

STARTING = (
    "flows", "http.server", "mlflow", "mmpipeline.sample.site.server",
    "mmpipeline.serving.server", "moto", "multiprocessing", "playwright", "prefect", "socket",
    "socketserver", "subprocess", "tasks", "uvicorn",
)  # fmt: skip
"""Modules that start servers or processes, with all below them."""

WHOLE = ("tests/flows/", "tests/tasks/")
"""Folders in which importing alone costs more than most tests elsewhere."""


@cache
def starts_something(function: object) -> bool:
    """Say whether a function of the tests, or one that it calls, names what starts something."""
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            if _belongs_to_starting(one):
                return True
            property_test = getattr(one, "hypothesis", None)
            one = getattr(property_test, "inner_test", getattr(one, "__wrapped__", one))
            waiting += _named_by(one)
    return False


def is_server_test(item: pytest.Function) -> bool:
    """Say whether a test, or a fixture that it uses, starts a server or a process."""
    if item.nodeid.startswith(WHOLE):
        return True
    fixtures = item._fixtureinfo.name2fixturedefs.values()  # there is no public way
    used = [definition.func for definitions in fixtures for definition in definitions]
    return any(map(starts_something, [item.function, *used]))


def _named_by(thing: object) -> list[object]:
    """Return what a function or class of the tests names; nothing of others."""
    if not str(getattr(thing, "__module__", "")).startswith("tests."):
        return []
    if isinstance(thing, type):
        return [*thing.__bases__, *filter(callable, vars(thing).values())]
    if not isinstance(thing, FunctionType):
        return []
    found: list[object] = []
    for code in _codes(thing.__code__):
        found += [thing.__globals__[n] for n in code.co_names if n in thing.__globals__]
        ours = [o for o in found if isinstance(o, ModuleType) and o.__name__[:6] == "tests."]
        found += [getattr(module, n) for module in ours for n in code.co_names if n in vars(module)]
        found += [i.argval for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME"]
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _belongs_to_starting(thing: object) -> bool:
    module = (
        thing
        if isinstance(thing, str)
        else thing.__name__
        if isinstance(thing, ModuleType)
        else str(getattr(thing, "__module__", ""))
    )
    return any(module == name or module.startswith(f"{name}.") for name in STARTING)


class Watch:
    """Lets a test fail that is not marked and starts Python or takes a port all the same."""

    def __init__(self) -> None:
        self.unmarked: str | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.unmarked is None:
            return
        if (event == "subprocess.Popen" and _runs_python(arguments)) or (
            event == "socket.bind" and "127.0.0.1" in str(arguments[1])
        ):
            name, self.unmarked = self.unmarked, None
            raise AssertionError(
                f"{name} starts something ({event} {arguments[1]!s:.80}) and is not marked "
                "`server`: tests/servers.py lacks the module that does it"
            )


def _runs_python(arguments: tuple[object, ...]) -> bool:
    command = arguments[1]
    return isinstance(command, (list, tuple)) and sys.executable in map(str, command)
