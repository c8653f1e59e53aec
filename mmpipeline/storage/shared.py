"""Artifacts that several machines share, at a URL: a folder, S3, or whatever fsspec reaches.

Every file is an object under the sha256 of its content, manifests too; an artifact is one small
pointer, ``artifacts/KIND/ID``, that holds the digest of its manifest. Objects come first and the
pointer last, so whoever finds a pointer finds all of it. Two machines that push the same artifact
write the same objects and either's pointer is right. Files that versions have in common (segments
of an index) are stored and sent once.

Whatever is read is compared with the digest it is named by before it is used. Credentials come
from the environment, as the storage's own tools take them, never from the URL.
"""

import hashlib
import json
import os
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, Self

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from mmpipeline.errors import ArtifactError, ConfigError, SharedStorageError
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.atomic import fsync_file
from mmpipeline.storage.failures import asked
from mmpipeline.storage.manifest import MANIFEST_NAME, SEAL_NAME, Artifact, digest_file
from mmpipeline.storage.provenance import ArtifactKey

_MAX_MANIFEST_BYTES = 64_000_000
_AT_ONCE = 8  # files under way
_WHOLE_OR_ABSENT = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}
"""Object stores: an object is there when its upload is complete, and cannot be renamed."""


class SharedStorage:
    """Artifacts at a URL.

    Parameters
    ----------
    url
        Such as ``s3://bucket/prefix`` or ``file:///mnt/shared``.
    files
        What reaches it.
    root
        The URL's path there.
    """

    def __init__(self, url: str, files: AbstractFileSystem, root: str) -> None:
        self.url = url.rstrip("/")
        self._files = files
        self._root = root.rstrip("/")
        protocols = files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)
        self._renames = _WHOLE_OR_ABSENT.isdisjoint(protocols)

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the storage at a URL; it is not asked yet.

        Parameters
        ----------
        url
            With a protocol; without user, password or query.

        Raises
        ------
        ConfigError
            If it is no such URL, or the package that its protocol needs is not installed.
        """
        _, separator, rest = url.partition("://")
        if not separator or any(mark in rest for mark in "@?#"):
            raise ConfigError(
                "the address of the shared storage must look like s3://bucket/prefix or "
                "file:///folder; credentials belong into the environment (AWS_ACCESS_KEY_ID, ...)"
            )
        try:
            files, root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"shared storage {url}: {error}; for S3 run pip install 'mmpipeline[s3]'"
            ) from error
        return cls(url, files, str(root))

    def holds(self, key: ArtifactKey) -> bool:
        """Return whether the artifact of a key is there.

        Raises
        ------
        SharedStorageError
            If the storage does not answer.
        """
        with asked(self.url):
            return bool(self._files.exists(self._pointer(key.kind, key.id)))

    def probe(self) -> bool:
        """Write, read and remove a small object, as whoever asks whether all is well.

        Returns
        -------
        bool
            False where the storage is a folder that does not exist yet.

        Raises
        ------
        SharedStorageError
            If the storage does not answer, refuses, or answers something else.
        """
        content = uuid.uuid4().hex.encode()
        place = f"{self._root}/probe-{content.decode()}"
        with asked(self.url):
            if self._renames and not self._files.isdir(self._root):
                return False
            self._files.pipe_file(place, content)
            try:
                answer = self._files.cat_file(place)
            finally:
                self._files.rm_file(place)
        if answer != content:
            raise SharedStorageError(f"shared storage {self.url}: it answers what was not written")
        return True

    def push(self, artifact: Artifact, *, replace: bool = False) -> int:
        """Put an artifact there, unless it is there.

        Parameters
        ----------
        artifact
            A whole one; its files are hashed before they are sent.
        replace
            Send everything, also what is there: it was damaged, or made anew.

        Returns
        -------
        int
            Files sent; those that the storage has already are not.

        Raises
        ------
        ArtifactError
            If the artifact is damaged here.
        SharedStorageError
            If the storage does not answer, or refuses.
        """
        pointer = self._pointer(artifact.manifest.kind, artifact.id)
        with asked(self.url):
            if not replace and self._files.exists(pointer):
                return 0
        artifact.verify()
        digests = {name: entry["sha256"] for name, entry in artifact.manifest.files.items()}
        digests[MANIFEST_NAME] = digest_file(artifact.folder / MANIFEST_NAME)
        by_content = {digest: artifact.folder / name for name, digest in digests.items()}
        with asked(self.url):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                sent = pool.map(
                    lambda item: self._put_object(*item, replace=replace), by_content.items()
                )
                count = sum(sent)
            self._put(f"{digests[MANIFEST_NAME]}\n".encode(), pointer)
        return count

    def fetch(self, key: ArtifactKey, store: ArtifactStore) -> Artifact | None:
        """Bring an artifact into a data folder.

        Parameters
        ----------
        key
            What it is made from.
        store
            Of the data folder.

        Returns
        -------
        Artifact or None
            The artifact; None when it is not there.

        Raises
        ------
        ArtifactError
            If something of it is missing there or is not what its name promises; the message names
            the object.
        SharedStorageError
            If the storage does not answer, or refuses.
        """
        digest = self._read_pointer(key)
        if digest is None:
            return None
        files = self._read_manifest(digest, key)
        with store.receive(key) as folder:
            wanted = {_place(folder, name): content for name, content in files.items()}
            wanted[folder / MANIFEST_NAME] = digest
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda item: self._get_object(*item), wanted.items()))
            (folder / SEAL_NAME).write_text(f"{digest}\n", encoding="utf-8")
        return store.find(key)

    def _read_pointer(self, key: ArtifactKey) -> str | None:
        pointer = self._pointer(key.kind, key.id)
        with asked(self.url):
            try:
                digest = bytes(self._files.cat_file(pointer, start=0, end=100)).decode().strip()
            except FileNotFoundError:
                return None
            except UnicodeDecodeError:
                digest = ""
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ArtifactError(f"{self._say(pointer)} is no pointer to a manifest (damaged)")
        return digest

    def _read_manifest(self, digest: str, key: ArtifactKey) -> dict[str, str]:
        place = self._object(digest)
        with asked(self.url):
            try:
                content = bytes(self._files.cat_file(place, start=0, end=_MAX_MANIFEST_BYTES))
            except FileNotFoundError as error:
                raise ArtifactError(
                    f"{self._say(place)}, the manifest of {key.kind} {key.id}, is missing"
                ) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArtifactError(
                f"{self._say(place)}, the manifest of {key.kind} {key.id}, does not match its "
                "sha256 (damaged)"
            )
        try:
            manifest: dict[str, Any] = json.loads(content)
            return {name: entry["sha256"] for name, entry in manifest["files"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{self._say(place)} is no manifest: {error!r}") from error

    def _get_object(self, path: Path, digest: str) -> None:
        place = self._object(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        with asked(self.url):
            try:
                self._files.get_file(place, str(path))
            except FileNotFoundError as error:
                raise ArtifactError(f"{self._say(place)} ({path.name}) is missing") from error
        if digest_file(path) != digest:
            raise ArtifactError(
                f"{self._say(place)} ({path.name}) does not match its sha256 (damaged)"
            )

    def _put_object(self, digest: str, path: Path, *, replace: bool) -> bool:
        place = self._object(digest)
        if not replace and self._has(place, path.stat().st_size):
            return False
        self._put(path, place)
        return True

    def _has(self, place: str, size: int) -> bool:
        try:
            return bool(self._files.size(place) == size)
        except FileNotFoundError:
            return False

    def _put(self, content: Path | bytes, place: str) -> None:
        """Put a file or bytes at a place, whole or not at all."""
        name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}"
        target = f"{self._root}/tmp/{name}" if self._renames else place
        if self._renames:
            for path in (target, place):
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if isinstance(content, bytes):
            self._files.pipe_file(target, content)
        else:
            self._files.put_file(str(content), target)
        if self._renames:
            if isinstance(self._files, LocalFileSystem):
                fsync_file(Path(target))
            self._files.mv(target, place)

    def _pointer(self, kind: str, name: str) -> str:
        return f"{self._root}/artifacts/{kind}/{name}"

    def _object(self, digest: str) -> str:
        return f"{self._root}/objects/{digest[:2]}/{digest}"

    def _say(self, place: str) -> str:
        return f"{self.url}{place.removeprefix(self._root)}"


def _place(folder: Path, name: str) -> Path:
    """Return where a file of a manifest goes.

    Raises
    ------
    ArtifactError
        If its name leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or {"\\", "\0"} & set(name):
        raise ArtifactError(f"a manifest names the file {name!r}; it is not from this pipeline")
    return folder.joinpath(*parts)
