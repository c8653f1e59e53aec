#!/usr/bin/env bash
# DuckDB names its spill files by the process id alone, so two containers that share a
# temp_directory and have the same process id write into the same files.
#
# duckdb 2.0.0, Python 3.11, Linux. Both processes are number 1 of a PID namespace of their own and
# spill into one folder. Seen:
#   first  duckdb_temp_1_0_storage_DEFAULT-0.tmp
#   second duckdb_temp_1_0_storage_DEFAULT-0.tmp
#   one file of that name, where two processes have spilled
# What is then read back is not what was written: errors such as "Could not read enough bytes" or
# "Corrupted uncompressed string segment". Nothing is read back here. To be safe, give every
# connection a temp_directory of its own.
#
# Exits 0 while that is so, 1 when names differ, 77 where the system makes no PID namespaces.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
own="unshare --pid --fork"
$own true 2>/dev/null || own="unshare --user --map-root-user --pid --fork"
$own true 2>/dev/null || { echo "no PID namespaces here (unshare --pid)"; exit 77; }
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet duckdb==2.0.0
mkdir "$folder/spill"
cat > "$folder/spill.py" <<'PY'
import sys
import time
from pathlib import Path

import duckdb

folder = Path(sys.argv[1])
with duckdb.connect() as connection:
    connection.execute("SET memory_limit = '60MB'")
    connection.execute("SET threads = 1")
    connection.execute("SET temp_directory = ?", [str(folder / "spill")])
    connection.execute(
        "CREATE TABLE t AS SELECT hash(range) AS h, repeat(md5(range::varchar), 4) AS s "
        "FROM range(1200000)"
    )
    (folder / sys.argv[2]).write_text(
        "\n".join(sorted(path.name for path in (folder / "spill").glob("*DEFAULT-0.tmp")))
    )
    other = folder / ("second" if sys.argv[2] == "first" else "first")
    for _ in range(600):  # both keep their files until both have written down what they see
        if other.exists():
            break
        time.sleep(0.1)
    time.sleep(1)
PY
$own "$folder/venv/bin/python" "$folder/spill.py" "$folder" first &
first=$!
$own "$folder/venv/bin/python" "$folder/spill.py" "$folder" second
wait "$first"
for name in first second; do echo "$name $(cat "$folder/$name")"; done
for name in first second; do
    [ "$(cat "$folder/$name")" = "duckdb_temp_1_0_storage_DEFAULT-0.tmp" ] || exit 1
done
echo "one file of that name, where two processes have spilled"
