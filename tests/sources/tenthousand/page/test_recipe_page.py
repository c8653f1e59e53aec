"""Golden pages: the site's markup of each generation with our own words, and what they say."""

import json
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.schemas import RECIPE_SCHEMA, Recipe
from mmpipeline.sources.tenthousand.page.recipe_page import (
    PageRecord,
    UnreadablePage,
    find_missing_reason,
    read_recipe_page,
)
from mmpipeline.sources.tenthousand.parse.details import DETAIL_SCHEMA, detail_row

GOLDEN = Path(__file__).parents[3] / "golden" / "tenthousand_recipe"
PAGES = sorted(path.stem for path in GOLDEN.glob("*.html") if path.with_suffix(".json").is_file())
HTML = "text/html; charset=UTF-8"


def read(body: bytes, *, cut: bool = True) -> PageRecord | UnreadablePage:
    return read_recipe_page(body, HTML, "https://www.10000recipe.com/recipe/1", 1, cut=cut)


def read_record(body: bytes) -> PageRecord:
    record = read(body)
    assert isinstance(record, PageRecord), record
    return record


def edit(name: str, *changes: tuple[str, str]) -> PageRecord:
    """Read a golden page in which something was replaced."""
    html = (GOLDEN / f"{name}.html").read_text()
    for pattern, text in changes:
        html, count = re.subn(pattern, text, html, flags=re.S)
        assert count, pattern
    return read_record(html.encode())


def test_there_are_golden_pages_of_every_generation() -> None:
    assert PAGES == [
        "flat_2019", "free_form_2010", "ingre_list_2025", "ingre_unit_2020", "ingre_unit_2023",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_golden_page(name: str) -> None:
    record = read_record((GOLDEN / f"{name}.html").read_bytes())
    found = json.loads(json.dumps(asdict(record), default=str))
    assert found == json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("name", [*PAGES, "list_2025", "deleted"])
def test_cutting_changes_nothing(name: str) -> None:
    body = (GOLDEN / f"{name}.html").read_bytes()
    cut, whole = read(body), read(body, cut=False)
    if isinstance(cut, UnreadablePage):  # its detail quotes what is left of the page
        assert isinstance(whole, UnreadablePage)
        assert cut.reason == whole.reason
    else:
        assert cut == whole


@pytest.mark.parametrize("name", PAGES)
def test_no_ingredient_is_called_buy(name: str) -> None:
    names = [
        ingredient.name
        for ingredient in read_record((GOLDEN / f"{name}.html").read_bytes()).recipe.ingredients
    ]
    assert None not in names
    assert not any("구매" in str(found) for found in names)


@pytest.mark.parametrize(
    ("css", "fields"),
    [
        ("view2_summary_info1", {"servings": 1}),  # the JSON-LD still says it
        ("view2_summary_info2", {"minutes": 20}),
        ("view2_summary_info3", {"level": None}),
    ],
)
def test_each_info_span_may_be_missing_alone(css: str, fields: dict[str, object]) -> None:
    whole = read_record((GOLDEN / "ingre_list_2025.html").read_bytes()).recipe
    recipe = edit("ingre_list_2025", (rf'<span class="{css}">[^<]*</span>', "")).recipe
    expected = {"servings": whole.servings, "minutes": whole.minutes, "level": whole.level}
    assert {name: getattr(recipe, name) for name in expected} == expected | fields


def test_json_ld_fills_what_the_page_lacks() -> None:
    record = edit(
        "ingre_list_2025",
        (r'<div class="ready_ingre3".*?</ul></div>', ""),
        (r'<div id="stepDiv1".*?</div></div></div>', ""),
    )
    assert [ingredient.name for ingredient in record.recipe.ingredients] == [
        "신김치",
        "밥",
        "참기름",
    ]
    assert record.recipe.instructions == ("김치를 볶는다. 밥을 넣는다.",)
    reasons = {(finding.field, finding.reason) for finding in record.findings}
    assert reasons == {
        ("ingredients", "taken_from_json_ld"),
        ("instructions", "taken_from_json_ld"),
    }


def test_steps_of_the_2019_json_ld_form_are_split() -> None:
    record = edit("flat_2019", (r'<div id="stepDiv1".*?(?=<div id="completeimgs")', ""))
    assert record.recipe.instructions == ("무를 썬다.", "물에 끓인다.")


def test_content_hash_ignores_what_readers_do_not_see() -> None:
    whole = read_record((GOLDEN / "ingre_list_2025.html").read_bytes())
    same = edit("ingre_list_2025", (r">746<", ">747<"), (r"<script>", "<script>var x = 1;"),
                (r"댓글 내용은", "새 댓글은"))  # fmt: skip
    other = edit("ingre_list_2025", (r"1공기", "2공기"))
    assert whole.content_hash() == same.content_hash() != other.content_hash()


def test_decomposed_hangul_is_stored_composed() -> None:
    import unicodedata

    html = (GOLDEN / "ingre_list_2025.html").read_text()
    record = read_record(unicodedata.normalize("NFD", html).encode())
    assert record.recipe.title == "자취생 한 그릇"


def test_words_are_not_torn_at_inline_markup() -> None:
    record = edit("ingre_list_2025", ("김치를 볶는다", "<b>김</b>치를<u></u> 볶는다"))
    assert record.recipe.instructions == ("김치를 볶는다. 밥을 넣는다.",)


@pytest.mark.parametrize(
    ("status", "url", "body", "expected"),
    [
        (200, "https://www.10000recipe.com/recipe/7", b'<div class="view2_summary">', None),
        (200, "https://www.10000recipe.com/recipe/7", b"<html>other layout</html>", None),
        (404, "https://www.10000recipe.com/recipe/7", b"", "status_404"),
        (410, "https://www.10000recipe.com/recipe/7", b"", "status_410"),
        (200, "https://www.10000recipe.com/index.html", b"", "redirected_away"),
        (200, "https://www.10000recipe.com/recipe/8", b"", "redirected_away"),
        (200, "https://www.10000recipe.com/recipe/7", None, "alert"),
    ],
)
def test_gone_is_told_from_changed(
    status: int, url: str, body: bytes | None, expected: str | None
) -> None:
    body = (GOLDEN / "deleted.html").read_bytes() if body is None else body
    assert find_missing_reason(7, status, url, body) == expected


def test_a_page_in_no_character_set_is_unreadable() -> None:
    assert read("<h3>국</h3>".encode("cp949")) == UnreadablePage(
        "charset_error", "no character set fits: " + repr("<h3>국</h3>".encode("cp949"))
    )


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("nested", "<div>" * 16_000),
        ("nested items", '<div id="divConfirmedMaterialArea">' + "<ul><li>a" * 8_000),
        ("nested body", '<div id="oldContArea">' + "<p><div>x" * 8_000),
        ("five megabytes of elements", '<div id="oldContArea">' + "<p>x</p>" * 625_000),
        ("five megabytes of text", '<div id="oldContArea">' + "국 " * 1_250_000),
        ("no closing bracket", "<div " * 1_000_000),
        ("unclosed scripts", "<script>" * 600_000),
        ("comments of readers", '<div class="view_reply">' * 200_000),
        ("commas", '<div class="cont_ingre"><dl><dd>' + "(가," * 800_000),
        ("deep json", '<script type="application/ld+json">' + "[" * 200_000 + "</script>"),
    ],
)
def test_hostile_pages_end_quickly(name: str, html: str) -> None:
    body = f'<div class="view2_summary"><h3>x</h3></div>{html}'.encode()
    started = time.process_time()
    assert isinstance(read(body), PageRecord | UnreadablePage)
    assert time.process_time() - started < 2.0


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_record_or_a_reason(body: bytes) -> None:
    assert isinstance(read(body), PageRecord | UnreadablePage)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(PAGES), st.integers(0, 10_000), st.integers(0, 200),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"<", b'"', b"</div>", b"<li>", b"&#x0;"])),
)  # fmt: skip
def test_a_damaged_page_gives_a_row_that_can_be_stored(
    name: str, place: int, length: int, patch: bytes
) -> None:
    body = (GOLDEN / f"{name}.html").read_bytes()
    place %= len(body)
    record = read(body[:place] + patch + body[place + length :])
    if isinstance(record, PageRecord):
        assert isinstance(record.recipe, Recipe)
        pa.Table.from_pylist([record.recipe.to_row()], schema=RECIPE_SCHEMA)
        record.content_hash().encode()


CHILD = """
import resource, sys
from mmpipeline.sources.tenthousand.page.recipe_page import read_recipe_page
body = sys.stdin.buffer.read()
used = resource.getrusage(resource.RUSAGE_SELF)
limit = int(used.ru_utime + used.ru_stime) + 2  # seconds of CPU; over it, the process is killed
resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
print(type(read_recipe_page(body, None, "https://www.10000recipe.com/recipe/1", 1)).__name__)
"""


@pytest.mark.parametrize(
    ("part", "times"),
    [
        ("<div>", 16_000),
        ("<li class='a b'>무 <span class='ingre_unit'>1개</span></li>", 85_000),
        ("<p class='media-body'>국을 끓인다. 다시 끓이고 또 끓인다.</p>" + "물" * 80, 15_000),
        ("<script>var a = '<div class=\"view_step\">'; // 국국국국\n</script>", 70_000),
    ],
)
def test_hostile_pages_stay_within_the_cpu_limit_of_a_child(part: str, times: int) -> None:
    page = f"<meta charset='utf-8'><div class='view2_summary'><h3>국</h3></div>{part * times}"
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=page.encode(), capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.decode().strip() in {"PageRecord", "UnreadablePage"}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(PAGES),
    st.lists(
        st.tuples(
            st.sampled_from(["delete", "repeat", "swap", "insert"]),
            st.integers(0, 10_000),
            st.integers(1, 400),
            st.sampled_from([
                "<ul>", "</ul></div>", "<div id='divConfirmedMaterialArea'>", "<!--", "-->", "\x00",
                "<script>", "</script>", "&#55296;", "<li><li>", "<b class='ready_ingre3_tt'>[",
                "<template>", "<svg><style>", "<table><tr>", "\u200b\u00a0\u0007", "]]>", "<?x",
            ]),
        ),
        max_size=6,
    ),
)  # fmt: skip
def test_mutated_golden_pages_give_a_record_or_a_reason(
    name: str, mutations: list[tuple[str, int, int, str]]
) -> None:
    html = (GOLDEN / f"{name}.html").read_text()
    for kind, place, length, text in mutations:
        place %= len(html) or 1
        part = html[place : place + length]
        changed = {"delete": "", "repeat": part * 2, "swap": part[::-1], "insert": text + part}
        html = html[:place] + changed[kind] + html[place + length :]
    record = read(html.encode())
    assert isinstance(record, PageRecord | UnreadablePage)
    if isinstance(record, PageRecord):
        pa.Table.from_pylist([record.recipe.to_row()], schema=RECIPE_SCHEMA)
        pa.Table.from_pylist([detail_row(record, {})], schema=DETAIL_SCHEMA)
        row = json.dumps(record.recipe.to_row(), default=str, ensure_ascii=False)
        assert not re.search("[\u200b\u00a0\u0007]", row)
