"""The product's files as they are installed, or as a test wants them.

Modules are found by their place below a package's folder and read when they are asked for; nothing
is imported. Names are dotted and paths relative to the package, so nothing depends on where the
product lies.
"""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

_NOT_DATA = (".py", ".pyc", ".pyi", ".so", ".pyd")
_MARKERS = frozenset({"py.typed"})


class SourceTree:
    """The modules and data files of a package and those below it.

    Parameters
    ----------
    root
        Folder of the package; its name is the package's.
    edits
        Text of modules by dotted name, and of data files by path, to be taken instead of the
        files'.
    """

    def __init__(self, root: Path, edits: Mapping[str, str] | None = None) -> None:
        self.package = root.name
        self._edits = dict(edits or {})
        self._modules: dict[str, Path] = {}
        self._packages: set[str] = set()
        self._data: dict[str, dict[str, Path]] = {}
        self._list(root)

    @classmethod
    def installed(cls, package: str) -> "SourceTree":
        """Return the tree of an installed package, without importing it.

        Raises
        ------
        ModuleNotFoundError
            If there is no such package.
        """
        spec = importlib.util.find_spec(package)  # of a dotted name it would import what is above
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no package {package}")
        return cls(Path(spec.origin).parent)

    @property
    def modules(self) -> frozenset[str]:
        """Dotted names of all modules; a package's stands for its `__init__`."""
        return frozenset(self._modules)

    def is_package(self, module: str) -> bool:
        """Return whether a module is a package."""
        return module in self._packages

    def read(self, module: str) -> str:
        """Return the source of a module, its lines ending in line feeds."""
        if module in self._edits:
            return self._edits[module]
        return self._modules[module].read_text(encoding="utf-8")

    def data_files(self, package: str) -> list[str]:
        """Return the data files of a package, as paths below its folder.

        Those in folders that are no packages count with the package above.
        """
        return sorted(self._data.get(package, ()))

    def packages_with_data(self) -> list[str]:
        """Return the packages that hold data files."""
        return sorted(self._data)

    def read_data(self, package: str, path: str) -> bytes:
        """Return the content of a data file; line ends of text are line feeds."""
        edit = self._edits.get(f"{package}/{path}")
        content = self._data[package][path].read_bytes() if edit is None else edit.encode()
        return content if b"\0" in content else content.replace(b"\r\n", b"\n")

    def _list(self, root: Path) -> None:
        for place, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith(("__", ".")))
            folder = Path(place)
            name = ".".join([root.name, *folder.relative_to(root).parts])
            if "__init__.py" in files:
                self._packages.add(name)
                self._modules[name] = folder / "__init__.py"
            for file in files:
                stem, dot, suffix = file.rpartition(".")
                if dot + suffix == ".py" and file != "__init__.py":
                    self._modules[f"{name}.{stem}"] = folder / file
                elif not file.startswith(".") and file not in _MARKERS:
                    self._add_data(name, root, folder / file)

    def _add_data(self, package: str, root: Path, path: Path) -> None:
        if path.suffix in _NOT_DATA or path.name.endswith("~"):
            return
        while package not in self._packages:
            package = package.rpartition(".")[0]
        folder = root.joinpath(*package.split(".")[1:])
        self._data.setdefault(package, {})[path.relative_to(folder).as_posix()] = path
