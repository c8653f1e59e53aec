"""What of a statement counts: what it does, not how it is written."""

import ast

import pytest

from mmpipeline.provenance.normal_form import normal_form

BEFORE = '''
def add(first, second=2):
    """Add."""
    return {"sum": first + second, **rest}
'''


def form(source: str) -> str:
    return normal_form(*ast.parse(source).body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE, BEFORE.replace('"""Add."""', '"""Return the sum."""  # and no more')),
        (BEFORE, BEFORE.replace('    """Add."""\n', "")),
        (BEFORE, BEFORE.replace("first, second=2", "first: int, second: int = 2")),
        (BEFORE, BEFORE.replace(":\n", " -> dict[str, int]:\n", 1)),
        (
            BEFORE,
            BEFORE.replace('{"sum": first + second, **rest}', "{\n'sum': (first+second),**rest\n}"),
        ),
        (BEFORE, BEFORE.replace("\n", "\r\n")),
        (BEFORE, BEFORE.replace('    """Add."""\n', "    import math\n")),
        ("x: int = 1", "x = 1"),
        ("def f():\n    x: int\n    x = 1", "def f():\n    x = 1"),
        ("x = f'a' f'{b}c'", "x = f'a{b}c'"),
        ("class A:\n    'A.'\n    x: int = 1", "class A:\n    x: int = 1\n    'Of it.'"),
        ("if TYPE_CHECKING:\n    x = 1\nelse:\n    y = 2", "y = 2"),
        ("def f():\n    pass", "def f():\n    'Do nothing.'"),
    ],
)
def test_writing_does_not_count(before: str, after: str) -> None:
    assert before != after
    assert form(before) == form(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE, BEFORE.replace("first +", "first -")),
        (BEFORE, BEFORE.replace("=2", "=3")),
        (BEFORE, BEFORE.replace("=2", "=2.0")),
        (BEFORE, BEFORE.replace("=2", "='2'")),
        (BEFORE, BEFORE.replace("**rest", "'rest': rest")),
        (BEFORE, BEFORE.replace("def add", "@cache\ndef add")),
        (BEFORE, BEFORE.replace("return", "yield")),
        (BEFORE, BEFORE.replace("def add(first", "def add(*first")),
        ("f(None)", "f()"),
        ("x = True", "x = 'True'"),
        ("x = a[1:]", "x = a[:1]"),
        ("x = [a, [b]]", "x = [[a], b]"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a}b'", "x = f'{a}' + 'b'"),
        ("class A:\n    x: int = 1", "class A:\n    x: float = 1"),
        ("class A:\n    x: int\n    y: int", "class A:\n    y: int\n    x: int"),
        ("@validate\ndef f(x: int): ...", "@validate\ndef f(x: float): ..."),
        ("x = 'é'", "x = 'e\u0301'"),
        ("if a:\n    b()\nc()", "if a:\n    b()\n    c()"),
        ("try:\n    a()\nexcept B:\n    c()", "try:\n    a()\nfinally:\n    c()"),
    ],
)
def test_what_is_done_counts(before: str, after: str) -> None:
    assert form(before) != form(after)


def test_of_a_declaration_methods_alone_count() -> None:
    section = (
        "class A(B):\n    'A.'\n    x: int = 1\n    @property\n    def y(self):\n        return {}"
    )
    declared = [
        normal_form(*ast.parse(text).body, declares=True)
        for text in (
            section.format("self.x"),
            section.format("self.x").replace("x: int = 1", "x: float = 2"),
            section.format("-self.x"),
        )
    ]
    assert declared[0] == declared[1] != declared[2]


def test_the_form_is_the_same_in_every_version_of_python() -> None:
    assert form("@a.b\ndef f(x, *, y=None):\n    return [f'{x}é', y, 1.5, b'\\0']") == (
        "FunctionDef(name'f'argsarguments(args[x,]kwonlyargs[y,]kw_defaults[None,])body["
        "Return(valueList(elts[f(''FormattedValue(valueName(x)conversion-1)'\\xe9'),Name(y),1.5,"
        "b'\\x00',]))]decorator_list[Attribute(valueName(a)attr'b'),])[None,None,None,]"
    )
