from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.sources.recipe1m.ids import SeenIds


@given(st.lists(st.lists(st.sampled_from([str(n) for n in range(30)]), max_size=9), max_size=9))
def test_is_a_set_that_tells_the_first(batches: list[list[str]]) -> None:
    ids, seen = SeenIds(), set[str]()
    for batch in batches:
        expected = []
        for name in batch:
            expected.append(name not in seen)
            seen.add(name)
        assert ids.add(batch).tolist() == expected
