from mmpipeline.talk.data.subsets import all_subsets, subset_name


def test_order_is_that_of_the_talk() -> None:
    assert all_subsets(3) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert len(all_subsets(4)) == 15
    assert subset_name((0, 2)) == "0, 2"
