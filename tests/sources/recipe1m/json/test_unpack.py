import gzip
from pathlib import Path

import pytest

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.json.unpack import unpack


def test_only_gzip_is_unpacked(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "b.json"
    plain.write_bytes(b"[1]")
    packed.write_bytes(gzip.compress(b"[2]"))
    folder = tmp_path / "temporary"
    folder.mkdir()
    assert unpack(plain, folder) == plain
    assert unpack(packed, folder).read_bytes() == b"[2]"
    with pytest.raises(InputError, match="No such file"):
        unpack(tmp_path / "none", folder)


def test_a_cut_stream_names_byte_and_record(tmp_path: Path) -> None:
    text = b"[" + b",".join(b'{"id": "%d"}' % (n * n % 99991) for n in range(50000)) + b"]"
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(text)[:-2000])
    with pytest.raises(TruncatedInputError, match=r"at byte \d+ .* after record \d{2,}"):
        unpack(path, tmp_path)
    path.write_bytes(gzip.compress(text)[:100] + b"\0" * 50)
    with pytest.raises(InputError, match=str(path)):
        unpack(path, tmp_path)
