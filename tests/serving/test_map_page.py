"""The map page in a real browser, also with ten thousand points."""

import json
import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving.browser import chromium, watched_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched_page(browser) as opened:
        opened.goto(f"{address}/map")
        expect(opened.locator("canvas[data-ready]")).to_be_visible()
        yield opened


def painted_colours(page: Page) -> int:
    """How many colours the canvas shows."""
    return page.evaluate("""() => {
        const canvas = document.querySelector('canvas');
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let at = 0; at < data.length; at += 4)
            if (data[at + 3] > 200) colours.add(data.slice(at, at + 3).join());
        return colours.size;
    }""")


def test_dishes_have_colours_and_a_list(page: Page) -> None:
    expect(page.locator("#status")).to_have_text("24 recipes")
    assert painted_colours(page) >= 3
    expect(page.locator(".swatch")).to_have_count(3)
    page.get_by_label("Dish 요리").fill("김치")
    expect(page.locator(".swatch")).to_have_count(1)
    page.locator(".swatch").click()
    expect(page.locator(".swatch")).to_have_attribute("aria-pressed", "true")


def test_hovering_shows_the_recipe_and_a_click_opens_it(page: Page) -> None:
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("#tip")
    expect(tip.locator("strong")).not_to_be_empty()
    title = tip.locator("strong").inner_text()
    box = tip.bounding_box()
    assert box is not None
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    expect(dialog.get_by_role("heading", name=title)).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".round", has_text="+").click()
    page.get_by_label("Show all").click()
    # by pointer: every place of a coarse grid, until one has a recipe near it
    stage = page.locator("#map").bounding_box()
    assert stage is not None
    page.keyboard.press("Escape")
    for step in range(400):
        left, top = stage["x"] + 20 + 45 * (step % 20), stage["y"] + 20 + 38 * (step // 20)
        page.mouse.move(left, top)
        if tip.is_visible():
            break
    expect(tip).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    expect(dialog.get_by_role("link", name="Like this")).to_be_visible()
    dialog.get_by_role("link", name="Like this").click()
    expect(page.locator("#status")).to_contain_text("asked with the liked recipe")


def test_ten_thousand_points_are_drawn_and_found(browser: Browser, address: str) -> None:
    draws = random.Random(1)
    points = {
        "ids": [f"10k:{number}" for number in range(10_000)],
        "titles": [f"title {number}" for number in range(10_000)],
        "has_photo": [False] * 10_000,
        "x": [draws.random() for _ in range(10_000)],
        "y": [draws.random() for _ in range(10_000)],
        "dish": [number % 90 - 1 for number in range(10_000)],
    }
    dishes = [
        {"dish": f"d{n}", "name_ko": f"요리{n}", "name_en": None, "points": 111} for n in range(89)
    ]
    answer = {"version": "0" * 16, "state": "ready", "recipes": 50_000}
    body = json.dumps({**answer, "points": points, "dishes": dishes})
    with watched_page(browser, phone=True) as page:
        page.route("**/map.json", lambda route: route.fulfill(body=body))
        page.goto(f"{address}/map")
        expect(page.locator("#status")).to_have_text("10,000 of 50,000 recipes")
        page.wait_for_timeout(100)
        assert painted_colours(page) > 60
        page.locator("#map").focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator("#tip strong")).to_have_text("title 0")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_map_that_cannot_be_had_is_told(browser: Browser, address: str) -> None:
    with watched_page(browser) as page:
        page.route("**/map.json", lambda route: route.abort())
        page.goto(f"{address}/map")
        expect(page.locator("#status")).to_contain_text("The service does not answer")
