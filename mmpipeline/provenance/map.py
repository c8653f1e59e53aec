"""The product's code as a map: definitions, and the ways from each to what it uses.

Ways follow imports, also those within functions and through packages that pass names on. Where
they cannot be followed, all that may be meant counts: a module that is passed around is all its
definitions; a function that imports by name may import whatever module its own module names in a
text; a text that is a module's full name stands for running it.

A map is made lazily and kept: each module is parsed once, each definition written once.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from mmpipeline.provenance.module import Module, read_module
from mmpipeline.provenance.names import Names, read_names
from mmpipeline.provenance.normal_form import FUNCTIONS, normal_form
from mmpipeline.provenance.policy import Policy
from mmpipeline.provenance.statements import Import
from mmpipeline.provenance.tree import SourceTree

WHOLE = "*"
"""Stands for all definitions of a module."""
_BY_NAME = frozenset({"import_module", "__import__", "run_module"})

Place = tuple[str, str]
"""A module and a name in it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of one definition.

    Attributes
    ----------
    digest
        Of its normal form and of what its names mean.
    uses
        The definitions that it may call or read.
    runs
        Modules that it imports by itself.
    names
        What it takes from outside.
    """

    digest: str
    uses: frozenset[Place]
    runs: frozenset[str]
    names: Names


class CodeMap:
    """The definitions of a source tree.

    Parameters
    ----------
    tree
        The files.
    policy
        What counts.
    """

    def __init__(self, tree: SourceTree, policy: Policy | None = None) -> None:
        self.tree = tree
        self.policy = policy or Policy()
        self._modules: dict[str, Module] = {}
        self._definitions: dict[Place, Definition] = {}
        self._runs: dict[str, frozenset[str]] = {}

    def module(self, name: str) -> Module:
        """Return a module of the tree."""
        found = self._modules.get(name)
        if found is None:
            is_package = self.tree.is_package(name)
            found = read_module(name, self.tree.read(name), is_package=is_package)
            self._modules[name] = found
        return found

    def names_in(self, module: str) -> list[str]:
        """Return the names that a module defines."""
        return sorted(self.module(module).definitions)

    def package_of(self, module: str) -> str:
        """Return the package whose data files a module reads: its own."""
        return module if self.tree.is_package(module) else module.rpartition(".")[0]

    def names_read_in(self, module: str) -> list[Names]:
        """Return what each definition of a module takes from outside."""
        held = self.module(module)
        return [read_names(statements, held.package) for statements in held.definitions.values()]

    def definition(self, place: Place) -> Definition:
        """Return what is known of a definition."""
        found = self._definitions.get(place)
        if found is None:
            found = self._definitions[place] = self._read(*place)
        return found

    def runs_with(self, module: str) -> frozenset[str]:
        """Return the modules that importing a module runs, one step far; packages above too."""
        found = self._runs.get(module)
        if found is None:
            named = {*self.module(module).runs, module.rpartition(".")[0]}
            found = self._runs[module] = frozenset(named & self.tree.modules)
        return found

    def find(self, module: str, chain: tuple[str, ...]) -> list[Place]:
        """Return what a chain of names means in a module; nothing where it is no code of ours."""
        found = self._in_module(module, chain, frozenset())
        return found if found is not None else []

    def _read(self, module: str, name: str) -> Definition:
        declares = self.policy.declares(module)
        statements = self._statements(module, name)
        names = read_names(statements, self.module(module).package, declares=declares)
        uses, meanings = self._resolve(module, names)
        form = normal_form(*statements, declares=declares)
        content = "\n".join([form, *sorted(meanings)])
        digest = hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
        runs = frozenset(names.modules & self.tree.modules)
        return Definition(digest, frozenset(uses) - {(module, name)}, runs, names)

    def _statements(self, module: str, name: str) -> list[ast.stmt]:
        statements = self.module(module).definitions[name]
        methods = self.policy.counted.get(f"{module}:{name}", ())
        if not methods:
            return statements
        return [
            part
            for statement in statements
            if isinstance(statement, ast.ClassDef)
            for part in statement.body
            if isinstance(part, FUNCTIONS) and part.name in methods
        ]

    def _resolve(self, module: str, names: Names) -> tuple[set[Place], set[str]]:
        """Return the definitions that names lead to, and what the names mean."""
        uses: set[Place] = set()
        meanings: set[str] = set()
        imports = self.module(module).imports
        for chain in names.chains:
            found = self.find(module, chain)
            uses.update(found)
            meanings.update(_meanings(chain, found, imports.get(chain[0], ())))
            if chain[-1] in _BY_NAME:
                uses.update(self._named_in(module))
            elif chain == ("globals",):
                uses.add((module, WHOLE))
        for chain, target in names.imports:
            found = self._follow(target, chain[1:], frozenset()) or []
            uses.update(found)
            meanings.update(_meanings(chain, found, [target]))
            if chain[-1] in _BY_NAME:
                uses.update(self._named_in(module))
        uses.update((text, WHOLE) for text in names.texts & self.tree.modules)
        return uses, meanings

    def _named_in(self, module: str) -> Iterator[Place]:
        """Yield the modules that texts of a module name, in full or within its package."""
        package = self.module(module).package
        for names in self.names_read_in(module):
            for text in names.texts:
                for full in (text, f"{package}.{text}"):
                    if full in self.tree.modules and full != module:
                        yield full, WHOLE

    def _in_module(
        self, module: str, chain: tuple[str, ...], seen: frozenset[Place]
    ) -> list[Place] | None:
        """Return what a chain means in a module; None where its first name means nothing."""
        place = (module, chain[0])
        if place in seen:
            return None
        seen |= {place}
        held = self.module(module)
        targets = held.imports.get(chain[0], [])
        if chain[0] in held.definitions:  # both, where a package is optional
            found = [self._follow(target, chain[1:], seen) or [] for target in targets]
            return [place, *(other for part in found for other in part)]
        if not targets:
            stars = (star for star in held.stars if star in self.tree.modules)
            targets = [Import(star, chain[0]) for star in stars]
        known = [self._follow(target, chain[1:], seen) for target in targets]
        meant = [part for part in known if part is not None]
        return [other for part in meant for other in part] if meant else None

    def _follow(
        self, target: Import, attributes: tuple[str, ...], seen: frozenset[Place]
    ) -> list[Place] | None:
        if target.module.partition(".")[0] != self.tree.package:
            return None
        chain = attributes if target.attribute is None else (target.attribute, *attributes)
        return self._walk(target.module, chain, seen)

    def _walk(
        self, module: str, chain: tuple[str, ...], seen: frozenset[Place]
    ) -> list[Place] | None:
        if module not in self.tree.modules:
            return None
        if not chain:
            return [(module, WHOLE)]
        found = self._in_module(module, chain, seen)
        if found is not None:
            return found
        below = f"{module}.{chain[0]}"
        if below in self.tree.modules:
            return self._walk(below, chain[1:], seen)
        if "__getattr__" in self.module(module).definitions:
            return [(module, "__getattr__")]
        return [(module, WHOLE)]


def _meanings(
    chain: tuple[str, ...], found: list[Place], targets: list[Import] | tuple[()]
) -> Iterator[str]:
    """Yield what a chain of names means, where that does not follow from its module."""
    for module, name in found:
        yield f"{'.'.join(chain)} = {module}:{name}"
    if not found:
        for target in targets:
            yield f"{chain[0]} = {target.module}:{target.attribute or ''}"
