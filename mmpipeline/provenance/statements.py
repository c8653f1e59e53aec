"""Import statements: what they bind, and the modules that they run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Import:
    """What an import statement binds to a name.

    Attributes
    ----------
    module
        Absolute dotted name.
    attribute
        What is taken from it; None for the module itself, ``*`` for all of it.
    """

    module: str
    attribute: str | None = None


def imports_of(
    statement: ast.Import | ast.ImportFrom, package: str
) -> Iterator[tuple[str, Import]]:
    """Yield what an import binds: name and target; ``*`` is bound to itself.

    Parameters
    ----------
    statement
        The import.
    package
        What relative imports are relative to.
    """
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, Import(alias.name)) if alias.asname else (top, Import(top))
        return
    module = _absolute(statement, package)
    for alias in statement.names:
        yield alias.asname or alias.name, Import(module, alias.name)


def modules_of(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Yield the modules that an import may run; some names may be of no module.

    Parameters
    ----------
    statement, package
        As of `imports_of`.
    """
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    module = _absolute(statement, package)
    yield module
    yield from (f"{module}.{alias.name}" for alias in statement.names)


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - statement.level + 1]
    return ".".join([*parts, *filter(None, [statement.module])])
