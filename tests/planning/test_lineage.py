"""The method of an artifact is told from its data."""

from pathlib import Path

from mmpipeline.planning.lineage import method_of, method_of_key
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout


def make(store: ArtifactStore, key: ArtifactKey) -> Artifact:
    with store.create(key) as draft:
        (draft.folder / "rows").write_text("x")
    artifact = store.find(key)
    assert artifact is not None
    return artifact


def chain(store: ArtifactStore, data: str, seed: int = 1, previous: str = "") -> list[Artifact]:
    """Make recipes, a catalogue over them and features of it."""
    recipes = make(store, ArtifactKey("recipe1m", {"dump": data}, {"seed": seed}, "code"))
    inputs = {"recipe1m": recipes.id} | ({"previous": previous} if previous else {})
    catalog = make(store, ArtifactKey("catalog", inputs, {"b": [1, 2]}, "code"))
    return [
        recipes,
        catalog,
        make(store, ArtifactKey("features", {"catalog": catalog.id}, {}, "code")),
    ]


def test_other_data_and_another_past_are_the_same_method(tmp_path: Path) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path))
    first = chain(store, "a")
    second = chain(store, "b", previous=first[1].id)
    methods = [
        {method_of(store, artifact) for artifact in pair}
        for pair in zip(first, second, strict=True)
    ]
    assert [len(method) for method in methods] == [1, 1, 1]
    assert len(set.union(*methods)) == 3


def test_a_setting_at_the_start_changes_the_method_at_the_end(tmp_path: Path) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path))
    ends = [chain(store, "a", seed)[-1] for seed in (1, 2)]
    assert method_of(store, ends[0]) != method_of(store, ends[1])


def test_what_will_be_made_has_the_method_of_what_was_made(tmp_path: Path) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path))
    recipes, catalog, features = chain(store, "a")
    methods = {"recipe1m": method_of(store, recipes) or ""}
    planned = ArtifactKey("catalog", {"recipe1m": "new"}, {"b": [1, 2]}, "code")
    methods["catalog"] = method_of_key(planned, methods)
    assert methods["catalog"] == method_of(store, catalog)
    later = ArtifactKey("features", {"catalog": planned.id}, {}, "code")
    assert method_of_key(later, methods) == method_of(store, features)


def test_nobody_can_tell_when_an_input_is_gone(tmp_path: Path) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path))
    recipes, _, features = chain(store, "a")
    (recipes.folder / "rows").unlink()
    assert method_of(store, features) is None
