"""The data files that code reads: SQL, tables of dishes, whatever lies beside its modules.

Names are taken from texts of the code, of the package that holds the file and of whoever names that
package. A file counts where a text is its name; or where the code reads files by a pattern, such as
``f"sql/{name}.sql"``, and a text or another pattern is the file's name without its suffix. A
file whose name no text of its package holds counts for whoever reads by a pattern there: its name
is computed. So too much may count (a text that only looks like a name), too little does not.

Comments and blanks of SQL do not count; other files count byte by byte, but for their line ends.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from mmpipeline.provenance.map import CodeMap, Place
from mmpipeline.provenance.names import Names

_SQL = re.compile(
    r"""(?:--[^\n]*|/\*.*?\*/|\s)+"""
    r"""|('(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|\w+|.)""",
    re.DOTALL,
)
_FEWEST_LETTERS = 2  # of a pattern that stands for a file's name


def read_data_files(code: CodeMap, places: Iterable[Place]) -> dict[str, str]:
    """Return the data files that definitions read.

    Parameters
    ----------
    code
        The map.
    places
        The definitions.

    Returns
    -------
    dict of str to str
        Digests by ``package/path``.
    """
    by_package: dict[str, list[Names]] = {}
    for place in places:
        names = code.definition(place).names
        for package in {code.package_of(place[0]), *(names.texts & code.tree.modules)}:
            by_package.setdefault(package, []).append(names)
    return {
        f"{package}/{path}": digest_data(code.tree.read_data(package, path), path)
        for package in code.tree.packages_with_data()
        if package in by_package
        for path in code.tree.data_files(package)
        if _is_read(code, package, PurePosixPath(path), by_package[package])
    }


def digest_data(content: bytes, path: str) -> str:
    """Digest a data file; of SQL without comments and blank space.

    Parameters
    ----------
    content
        Its bytes.
    path
        Its name, whose suffix says what it is.

    Returns
    -------
    str
        64 hex digits.
    """
    if path.endswith(".sql"):
        words = (found[1] for found in _SQL.finditer(content.decode()))
        content = " ".join(filter(None, words)).encode()
    return hashlib.sha256(content).hexdigest()


def _is_read(code: CodeMap, package: str, path: PurePosixPath, readers: list[Names]) -> bool:
    names = {path.name, str(path)}
    if any(names & reader.texts for reader in readers):
        return True
    whole = {path.suffix, *(str(folder) for folder in path.parents if folder.name)}
    reads_by_pattern = any(
        whole & reader.texts or any(_fits(pattern, name) for pattern in reader.patterns)
        for reader in readers
        for name in names
    )
    if not reads_by_pattern:
        return False
    return _is_named(path.stem, readers) or not _is_named(path.stem, _texts_of(code, package))


def _is_named(stem: str, readers: Iterable[Names]) -> bool:
    return any(
        stem in reader.texts
        or any(_fits(pattern, stem, _FEWEST_LETTERS) for pattern in reader.patterns)
        for reader in readers
    )


def _fits(pattern: tuple[str | None, ...], name: str, fewest_letters: int = 1) -> bool:
    """Return whether an f-string may become a name."""
    if sum(len(part) for part in pattern if part) < fewest_letters or None not in pattern:
        return False
    expression = "".join(".*" if part is None else re.escape(part) for part in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


def _texts_of(code: CodeMap, package: str) -> list[Names]:
    """Return what all definitions of a package's modules name, reached or not."""
    modules = [module for module in code.tree.modules if code.package_of(module) == package]
    return [names for module in modules for names in code.names_read_in(module)]
