"""The search page in a real browser: asked as people ask it, on a desk and on a phone."""

import io
import json
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from mmpipeline.storage import DataLayout
from tests.serving.browser import chromium, watched_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched_page(browser) as opened:
        opened.goto(address)
        yield opened


def large_turned_photo() -> bytes:
    """2400 x 1200, red on the left; its tag says that the camera was turned."""
    photo = Image.new("RGB", (2400, 1200), "blue")
    photo.paste("red", (0, 0, 1200, 1200))
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "camera"
    written = io.BytesIO()
    photo.save(written, "JPEG", exif=tags, quality=95)
    return written.getvalue()


def test_a_title_is_answered_by_bars_and_cards(page: Page) -> None:
    expect(page.get_by_role("heading", name="What is most like this?")).to_be_visible()
    page.get_by_label("Title 제목").fill("김치찌개")
    page.get_by_label("Ingredients 재료").fill("두부, 돼지고기")
    page.keyboard.press("Enter")
    cards = page.locator(".card")
    expect(cards).to_have_count(12)
    expect(page.locator(".bar")).to_have_count(3)
    expect(page.locator("#status")).to_contain_text("asked with title, ingredients")
    expect(page.get_by_role("heading", name="What is most like this?")).to_be_hidden()
    widths = page.locator(".fill").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().width)"
    )
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 100
    stew = page.locator(".card", has_text="김치찌개").first
    expect(stew.get_by_label("Shared ingredients")).to_contain_text("두부")
    assert "carried by" in (stew.locator(".parts").get_attribute("aria-label") or "")
    link = stew.get_by_role("link")
    assert (link.get_attribute("href") or "").startswith("https://example.org/")
    assert "noopener" in (link.get_attribute("rel") or "")
    photo = stew.locator("img")
    photo.scroll_into_view_if_needed()
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=photo.element_handle()
    )


def test_a_photo_is_turned_and_made_small_before_it_leaves(page: Page) -> None:
    sent: list[bytes] = []

    def keep(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        route.continue_()

    page.route("**/search", keep)
    original = large_turned_photo()
    page.locator("#photo").set_input_files({
        "name": "a.jpg",
        "mimeType": "image/jpeg",
        "buffer": original,
    })
    expect(page.locator(".card")).to_have_count(12)
    expect(page.locator("#status")).to_contain_text("asked with photo")
    start = sent[0].index(b"\xff\xd8")
    uploaded = Image.open(io.BytesIO(sent[0][start:]))
    assert uploaded.size == (512, 1024)
    assert not uploaded.getexif()
    red, _, blue = uploaded.convert("RGB").getpixel((256, 100))  # type: ignore[misc]
    assert red > 200 > blue
    page.get_by_label("Remove the photo").click()
    expect(page.get_by_role("heading", name="What is most like this?")).to_be_visible()


def test_like_this_without_that_and_within_a_dish(page: Page) -> None:
    page.get_by_label("Title 제목").fill("비빔밥")
    page.keyboard.press("Enter")
    first = page.locator(".card", has_text="비빔밥 ").first
    liked = first.get_attribute("data-id") or ""
    first.get_by_role("button", name="Like this").click()
    expect(page.locator("#status")).to_contain_text("asked with the liked recipe")
    expect(page.locator(f'.card[data-id="{liked}"]')).to_have_count(0)
    expect(page.locator(".card").first).to_contain_text("비빔밥")
    expect(page.get_by_label("Title 제목")).to_have_value("")
    page.locator(".card", has_text="냉면").first.get_by_role("button", name="Without").click()
    expect(page.locator(".chip.minus")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("something left out")
    page.locator(".bar", has_text="비빔밥").click()
    expect(page.locator("#filter-count")).to_have_text("1")
    expect(page.locator(".card")).to_have_count(7)
    assert f"like={liked.replace(':', '%3A')}" in page.url
    found = page.locator(".card").evaluate_all("all => all.map(card => card.dataset.id)")
    page.reload()
    expect(page.locator(".chip.minus")).to_be_visible()
    expect(page.locator(".card")).to_have_count(7)
    again = page.locator(".card").evaluate_all("all => all.map(card => card.dataset.id)")
    assert again == found


def test_a_recipe_opens_and_closes_by_keyboard(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Title 제목")).to_be_focused()
    page.keyboard.type("김치찌개")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(12)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Title 제목")).not_to_be_focused()
    page.locator(".card .shot").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    expect(dialog.get_by_label("Ingredients")).to_be_visible()
    expect(dialog.get_by_role("button", name="Like this")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_weights_and_without_text_are_sent(page: Page) -> None:
    sent: list[dict[str, object]] = []

    def keep(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}"))
        route.continue_()

    page.route("**/search", keep)
    page.get_by_label("Title 제목").fill("국")
    page.get_by_label("Without 빼고").fill("두부")
    page.get_by_text("Weights", exact=True).click()
    page.locator("#weight-title").fill("2")
    page.get_by_role("button", name="Search 찾기").click()
    expect(page.locator(".card").first).to_be_visible()
    assert sent[-1]["weights"] == {"title": 2}
    assert sent[-1]["minus"] == {"title": "두부", "ingredients": ["두부"]}
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#weight-title")).to_have_value("1")
    expect(page.get_by_role("heading", name="What is most like this?")).to_be_visible()


def test_nothing_to_ask_and_nothing_found(page: Page) -> None:
    page.get_by_role("button", name="Search 찾기").click()
    expect(page.get_by_role("alert")).to_contain_text("Give a photo, a title")
    expect(page.get_by_label("Title 제목")).to_be_focused()
    page.keyboard.type("?!")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("the query is empty")


def test_loading_verdict_and_errors_are_shown(page: Page) -> None:
    answers: list[Callable[[Route], None]] = []
    page.route("**/search", lambda route: answers.pop(0)(route))
    waiting: list[Route] = []
    answers += [waiting.append, lambda route: route.abort(), alter_verdict, refuse]
    page.get_by_label("Title 제목").fill("국")
    page.keyboard.press("Enter")
    expect(page.locator(".skeleton")).to_have_count(8)
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Search 찾기").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#verdict")).to_contain_text("Nothing like this here.")
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Search 찾기").click()
    expect(page.get_by_role("alert")).to_contain_text("too many questions at once")


def alter_verdict(route: Route) -> None:
    response = route.fetch()
    answer = response.json()
    answer["verdict"] |= {"is_confident": False, "text": "nothing like this here"}
    answer["items"][0] |= {"title": "<img src=x onerror=alert(1)>", "url": "javascript:alert(1)"}
    route.fulfill(response=response, json=answer)


def refuse(route: Route) -> None:
    refusal = {"reason": "overloaded", "message": "too many questions at once; ask again soon"}
    route.fulfill(status=503, json=refusal)


def test_a_file_that_is_no_photo_is_told(page: Page) -> None:
    page.locator("#photo").set_input_files({
        "name": "a.svg",
        "mimeType": "image/heic",
        "buffer": b"\0\0\0\x18ftypheic" + bytes(40),
    })
    expect(page.get_by_role("alert")).to_contain_text("HEIC photo from a phone")


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_the_screen_in_light_and_dark(
    browser: Browser, address: str, *, phone: bool, dark: bool
) -> None:
    with watched_page(browser, phone=phone, dark=dark) as page:
        page.goto(f"{address}/?title=김치찌개")
        expect(page.locator(".card")).to_have_count(12)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.dataset.theme") == (
            "dark" if dark else "light"
        )
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 300) == dark
        page.get_by_label("Switch between light and dark").click()
        assert page.evaluate("document.documentElement.dataset.theme") == (
            "light" if dark else "dark"
        )
        if phone:
            expect(page.locator("#results")).to_be_in_viewport()


def test_without_an_index_the_page_says_so(
    browser: Browser, serve: Callable[..., str], layout: DataLayout
) -> None:
    with watched_page(browser) as page:
        page.goto(serve(layout))
        expect(page.locator("#about")).to_have_text("no index yet")
        expect(page.get_by_role("alert")).to_contain_text("run `make run` first")


def test_a_slow_list_of_filters_starts_no_second_search(page: Page) -> None:
    asked: list[str] = []
    held: list[Route] = []
    page.route("**/filters", lambda route: held.append(route))
    page.reload()
    page.route("**/search", lambda route: (asked.append(route.request.url), route.continue_()))
    page.get_by_label("Title 제목").fill("국")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(12)
    held[0].continue_()
    expect(page.locator("#dish option")).to_have_count(4)
    page.wait_for_timeout(100)
    assert len(asked) == 1
