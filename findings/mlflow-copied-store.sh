#!/usr/bin/env bash
# MLflow 3.17.2: a copied SQLite store with its artifacts folder logs files into the ORIGINAL folder.
#
# Every experiment and run keeps the whole path of its artifacts (`artifact_location`,
# `artifact_uri`). After `cp -a A B`, a client on B's database writes the files of a new run into A,
# and reads those of an old run from A; nothing says so. After `mv A C`, a client on C's database
# makes the folder A anew.
#
# Setting the paths right in the copy's database is not enough within one process: the client
# remembers the place of a run by the run's id alone, whatever store it speaks to
# (`mlflow.tracking._tracking_service.utils._artifact_repos_cache`).
#
# Output seen (Python 3.11, Linux):
#   a new run in the copy: its file is in the original
#   an old run in a copy that was set right: its file is in the original (same process)
#   an old run in a copy that was set right: its file is in the copy (new process)
#   after a move: the old folder was made anew, with the file
#
# Exits 0 as long as it is so, 1 when MLflow behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow-skinny==3.17.2 sqlalchemy==2.0.58 alembic==1.20.1
cat > "$folder/copied.py" <<'CODE'
import logging
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient

logging.disable(logging.INFO)  # alembic's
failed = []


def client(place):
    return MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")


def say(what, as_seen):
    print(what if as_seen else f"NOT SO ANY MORE: {what}")
    failed.extend([] if as_seen else [what])


def set_right(place, before):
    with sqlite3.connect(place / "mlflow.db") as store:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            store.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)",
                (f"{before.as_uri()}/", f"{place.as_uri()}/"),
            )


if len(sys.argv) > 2:  # the new process
    client(Path(sys.argv[1])).log_text(sys.argv[2], "x", "later.txt")
    sys.exit()

root = Path(sys.argv[1])
a, b, c, d = (root / name for name in "ABCD")
a.mkdir()
experiment = client(a).create_experiment("e", artifact_location=(a / "files").as_uri())
old = client(a).create_run(experiment).info.run_id
client(a).log_text(old, "x", "first.txt")

shutil.copytree(a, b)
new = client(b).create_run(experiment).info.run_id
client(b).log_text(new, "x", "new.txt")
say(
    "a new run in the copy: its file is in the original",
    bool(list(a.rglob("new.txt"))) and not list(b.rglob("new.txt")),
)

shutil.copytree(a, d)
set_right(d, a)
client(d).log_text(old, "x", "same-process.txt")
say(
    "an old run in a copy that was set right: its file is in the original (same process)",
    bool(list(a.rglob("same-process.txt"))) and not list(d.rglob("same-process.txt")),
)
subprocess.run([sys.executable, __file__, str(d), old], check=True)
say(
    "an old run in a copy that was set right: its file is in the copy (new process)",
    bool(list(d.rglob("later.txt"))) and not list(a.rglob("later.txt")),
)

a.rename(c)
moved = client(c).create_run(experiment).info.run_id
client(c).log_text(moved, "x", "moved.txt")
say("after a move: the old folder was made anew, with the file", bool(list(a.rglob("moved.txt"))))
sys.exit(bool(failed))
CODE
"$folder/venv/bin/python" "$folder/copied.py" "$folder"
