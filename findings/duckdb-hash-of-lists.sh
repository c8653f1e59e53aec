#!/usr/bin/env bash
# DuckDB 2.0.0: hash() of several columns runs the elements of neighbouring lists together.
#
# One may take hash(a, b) = hash(c, d) for "the two rows are (almost surely) equal". Lists break
# that: rows that differ only in which list an element stands in hash alike, always, and so do a
# missing list, an empty list, and a list of one NULL. A join or an "is unchanged" test by such a
# hash takes different rows for the same. Hashing to_json(list) instead tells them apart.
#
# Seen with duckdb 2.0.0 on Python 3.11, Linux x86-64:
#   moved between lists   True    hash(['a','b'], ['c']) = hash(['a'], ['b','c'])
#   across a text         True    hash(['a','b'], 'c') = hash('a', ['b','c'])
#   missing and empty     True    hash(NULL::VARCHAR[]) = hash([]::VARCHAR[])
#   empty and [NULL]      True    hash([]::VARCHAR[]) = hash([NULL]::VARCHAR[])
#   as JSON               False   hash(to_json(['a','b']), to_json(['c'])) = ...
#
# Exits 1 when one of these changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb

EXPECTED = {
    "moved between lists": ("hash(['a','b'], ['c']) = hash(['a'], ['b','c'])", True),
    "across a text": ("hash(['a','b'], 'c') = hash('a', ['b','c'])", True),
    "missing and empty": ("hash(NULL::VARCHAR[]) = hash([]::VARCHAR[])", True),
    "empty and [NULL]": ("hash([]::VARCHAR[]) = hash([NULL]::VARCHAR[])", True),
    "as JSON": (
        "hash(to_json(['a','b']), to_json(['c'])) = hash(to_json(['a']), to_json(['b','c']))",
        False,
    ),
}
changed = False
for name, (test, expected) in EXPECTED.items():
    [(found,)] = duckdb.sql(f"SELECT {test}").fetchall()
    print(f"{name:21} {found!s:7} {test}")
    changed |= found is not expected
sys.exit(changed)
PYTHON
