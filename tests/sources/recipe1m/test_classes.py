import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import InputError
from mmpipeline.sources.recipe1m.classes import RecipeClasses, convert_classes

CLASSES = {"000000000a": 0, "000000000b": 1, "000000000c": 2}
NAMES = {0: "background", 1: "kimchi stew", 2: "pie"}


def write_pickles(path: Path, *values: object) -> Path:
    path.write_bytes(b"".join(pickle.dumps(value, protocol=2) for value in values))
    return path


class _Runs:
    """A pickle of this writes a file when it is loaded by `pickle.load`."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


def test_a_pickle_is_converted(tmp_path: Path) -> None:
    pickled = write_pickles(tmp_path / "classes1M.pkl", CLASSES, NAMES)
    target = tmp_path / "classes1M.parquet"
    assert convert_classes(pickled, target) == 3
    assert pq.read_table(target).to_pylist()[1] == {
        "recipe_id": "000000000b",
        "class_name": "kimchi stew",
    }
    classes = RecipeClasses(target)
    assert [classes.find(name) for name in (*CLASSES, "000000000d")] == [
        None,
        "kimchi stew",
        "pie",
        None,
    ]


def test_a_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    pickled = write_pickles(tmp_path / "classes1M.pkl", {"a": _Runs(trap)}, NAMES)
    with pytest.raises(InputError, match="holds more than dicts of integers and strings"):
        convert_classes(pickled, tmp_path / "out.parquet")
    assert not trap.exists()
    with pickled.open("rb") as file:
        pickle.load(file)  # the trap works
    assert trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        b"cos\nsystem\n(S'true'\ntR.",
        pickle.dumps(CLASSES),
        pickle.dumps([1]) + pickle.dumps(NAMES),
        pickle.dumps({"a": 1.5}) + pickle.dumps(NAMES),
        pickle.dumps({"a": 9}) + pickle.dumps(NAMES),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "classes1M.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        convert_classes(path, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "classes1M.json"
    path.write_text(json.dumps({"classes": CLASSES, "names": NAMES}))
    assert RecipeClasses(path).find("000000000c") == "pie"
    assert len(RecipeClasses(None)) == 0
    path.write_text("[]")
    with pytest.raises(InputError, match="no table of classes"):
        RecipeClasses(path)
