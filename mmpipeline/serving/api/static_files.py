"""The pages' own files, read once: what a request names is looked up, never opened."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of a page.

    Attributes
    ----------
    content
        All of it.
    content_type
        For the browser.
    etag
        Changes with the content.
    """

    content: bytes
    content_type: str
    etag: str


def read_static_files() -> dict[str, StaticFile]:
    """Read the files that the package brings along.

    Returns
    -------
    dict of str to StaticFile
        By name.
    """
    found = {}
    for file in files("mmpipeline.serving").joinpath("static").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _TYPES:
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            found[file.name] = StaticFile(content, _TYPES[suffix], etag)
    return found
