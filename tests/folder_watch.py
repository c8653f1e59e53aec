"""What changed below some folders, told from a look before and a look after."""

import os
from pathlib import Path

Look = dict[str, tuple[int, ...] | str]


def look_at(*folders: Path) -> Look:
    """Return what lies below folders: of a file size, time of change and inode, of a link its goal.

    The system sets a file's time of change whoever writes, from whatever language or process.
    """
    found: Look = {}
    for folder in folders:
        for place, names, files in os.walk(folder):
            found[place] = (-1,)
            for name in (*names, *files):
                path = Path(place, name)
                status = path.lstat()
                if path.is_symlink():
                    found[str(path)] = str(path.readlink())
                elif not path.is_dir():
                    found[str(path)] = (status.st_size, status.st_ctime_ns, status.st_ino)
    return found


def changed(before: Look, after: Look) -> list[str]:
    """Return the paths that are new, gone or changed."""
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
