"""The code that a stage reaches from its entries, and the digest of it.

Two things count as code: definitions that names lead to, and statements that run when a module of
theirs is imported. What they read from files beside them counts too (`data_files`).
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mmpipeline.provenance.data import read_data_files
from mmpipeline.provenance.map import WHOLE, CodeMap, Place
from mmpipeline.provenance.module import ON_IMPORT


@dataclass(frozen=True)
class Reach:
    """What is reached.

    Attributes
    ----------
    definitions
        Digests by ``module:name``.
    data
        Digests by ``package/path``.
    """

    definitions: dict[str, str]
    data: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """16 hex digits that change with any of it."""
        lines = sorted([*self.definitions.items(), *self.data.items()])
        return hashlib.sha256(repr(lines).encode()).hexdigest()[:16]


def reach(code: CodeMap, entries: Iterable[str]) -> Reach:
    """Follow code from its entries.

    Parameters
    ----------
    code
        The map.
    entries
        Definitions as ``module:name``; modules that pass a name on are followed.

    Returns
    -------
    Reach
        Without what only plumbs.

    Raises
    ------
    LookupError
        If an entry is not there.
    """
    places: set[Place] = set()
    ran: set[str] = set()
    waiting = [place for entry in entries for place in _find_entry(code, entry)]
    while waiting:
        modules = _spread(code, waiting, places)
        waiting = [
            (module, ON_IMPORT)
            for module in _run(code, modules - ran, ran)
            if ON_IMPORT in code.module(module).definitions
        ]
    digests = {
        f"{module}:{name}": code.definition((module, name)).digest for module, name in places
    }
    return Reach(digests, read_data_files(code, places))


def _spread(code: CodeMap, waiting: list[Place], places: set[Place]) -> set[str]:
    """Add to `places` all that can be reached; return the modules that they lie in or import."""
    modules = set()
    while waiting:
        module, name = waiting.pop()
        if name == WHOLE:
            waiting.extend((module, part) for part in code.names_in(module))
            modules.add(module)
        elif (module, name) not in places and not code.policy.plumbs(module, name):
            places.add((module, name))
            found = code.definition((module, name))
            modules |= {module, *found.runs}
            waiting.extend(found.uses - places)
    return modules


def _run(code: CodeMap, modules: Iterable[str], ran: set[str]) -> Iterator[str]:
    """Yield the modules that importing some runs, each once; what only plumbs is left out."""
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module not in ran and not code.policy.plumbs_module(module):
            ran.add(module)
            yield module
            waiting.extend(code.runs_with(module) - ran)


def _find_entry(code: CodeMap, entry: str) -> list[Place]:
    module, _, name = entry.partition(":")
    found = code.find(module, (name,)) if module in code.tree.modules else []
    if not found:
        raise LookupError(f"there is no {entry}; correct the table of entries that names it")
    return found
