from mmpipeline.talk.report.published import published_figures, talk_table


def test_holds_every_cell_once() -> None:
    table = talk_table()
    assert len(table) == 60
    assert not table.duplicated(["method", "query", "k", "scope"]).any()
    assert (table["top5"] >= table["top1"]).all()


def test_some_cells_by_hand() -> None:
    top1, top5 = published_figures("top1"), published_figures("top5")
    assert top1["COS", "0, 1, 2", 200, 100] == 0.7356
    assert top5["EUC", "0", 200, 51] == 0.8326
    assert top1["EUC", "1, 2", 200, 30] == 0.8940
    assert top5["COS", "0, 1, 2", 2000, 100] == 0.9421


def test_known_cells_are_counts_of_3000_queries() -> None:
    known = talk_table().query("scope == 30")
    for share in [*known["top1"], *known["top5"]]:
        assert round(100 * round(share * 3000) / 3000, 2) == round(100 * share, 2)


def test_nearly_all_middle_cells_are_counts_of_5100_queries() -> None:
    middle = talk_table().query("scope == 51")
    shares = [*middle["top1"], *middle["top5"]]
    fit = [round(100 * round(s * 5100) / 5100, 2) == round(100 * s, 2) for s in shares]
    assert sum(fit) == 37  # the other three were rounded twice
