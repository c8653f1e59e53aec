"""What is reached from an entry: through names, imports, registers and files, and no more."""

import pytest

from mmpipeline.provenance.policy import Policy
from tests.provenance.conftest import Follow

WAYS = {
    "a call": ("def run():\n    return used()\ndef used(): ...", {}),
    "a constant": ("used = 3\ndef run(limit=used): ...", {}),
    "a name imported": ("from shop.other import used\ndef run():\n    used()", {"other"}),
    "under another name": ("from shop.other import used as it\ndef run():\n    it()", {"other"}),
    "a module": ("import shop.other\ndef run():\n    shop.other.used()", {"other"}),
    "a module's other name": ("import shop.other as o\ndef run():\n    o.used()", {"other"}),
    "a submodule": ("from shop import other\ndef run():\n    other.used()", {"other"}),
    "a relative import": ("from .other import used\ndef run():\n    used()", {"other"}),
    "within a function": ("def run():\n    from shop.other import used\n    used()", {"other"}),
    "within a nested one": (
        "def run():\n    def inner():\n        from shop.other import used\n        used()",
        {"other"},
    ),
    "a package that passes on": ("from shop.room import used\ndef run():\n    used()", {"room"}),
    "all names of a module": ("from shop.other import *\ndef run():\n    used()", {"other"}),
    "a module passed around": ("from shop import other\ndef run():\n    f(other)", {"other"}),
    "an unknown attribute": ("from shop import other\ndef run():\n    other.odd()", {"other"}),
    "a table": ("from shop.other import used\nT = {1: used}\ndef run():\n    T[1]()", {"other"}),
    "a base class": ("from shop.other import used\nclass run(used): ...", {"other"}),
    "a decorator": ("from shop.other import used\n@used\ndef run(): ...", {"other"}),
    "a default": ("from shop.other import used\ndef run(x=used()): ...", {"other"}),
    "a lambda": ("from shop.other import used\nrun = lambda x: used(x)", {"other"}),
    "an import by name": (
        "from importlib import import_module\nN = ['other']\n"
        "def run():\n    import_module(f'shop.{N[0]}').used()",
        {"other"},
    ),
    "a module to be run": ("def run():\n    start('-m', 'shop.other')", {"other"}),
    "a type that is read": (
        "from shop.other import used\nclass run(Model):\n    x: used",
        {"other"},
    ),
    "a type in quotes": (
        "from shop.other import used\nclass run(Model):\n    x: 'used'",
        {"other"},
    ),
    "an optional import": (
        "try:\n    from shop.other import used\nexcept ImportError:\n    used = None\n"
        "def run():\n    used()",
        {"other"},
    ),
    "the first loop's source": (
        "from shop.other import used\ndef run():\n    return [used for used in used()]",
        {"other"},
    ),
    "a name a class binds": (
        "from shop.other import used\nclass run:\n    def used(self):\n        return used()",
        {"other"},
    ),
    "a global name": ("used = 1\ndef run():\n    global used\n    used = 2", {}),
}
OTHER = "def used():\n    return 1\ndef unused():\n    return 2\n"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_used_is_reached_whatever_the_way(way: str, follow: Follow) -> None:
    main, places = WAYS[way]
    files = {"main.py": main, "other.py": OTHER, "room/__init__.py": "from shop.room.a import used"}
    files["room/a.py"] = OTHER
    found = follow(files)
    module = {"other": "shop.other", "room": "shop.room.a"}[places.pop()] if places else "shop.main"
    assert f"{module}:used" in found.definitions
    changed = {name: text.replace("return 1", "return 9") for name, text in files.items()}
    changed["main.py"] = (
        main
        .replace("def used(): ...", "def used(): return 9")
        .replace("used = 3", "used = 9")
        .replace("used = 1", "used = 9")
    )
    assert follow(changed).digest != found.digest


LOCAL = {
    "an argument": "from shop.other import used\ndef run(used):\n    used()",
    "an assignment": "from shop.other import used\ndef run():\n    used = 1\n    return used",
    "a loop": "from shop.other import used\ndef run(x):\n    return [used for used in x]",
    "a type": "from shop.other import used\ndef run(x: used) -> used: ...",
    "a type of a dataclass": "from shop.other import used\n@dataclass\nclass run:\n    x: used",
    "a type alone": "if TYPE_CHECKING:\n    from shop.other import used\ndef run(x: 'used'): ...",
    "an import alone": "from shop.other import used\ndef run(): ...",
    "a script": "from shop.other import used\ndef run(): ...\nif __name__ == 'x':\n    used()",
    "a text": "def run():\n    return 'used'",
    "an exception": "from shop.other import used\ndef run():\n  try: ...\n  except E as used: used",
}


@pytest.mark.parametrize("way", LOCAL)
def test_what_only_looks_alike_is_not_reached(way: str, follow: Follow) -> None:
    files = {"main.py": LOCAL[way], "other.py": OTHER}
    found = follow(files)
    assert set(found.definitions) == {"shop.main:run"}
    assert follow({**files, "other.py": OTHER + "def new(): ..."}) == found


@pytest.mark.parametrize(
    "effect",
    [
        "register(1)",
        "TABLE['x'] = 1",
        "@register\ndef one():\n    return 1",
        "for x in y:\n    add(1)",
        "try:\n    import z\nexcept ImportError:\n    z = 1",
    ],
)
def test_what_runs_when_a_module_is_imported_counts(effect: str, follow: Follow) -> None:
    main = "import shop.far.aside\ndef run(): ..."
    before = {"main.py": main, "far/aside.py": f"import shop.deep\n{effect}", "deep.py": effect}
    found = follow(before)
    assert {"shop.far.aside:<import>", "shop.deep:<import>"} <= set(found.definitions)
    assert follow({**before, "deep.py": effect.replace("1", "2")}).digest != found.digest


def test_what_only_plumbs_is_left_out_but_for_what_decides(follow: Follow) -> None:
    policy = Policy(
        plumbing={"shop.store": "where"},
        counted={"shop.store:Layout": ("relative",)},
        declarations=frozenset(),
    )
    store = (
        "def save(): return 1\n"
        "class Layout:\n    def relative(self): return 2\n    def root(self): return 3"
    )
    main = "from shop.store import Layout, save\ndef run():\n    save(Layout())"
    found = follow({"main.py": main, "store.py": store}, policy)
    assert set(found.definitions) == {"shop.main:run", "shop.store:Layout"}
    for number, renews in (("1", False), ("2", True), ("3", False)):
        edited = {"main.py": main, "store.py": store.replace(f"return {number}", "return 9")}
        assert (follow(edited, policy).digest != found.digest) == renews, number


def test_names_that_change_places_count(follow: Follow) -> None:
    two = {"other.py": "def a(): return 1\ndef b(): return 2"}
    body = "def run():\n    return a() - b()"
    one = follow({**two, "main.py": f"from shop.other import a, b\n{body}"})
    assert (
        follow({**two, "main.py": f"from shop.other import b\nfrom shop.other import a\n{body}"})
        == one
    )
    swapped = follow({**two, "main.py": f"from shop.other import a as b, b as a\n{body}"})
    assert swapped.digest != one.digest
    outside = [
        follow({"main.py": f"from math import {name} as f\ndef run():\n    return f(1)"}).digest
        for name in ("floor", "ceil")
    ]
    assert outside[0] != outside[1]


def test_line_ends_comments_and_the_place_of_the_tree_do_not_count(follow: Follow) -> None:
    files = {
        "main.py": "import os\nimport re\ndef run():\n    return used()\ndef used():\n    return os"
    }
    found = follow(files)
    for text in (
        files["main.py"].replace("\n", "\r\n"),
        "# of the shop\n" + files["main.py"],
        files["main.py"].replace("import os\nimport re\n", "import re\nimport os\n"),
        "import os\ndef used():\n    return os\ndef run():\n    return (\n        used()\n    )\n",
    ):
        assert follow({"main.py": text}) == found


READ = "from importlib.resources import files\n"
BY_NAME = READ + "def read(name):\n    return files('shop').joinpath(f'sql/{name}.sql')\n"


@pytest.mark.parametrize(
    ("main", "reached"),
    [
        (READ + "def run():\n    return files('shop').joinpath('dishes.toml')", {"dishes.toml"}),
        (BY_NAME + "def run():\n    read('one')\ndef other():\n    read('two')", {"sql/one.sql"}),
        (
            BY_NAME
            + "def run():\n    for x in ('e',):\n        read(f'on{x}')\ndef o():\n    read('two')",
            {"sql/one.sql"},
        ),
        (BY_NAME + "def run(name):\n    read(name)", {"sql/one.sql", "sql/two.sql"}),
        (READ + "def run():\n    files('shop').glob('*' + '.sql')", {"sql/one.sql", "sql/two.sql"}),
        ("def run():\n    'dishes.toml'", set()),
    ],
)
def test_files_that_code_names_are_reached(main: str, reached: set[str], follow: Follow) -> None:
    files = {
        "main.py": main,
        "dishes.toml": "a = 1\n",
        "sql/one.sql": "SELECT 1 -- one",
        "sql/two.sql": "SELECT 2",
    }
    found = follow(files)
    assert set(found.data) == {f"shop/{name}" for name in reached}
    for name in ("dishes.toml", "sql/one.sql", "sql/two.sql"):
        edited = follow({**files, name: files[name].replace("1", "9").replace("2", "9")})
        assert (edited.digest != found.digest) == (name in reached), name
    sql = {**files, "sql/one.sql": "/* the\r\nfirst */ SELECT\r\n  1", "dishes.toml": "a = 1\r\n"}
    assert follow(sql) == found


def test_an_entry_that_is_not_there_is_named(follow: Follow) -> None:
    with pytest.raises(LookupError, match=r"shop\.main:stop; correct the table"):
        follow({"main.py": "def run(): ..."}, entry="shop.main:stop")
