"""A module as definitions: what each of its statements binds, and what runs on import.

A name stands for all statements at the top of the module that bind it. A statement that does more
than bind names (a call, a loop, an entry put into a table, a decorator of the product's own)
changes something that others may read, so it belongs to whoever runs the module by importing it.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mmpipeline.provenance.normal_form import (
    FUNCTIONS,
    is_neutral,
    is_silent,
    run_part,
)
from mmpipeline.provenance.statements import Import, imports_of, modules_of

ON_IMPORT = "<import>"
"""Stands for the statements of a module that do something when it is imported."""
_IGNORED = frozenset({"__all__"})


@dataclass(slots=True)
class Module:
    """What a module defines.

    Attributes
    ----------
    package
        What its relative imports are relative to.
    definitions
        Statements by the name that they bind; those that run on import under `ON_IMPORT`.
    imports
        What import statements bind, by name.
    stars
        Modules of which all names are imported.
    runs
        Modules that importing this one may run; some names may be of no module.
    """

    name: str
    package: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)


def read_module(name: str, source: str, *, is_package: bool) -> Module:
    """Take a module apart.

    Parameters
    ----------
    name
        Dotted.
    source
        Its text.
    is_package
        Whether it is the `__init__` of a package.

    Returns
    -------
    Module
        Its definitions and imports.

    Raises
    ------
    SyntaxError
        If this Python cannot read it.
    """
    module = Module(name, name if is_package else name.rpartition(".")[0])
    for statement in _running(ast.parse(source).body):
        _add(module, statement)
    return module


def _running(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import."""
    for statement in body:
        part = run_part(statement)
        if part is not None:
            yield from _running(part)
        elif not _is_main(statement):
            yield statement


def _is_main(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    left = test.left if isinstance(test, ast.Compare) else None
    return isinstance(left, ast.Name) and left.id == "__name__"


def _add(module: Module, statement: ast.stmt) -> None:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        _add_import(module, statement)
        return
    if is_silent(statement):
        return
    names = {*_bound(statement)} - _IGNORED
    for name in names:
        module.definitions.setdefault(name, []).append(statement)
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        acts = not all(map(is_neutral, statement.decorator_list))
    else:
        acts = not _only_binds(statement)
    if acts:
        module.definitions.setdefault(ON_IMPORT, []).append(statement)
        for node in ast.walk(statement):  # of a `try`, such as for an optional package
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                _add_import(module, node)


def _add_import(module: Module, statement: ast.Import | ast.ImportFrom) -> None:
    module.runs.update(modules_of(statement, module.package))
    for name, target in imports_of(statement, module.package):
        if target.attribute == "*":
            module.stars.append(target.module)
        else:
            module.imports.setdefault(name, []).append(target)


def _only_binds(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        targets = [part for target in statement.targets for part in _flat(target)]
        return all(isinstance(target, ast.Name) for target in targets)
    if isinstance(statement, ast.AnnAssign):
        return isinstance(statement.target, ast.Name)
    return statement.__class__.__name__ == "TypeAlias"


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top of a module binds, or changes."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif not isinstance(node, (ast.Lambda, ast.expr)) or isinstance(
            node, (ast.Name, ast.Tuple, ast.List, ast.Starred)
        ):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            waiting.extend(ast.iter_child_nodes(node))


def _flat(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from _flat(part)
    elif isinstance(target, ast.Starred):
        yield from _flat(target.value)
    else:
        yield target
