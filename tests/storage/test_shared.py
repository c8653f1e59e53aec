"""Artifacts travel whole over a folder and over S3, and what is damaged there is named."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmpipeline.errors import ArtifactError, ConfigError, SharedStorageError
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout
from mmpipeline.storage.manifest import MANIFEST_NAME, digest_file
from mmpipeline.storage.shared import SharedStorage
from tests.storage.s3_server import BUCKET, serve_s3

KEY = ArtifactKey("catalog", {"recipe1m": "a"}, {"seed": 1}, "code")
OTHER = ArtifactKey("catalog", {"recipe1m": "b"}, {"seed": 1}, "code")


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with serve_s3() as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.server)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> SharedStorage:
    if request.param == "file":
        return SharedStorage.open(f"file://{tmp_path / 'shared'}/")
    request.getfixturevalue("s3")
    return SharedStorage.open(f"s3://{BUCKET}/{tmp_path.name}")


@pytest.fixture
def machines(tmp_path: Path) -> tuple[ArtifactStore, ArtifactStore]:
    return (
        ArtifactStore(DataLayout.at(tmp_path / "one")),
        ArtifactStore(DataLayout.at(tmp_path / "two")),
    )


def make(store: ArtifactStore, key: ArtifactKey = KEY, more: str = "") -> Artifact:
    with store.create(key) as draft:
        (draft.folder / "part").mkdir()
        (draft.folder / "part" / "rows.txt").write_text("hello")
        (draft.folder / "same.txt").write_text("hello")
        (draft.folder / "more.txt").write_text(more)
        draft.counts["rows"] = 1
    artifact = store.find(key)
    assert artifact is not None
    return artifact


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def spoil(storage: SharedStorage, digest: str, content: bytes | None) -> str:
    place = storage._object(digest)
    if content is None:
        storage._files.rm_file(place)
    else:
        storage._files.pipe_file(place, content)
    return f"objects/{digest[:2]}/{digest}"


def test_what_one_machine_pushed_another_has_to_the_byte(
    storage: SharedStorage, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    one, two = machines
    made = make(one)
    assert storage.fetch(KEY, two) is None
    assert not storage.holds(KEY)
    assert storage.push(made) == 3  # two files of one content, one empty, and the manifest
    assert storage.holds(KEY)
    assert storage.push(made) == 0
    (made.folder / "same.txt").write_text("hallo")
    assert storage.push(made) == 0  # nor is anything hashed that is there
    (made.folder / "same.txt").write_text("hello")
    fetched = storage.fetch(KEY, two)
    assert fetched is not None
    assert fetched.manifest == made.manifest
    assert contents(fetched.folder) == contents(made.folder)
    assert list(two.layout.temporary.iterdir()) == []


def test_what_versions_have_in_common_is_sent_once(
    storage: SharedStorage, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    one, two = machines
    storage.push(make(one))
    assert storage.push(make(one, OTHER, more="new")) == 2  # the new file and the manifest
    fetched = storage.fetch(OTHER, two)
    assert fetched is not None
    assert fetched.file("more.txt").read_text() == "new"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("more.txt", b"forged", "more.txt) does not match its sha256"),
        ("more.txt", None, "more.txt) is missing"),
        (MANIFEST_NAME, b"{}", "the manifest of catalog {id}, does not match its sha256"),
        (MANIFEST_NAME, None, "the manifest of catalog {id}, is missing"),
    ],
)
def test_a_damaged_object_is_named_and_nothing_is_left(
    storage: SharedStorage,
    machines: tuple[ArtifactStore, ArtifactStore],
    file: str,
    content: bytes | None,
    words: str,
) -> None:
    one, two = machines
    made = make(one, more="intact")
    storage.push(made)
    name = spoil(storage, digest_file(made.folder / file), content)
    with pytest.raises(ArtifactError) as refusal:
        storage.fetch(KEY, two)
    assert f"{storage.url}/{name}" in str(refusal.value)
    assert words.format(id=KEY.id) in str(refusal.value)
    assert two.find(KEY) is None
    assert list(two.layout.temporary.iterdir() if two.layout.temporary.exists() else []) == []
    storage.push(made, replace=True)
    assert storage.fetch(KEY, two) is not None


def test_a_pointer_that_names_no_digest_is_refused(
    storage: SharedStorage, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    one, two = machines
    storage.push(make(one))
    for content in (b"../../etc/passwd", b"\xff\xfe", b"0" * 200):
        storage._files.pipe_file(storage._pointer(KEY.kind, KEY.id), content)
        with pytest.raises(ArtifactError, match="is no pointer"):
            storage.fetch(KEY, two)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside.txt", "part/../../x", "a\\b", ""])
def test_a_manifest_cannot_write_outside_of_its_folder(
    name: str, tmp_path: Path, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    one, two = machines
    storage = SharedStorage.open(f"file://{tmp_path / 'shared'}")
    made = make(one)
    manifest = json.loads((made.folder / MANIFEST_NAME).read_bytes())
    manifest["files"][name] = manifest["files"]["same.txt"]
    (made.folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    digest = digest_file(made.folder / MANIFEST_NAME)
    storage.push(make(one, OTHER))
    storage._put(made.folder / MANIFEST_NAME, storage._object(digest))
    storage._put(f"{digest}\n".encode(), storage._pointer(KEY.kind, KEY.id))
    with pytest.raises(ArtifactError, match="not from this pipeline"):
        storage.fetch(KEY, two)
    assert not list(tmp_path.rglob("outside.txt"))


def test_an_artifact_under_another_name_is_refused(
    tmp_path: Path, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    one, two = machines
    storage = SharedStorage.open(f"file://{tmp_path / 'shared'}")
    made = make(one)
    storage.push(made)
    digest = digest_file(made.folder / MANIFEST_NAME)
    storage._put(f"{digest}\n".encode(), storage._pointer(OTHER.kind, OTHER.id))
    with pytest.raises(ArtifactError, match=f"{OTHER.id} was asked for, {KEY.id} was received"):
        storage.fetch(OTHER, two)


def test_two_machines_may_push_at_once(
    storage: SharedStorage, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    made = [make(store) for store in machines]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: storage.push(made[at % 2], replace=at % 3 == 0), range(16)))
    three = ArtifactStore(DataLayout.at(machines[0].layout.root.parent / "three"))
    fetched = storage.fetch(KEY, three)
    assert fetched is not None
    fetched.verify()
    if storage.url.startswith("file"):
        assert list((Path(storage._root) / "tmp").iterdir()) == []


def test_a_damaged_artifact_is_not_pushed(
    tmp_path: Path, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    storage = SharedStorage.open(f"file://{tmp_path / 'shared'}")
    made = make(machines[0])
    (made.folder / "same.txt").write_text("hallo")
    with pytest.raises(ArtifactError, match="does not match its manifest"):
        storage.push(made)
    assert not storage.holds(KEY)


def test_an_address_that_cannot_be_used_is_refused_without_repeating_it() -> None:
    for url in ("bucket/prefix", "s3://key:secret@bucket/x", "s3://bucket?secret=1"):
        with pytest.raises(ConfigError, match="must look like") as refusal:
            SharedStorage.open(url)
        assert "secret" not in str(refusal.value)
    with pytest.raises(ConfigError, match="nosuch"):
        SharedStorage.open("nosuch://place")


def test_a_storage_that_is_away_or_refuses_is_named_without_credentials(
    s3: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SharedStorage.open("s3://no-such-bucket/x")
    made = make(ArtifactStore(DataLayout.at(tmp_path)))
    with pytest.raises(SharedStorageError, match=r"shared storage s3://no-such-bucket/x: "):
        storage.push(made)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    away = SharedStorage.open(f"s3://{BUCKET}/x")
    with pytest.raises(SharedStorageError) as refusal:
        away.holds(KEY)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(refusal.value)
    closed = SharedStorage.open(f"file://{tmp_path / 'file'}")
    (tmp_path / "file").write_text("x")
    with pytest.raises(SharedStorageError, match="file"):
        closed.push(made)


def test_a_probe_leaves_nothing_and_tells_a_folder_that_is_not_there(
    storage: SharedStorage, machines: tuple[ArtifactStore, ArtifactStore]
) -> None:
    is_folder = storage.url.startswith("file")
    assert storage.probe() is not is_folder
    storage.push(make(machines[0]))
    before = sorted(storage._files.find(storage._root))
    assert storage.probe()
    assert sorted(storage._files.find(storage._root)) == before


def test_a_probe_is_refused_where_artifacts_would_be(
    s3: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SharedStorageError, match="no-such-bucket"):
        SharedStorage.open("s3://no-such-bucket/x").probe()
    lying = SharedStorage.open(f"file://{tmp_path}")
    monkeypatch.setattr(lying._files, "cat_file", lambda place: b"something else")
    with pytest.raises(SharedStorageError, match="what was not written"):
        lying.probe()

    def refuse(place: str) -> bytes:
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr(lying._files, "cat_file", refuse)
    with pytest.raises(SharedStorageError, match="Permission denied"):
        lying.probe()
    assert list(tmp_path.iterdir()) == []
