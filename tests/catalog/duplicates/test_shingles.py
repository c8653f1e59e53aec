import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.catalog.duplicates.shingles import hash_shingles

_words = st.lists(st.sampled_from(["a", "bb", "김치", "d1", "찌개", "f"]), max_size=9).map(" ".join)


@given(st.lists(_words, max_size=5), st.integers(0, 2))
def test_equal_shingles_have_equal_hashes(texts: list[str], skipped: int) -> None:
    array = pa.array(["x y z w"] * skipped + texts, pa.string()).slice(skipped)
    hashes, rows = hash_shingles(array)
    named: dict[int, tuple[str, ...]] = {}
    for row, text in enumerate(texts):
        words = text.split()
        count = max(1, len(words) - 2) if words else 0
        shingles = [tuple(words[n : n + 3]) for n in range(count)]
        found = hashes[rows == row].tolist()
        assert len(found) == len(shingles)
        for value, shingle in zip(found, shingles, strict=True):
            assert named.setdefault(value, shingle) == shingle
