import json
from pathlib import Path

from mmpipeline.storage import DataLayout
from tasks.tracking.metric_spool import MetricSpool, left_spools, spool_folder

HEAD = {"run_id": "abc"}


def test_entries_come_back_in_order_after_the_head(tmp_path: Path) -> None:
    spool = MetricSpool.of(DataLayout.at(tmp_path), "abc", HEAD)
    assert spool.entries() == []
    for step in (1, 2):
        spool.append({"what": "metrics", "step": step})
    entries = [HEAD, {"what": "metrics", "step": 1}, {"what": "metrics", "step": 2}]
    assert spool.entries() == entries
    assert [other.entries() for other in left_spools(DataLayout.at(tmp_path))] == [entries]
    spool.clear()
    spool.clear()
    assert left_spools(DataLayout.at(tmp_path)) == []


def test_a_line_that_a_crash_cut_is_left_out(tmp_path: Path) -> None:
    spool = MetricSpool(tmp_path / "x.jsonl", HEAD)
    spool.append({"what": "params"})
    line = json.dumps({"what": "metrics", "value": {"loss": 0.25}})
    with spool.path.open("a") as file:
        file.write(line[:-9])
    assert spool.entries() == [HEAD, {"what": "params"}]


def test_one_process_sends_at_a_time(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    spool = MetricSpool.of(layout, "abc", HEAD)
    with spool.held() as first, spool.held() as second:
        assert (first, second) == (True, False)
    with spool.held() as again:
        assert again
    assert list(spool_folder(layout).iterdir()) == []
