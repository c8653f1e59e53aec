"""The normal form of code: what of a statement decides what it does, as text.

Comments and layout are gone with parsing; docstrings, imports and the annotations of functions
and variables are left out. Imports count where names are resolved (`names`, `map`), so their
order and grouping do not. It is written by hand rather than by `ast.dump`, whose output differs
between Python versions: fields that are empty are not written, so a field that a later version
adds changes nothing. The price is that two ways of writing the same thing count as two.
"""

import ast
from collections.abc import Callable, Sequence

_UNREAD = frozenset({"ctx", "type_comment", "kind", "type_params"})
_NEUTRAL = frozenset({
    *("abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod"),
    *("contextmanager", "dataclass", "final", "inference_mode", "lru_cache", "no_grad"),
    *("overload", "override", "property", "runtime_checkable", "setter", "staticmethod"),
    *("total_ordering", "wraps"),
})
"""Decorators that read no annotation of what they decorate, and register it nowhere."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Append = Callable[[str], None]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def normal_form(*statements: ast.stmt, declares: bool = False) -> str:
    """Return what of statements decides what they do.

    Parameters
    ----------
    *statements
        Any; their order counts.
    declares
        Whether a class is taken for a declaration of settings, whose values count elsewhere: of
        it only the methods are written.

    Returns
    -------
    str
        Equal for statements that differ in comments, docstrings, layout and annotations alone.
    """
    parts: list[str] = []
    for statement in statements:
        if declares and isinstance(statement, ast.ClassDef):
            methods = [part for part in statement.body if isinstance(part, FUNCTIONS)]
            _write_list(methods, parts.append, in_class=True)
        else:
            _write_statement(statement, parts.append, in_class=False)
    return "".join(parts)


def last_name(expression: ast.expr) -> str:
    """Return the last name of a decorator or a test: `wraps` of ``functools.wraps(function)``."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def is_neutral(decorator: ast.expr) -> bool:
    """Return whether a decorator is known to read no annotation and to register nothing."""
    return last_name(decorator) in _NEUTRAL


def has_live_annotations(function: Function) -> bool:
    """Return whether a decorator may read the function's annotations, as pydantic's do."""
    return any(not is_neutral(decorator) for decorator in function.decorator_list)


def is_silent(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing by itself: a docstring, `pass`, an import."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (ast.Pass, ast.Import, ast.ImportFrom))


def run_part(statement: ast.stmt) -> Sequence[ast.stmt] | None:
    """Return what runs of ``if TYPE_CHECKING:``, its `else`; None for any other statement."""
    if isinstance(statement, ast.If) and last_name(statement.test) == "TYPE_CHECKING":
        return statement.orelse
    return None


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Return the arguments of a function, those with stars last."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*found, *(arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None)]


def _write(node: ast.AST, append: Append, in_class: bool) -> None:
    """Write a node, closed by a bracket, so that no two forms coincide."""
    kind = node.__class__
    special = _SPECIAL.get(kind)
    if special is None:
        _write_plain(node, append, in_class)
    else:
        special(node, append, in_class)


def _write_plain(node: ast.AST, append: Append, in_class: bool, skipped: str = "") -> None:
    """Write a node field by field; what is empty is left out."""
    kind = node.__class__
    append(kind.__name__)
    append("(")
    for name in kind._fields:
        if name in _UNREAD or name == skipped:
            continue
        value = getattr(node, name, None)
        if value is None:
            continue
        if value.__class__ is list:
            if value:
                append(name)
                _write_list(value, append, in_class)
        else:
            append(name)
            if isinstance(value, ast.AST):
                _write(value, append, in_class)
            else:
                append(ascii(value))  # repr would follow this Python's Unicode tables
    append(")")


def _write_list(values: Sequence[ast.AST | str | None], append: Append, in_class: bool) -> None:
    append("[")
    for value in values:
        if isinstance(value, ast.stmt):
            _write_statement(value, append, in_class)
        elif isinstance(value, ast.AST):
            _write(value, append, in_class)
            append(",")
        else:  # a name, or the missing key of a dictionary that is unpacked
            append(ascii(value))
            append(",")
    append("]")


def _write_statement(statement: ast.stmt, append: Append, in_class: bool) -> None:
    part = run_part(statement)
    if part is not None:
        for inner in part:
            _write_statement(inner, append, in_class)
    elif not is_silent(statement):
        _write(statement, append, in_class)


def _write_name(node: ast.Name, append: Append, _: bool) -> None:
    append("Name(")
    append(node.id)
    append(")")


def _write_constant(node: ast.Constant, append: Append, _: bool) -> None:
    append(ascii(node.value))


def _write_argument(node: ast.arg, append: Append, _: bool) -> None:
    append(node.arg)


def _write_class(node: ast.ClassDef, append: Append, _: bool) -> None:
    _write_plain(node, append, in_class=True)


def _write_function(node: Function, append: Append, _: bool) -> None:
    _write_plain(node, append, in_class=False, skipped="returns")
    if has_live_annotations(node):
        annotations = [argument.annotation for argument in all_arguments(node.args)]
        _write_list([*annotations, node.returns], append, in_class=False)


def _write_annotated(node: ast.AnnAssign, append: Append, in_class: bool) -> None:
    """Write an annotated assignment; of a class it may be a field, so its type counts."""
    if in_class:
        _write_plain(node, append, in_class)
    elif node.value is not None:
        _write_plain(ast.Assign(targets=[node.target], value=node.value), append, in_class)


def _write_joined(node: ast.JoinedStr, append: Append, in_class: bool) -> None:
    """Write an f-string; versions of Python differ in how they split its constant parts."""
    append("f(")
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        append(ascii(text))
        text = ""
        _write(part, append, in_class)
    append(ascii(text))
    append(")")


_SPECIAL: dict[type[ast.AST], Callable[..., None]] = {
    ast.Constant: _write_constant,
    ast.Name: _write_name,
    ast.arg: _write_argument,
    ast.AnnAssign: _write_annotated,
    ast.FunctionDef: _write_function,
    ast.AsyncFunctionDef: _write_function,
    ast.ClassDef: _write_class,
    ast.JoinedStr: _write_joined,
}
