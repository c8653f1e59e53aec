"""Edits of source files: what changes what a function does, and what only rewords it.

Both work on the text, at the places that Python's parser names, so all else stays as it is.
"""

import ast
import copy
import random
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OTHER_WAY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.Is: ast.IsNot,
}
_OTHER_SIGN: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
}


def find_function(source: str, qualified: str) -> Function | None:
    """Return a function by its qualified name.

    Parameters
    ----------
    source
        Of the module.
    qualified
        Such as ``Class.method`` or ``outer.<locals>.inner``.

    Returns
    -------
    ast.FunctionDef or None
        None for what has no name of its own, such as a lambda.
    """
    place: ast.AST = ast.parse(source)
    for name in qualified.split("."):
        if name == "<locals>":
            continue
        inside = (node for node in ast.walk(place) if isinstance(node, (*FUNCTIONS, ast.ClassDef)))
        found = next((node for node in inside if node.name == name and node is not place), None)
        if found is None:
            return None
        place = found
    return place if isinstance(place, FUNCTIONS) else None


def change_function(source: str, function: Function, draw: random.Random) -> str:
    """Make a function do something else: another number, sign, comparison or result, or an error.

    Parameters
    ----------
    source
        Of its module.
    function
        Of the parsed source, its body on lines of its own.
    draw
        Decides what is changed.

    Returns
    -------
    str
        The edited source.
    """
    found = [*_changes(function)]
    if found and draw.random() < 0.8:
        old, new = draw.choice(found)
        return _replace(source, old, f"({ast.unparse(new)})")
    return _insert(source, function, 'raise RuntimeError("changed")')


def reword_function(source: str, function: Function) -> str:
    """Change what does nothing: docstring, comments, blank lines, and the line ends of the file.

    Parameters
    ----------
    source
        Of its module.
    function
        As of `change_function`.

    Returns
    -------
    str
        The edited source.
    """
    edited = _insert(source, function, "# Said in other words.\n")
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        edited = edited.replace(
            ast.get_source_segment(source, first) or "", '"""Do so, in other words."""', 1
        )
    return f"# Another head.\n\n\n{edited}\n# Another foot.\n".replace("\n", "\r\n")


def _changes(function: Function) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield expressions of a body and what to put there instead."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.JoinedStr, *FUNCTIONS, ast.AnnAssign, ast.MatchValue)):
            continue  # places within f-strings are not told by every Python
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield node, ast.Constant(not node.value if node.value in {0, 1} else node.value + 1)
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER_WAY:
            other = copy.deepcopy(node)
            other.ops[0] = _OTHER_WAY[type(node.ops[0])]()
            yield node, other
        elif isinstance(node, ast.BinOp) and type(node.op) in _OTHER_SIGN:
            yield node, ast.BinOp(node.left, _OTHER_SIGN[type(node.op)](), node.right)
        elif isinstance(node, ast.Return) and node.value is not None:
            yield node.value, ast.Tuple([node.value, ast.Constant(1)], ast.Load())


def _insert(source: str, function: Function, line: str) -> str:
    """Put a line before the first statement that does something."""
    body = function.body
    is_docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    first = body[1] if is_docstring and len(body) > 1 else body[0]
    lines = source.splitlines(keepends=True)
    lines.insert(first.lineno - 1, f"{' ' * first.col_offset}{line}\n")
    return "".join(lines)


def _replace(source: str, old: ast.expr, new: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    assert old.end_lineno is not None
    assert old.end_col_offset is not None
    begin = starts[old.lineno - 1] + old.col_offset
    end = starts[old.end_lineno - 1] + old.end_col_offset
    content = source.encode()
    return (content[:begin] + new.encode() + content[end:]).decode()
