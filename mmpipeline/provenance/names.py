"""The names that a definition takes from outside of it: what it may call, read or import.

Names are told from local ones by Python's own rules of scope: what a function binds is its own,
what a class binds is not seen by its methods, the target of a comprehension ends with it. Where
this is not sure, such as in the body of a class, a name counts as taken from outside. Annotations
are followed where something reads them: fields of a class that is no plain dataclass, and
functions under a decorator that is not known to leave them alone.
"""

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mmpipeline.provenance.normal_form import (
    FUNCTIONS,
    Function,
    all_arguments,
    has_live_annotations,
    last_name,
    run_part,
)
from mmpipeline.provenance.statements import Import, imports_of, modules_of

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_LEAVES = frozenset({"ctx", "op", "ops", "kind", "type_comment", "conversion", "attr", "arg"})


@dataclass(slots=True)
class Names:
    """What a piece of code takes from outside.

    Attributes
    ----------
    chains
        Names with the attributes that are read from them, from outside of the code: ``a.b.c`` as
        ``("a", "b", "c")``.
    imports
        The same for names that the code imports by itself: the chain, and what its first name is.
    modules
        What it imports, whether or not anything is read from it: importing runs a module.
    texts
        Its text constants, without docstrings.
    patterns
        Its f-strings: constant parts, None for what is filled in.
    """

    chains: set[tuple[str, ...]] = field(default_factory=set)
    imports: set[tuple[tuple[str, ...], Import]] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    patterns: set[tuple[str | None, ...]] = field(default_factory=set)


@dataclass(slots=True)
class _Scope:
    """What is bound and read in a function or a comprehension, while it is read."""

    is_function: bool
    bound: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    reads: set[tuple[str, ...]] = field(default_factory=set)


def read_names(statements: Iterable[ast.stmt], package: str, *, declares: bool = False) -> Names:
    """Return what statements at the top of a module take from outside.

    Parameters
    ----------
    statements
        Any.
    package
        Of the module, for relative imports.
    declares
        As of `normal_form`: of a class, methods, bases and the types of fields count.

    Returns
    -------
    Names
        Names of the module itself and built-in ones are among them.
    """
    reader = _Reader(package, declares=declares)
    for statement in statements:
        reader.visit(statement)
    return reader.names


class _Reader:
    """Reads nodes; what a scope reads and does not bind is read from the scope around it."""

    def __init__(self, package: str, *, declares: bool) -> None:
        self.names = Names()
        self._package = package
        self._declares = declares
        self._scopes: list[_Scope] = []
        self._follows_fields: bool | None = None  # None: not in the body of a class

    def visit(self, node: ast.AST) -> None:
        kind = node.__class__
        method = _VISITS.get(kind)
        if method is not None:
            method(self, node)
            return
        for name in _children(kind):
            value = getattr(node, name, None)
            if value.__class__ is list:
                for part in value:
                    if isinstance(part, ast.AST):
                        self.visit(part)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _constant(self, node: ast.Constant) -> None:
        if node.value.__class__ is str:
            self.names.texts.add(str(node.value))

    def _expression(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.visit(node.value)

    def _joined(self, node: ast.JoinedStr) -> None:
        texts = [
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else None
            for part in node.values
        ]
        self.names.patterns.add(tuple(texts))
        self._all(part for part in node.values if not isinstance(part, ast.Constant))

    def _name(self, node: ast.Name) -> None:
        if node.ctx.__class__ is ast.Load:
            self._take((node.id,))
        else:
            self._bind(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        chain = [node.attr]
        value: ast.expr = node.value
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self._take((value.id, *reversed(chain)))
        else:
            self.visit(value)

    def _take(self, chain: tuple[str, ...]) -> None:
        reads = self._scopes[-1].reads if self._scopes else self.names.chains
        reads.add(chain)

    def _bind(self, name: str | None) -> None:
        """Note a name as the scope's own; what a class binds is nobody's."""
        if name is not None and self._scopes and self._follows_fields is None:
            self._scopes[-1].bound.add(name)

    def _walrus(self, node: ast.NamedExpr) -> None:
        """Bind the name of ``:=`` in the function around comprehensions."""
        self.visit(node.value)
        for scope in reversed(self._scopes):
            scope.bound.add(node.target.id)
            if scope.is_function:
                break

    def _named(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        self._bind(node.name)
        self._all(ast.iter_child_nodes(node))

    def _mapping(self, node: ast.MatchMapping) -> None:
        self._bind(node.rest)
        self._all(ast.iter_child_nodes(node))

    def _outside(self, node: ast.Global | ast.Nonlocal) -> None:
        self._scopes[-1].outside.update(node.names)
        if isinstance(node, ast.Global):
            self.names.chains.update((name,) for name in node.names)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.names.modules.update(modules_of(node, self._package))
        if self._scopes:
            for name, target in imports_of(node, self._package):
                self._scopes[-1].imports.setdefault(name, []).append(target)

    def _if(self, node: ast.If) -> None:
        part = run_part(node)
        self._all([node.test, *node.body, *node.orelse] if part is None else part)

    def _function(self, node: Function) -> None:
        self._bind(node.name)
        self._all([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults])
        if has_live_annotations(node):
            self._annotations([a.annotation for a in all_arguments(node.args)] + [node.returns])
        self._inside(node.args, node.body)

    def _lambda(self, node: ast.Lambda) -> None:
        self._all([*node.args.defaults, *node.args.kw_defaults])
        self._inside(node.args, [node.body])

    def _inside(self, arguments: ast.arguments | None, body: Iterable[ast.AST]) -> None:
        """Read the body of a scope; without arguments it is a comprehension's."""
        outer, self._follows_fields = self._follows_fields, None
        scope = _Scope(is_function=arguments is not None)
        if arguments is not None:
            scope.bound.update(argument.arg for argument in all_arguments(arguments))
        self._scopes.append(scope)
        self._all(body)
        self._scopes.pop()
        self._follows_fields = outer
        self._close(scope)

    def _close(self, scope: _Scope) -> None:
        for chain in scope.reads:
            name = chain[0]
            if name in scope.outside:
                self._take(chain)
            elif name in scope.imports:
                self.names.imports.update((chain, target) for target in scope.imports[name])
            elif name not in scope.bound:
                self._take(chain)

    def _comprehension(self, node: Comprehension) -> None:
        first, *later = node.generators
        self.visit(first.iter)
        made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._inside(None, [first.target, *first.ifs, *later, *made])

    def _class(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        self._all([*node.decorator_list, *node.bases, *node.keywords])
        body: Sequence[ast.stmt] = node.body
        if self._declares:
            self._annotations([p.annotation for p in body if isinstance(p, ast.AnnAssign)])
            body = [part for part in body if isinstance(part, FUNCTIONS)]
        is_plain = not node.bases and any(last_name(d) == "dataclass" for d in node.decorator_list)
        outer, self._follows_fields = self._follows_fields, not is_plain
        self._all(body)
        self._follows_fields = outer

    def _annotated(self, node: ast.AnnAssign) -> None:
        self._all([node.target, node.value])
        if self._follows_fields:
            self._annotations([node.annotation])

    def _annotations(self, found: Sequence[ast.expr | None]) -> None:
        """Follow annotations that something reads; those in quotes too."""
        for annotation in found:
            self._all([annotation])
            for node in ast.walk(annotation) if annotation else ():
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    parts = tuple(node.value.split("."))
                    if all(part.isidentifier() for part in parts):
                        self._take(parts)


def _children(kind: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of a kind of node that hold nodes; the others hold names or numbers."""
    found = _CHILDREN.get(kind)
    if found is None:
        found = _CHILDREN[kind] = tuple(name for name in kind._fields if name not in _LEAVES)
    return found


_CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {}
_VISITS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Constant: _Reader._constant,
    ast.Expr: _Reader._expression,
    ast.JoinedStr: _Reader._joined,
    ast.Name: _Reader._name,
    ast.NamedExpr: _Reader._walrus,
    ast.Attribute: _Reader._attribute,
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import,
    ast.Global: _Reader._outside,
    ast.Nonlocal: _Reader._outside,
    ast.ExceptHandler: _Reader._named,
    ast.MatchAs: _Reader._named,
    ast.MatchStar: _Reader._named,
    ast.MatchMapping: _Reader._mapping,
    ast.If: _Reader._if,
    ast.FunctionDef: _Reader._function,
    ast.AsyncFunctionDef: _Reader._function,
    ast.Lambda: _Reader._lambda,
    ast.ListComp: _Reader._comprehension,
    ast.SetComp: _Reader._comprehension,
    ast.DictComp: _Reader._comprehension,
    ast.GeneratorExp: _Reader._comprehension,
    ast.ClassDef: _Reader._class,
    ast.AnnAssign: _Reader._annotated,
}
