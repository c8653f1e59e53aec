"""Short fields of a recipe page: servings, time, dates, author, tags, photos.

Each is read by its own class; any of them may be missing alone, and then is None.
"""

import hashlib
import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

from mmpipeline.sources.tenthousand.page.page_index import Page
from mmpipeline.sources.tenthousand.page.steps import Step, read_free_form_images
from mmpipeline.sources.tenthousand.page.tree import (
    attribute,
    read_text,
)
from mmpipeline.sources.tenthousand.page.urls import IMAGE_HOST, normalize_url

_SERVINGS = re.compile(r"(\d{1,4})\s*(?:인분|servings?)")
_HOURS = re.compile(r"(\d{1,3})\s*시간")
_MINUTES = re.compile(r"(\d{1,4})\s*분")
_ISO_DURATION = re.compile(r"^P(?:(\d{1,2})D)?T?(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:\d+S)?$")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def parse_servings(text: str | None) -> int | None:
    """Return the number in "2인분", "6인분 이상" or "6 servings"."""
    found = _SERVINGS.search(text or "")
    return int(found[1]) if found else None


def parse_minutes(text: str | None) -> int | None:
    """Return the minutes in "30분 이내", "2시간 이상" or ISO 8601 "PT1H20M"."""
    text = text or ""
    iso = _ISO_DURATION.match(text)
    if iso and any(iso.groups()):
        days, hours, minutes = (int(part or 0) for part in iso.groups())
        return (days * 24 + hours) * 60 + minutes
    hours_found, minutes_found = _HOURS.search(text), _MINUTES.search(text)
    if not (hours_found or minutes_found):
        return None
    return int(hours_found[1] if hours_found else 0) * 60 + int(
        minutes_found[1] if minutes_found else 0
    )


def parse_date(text: str | None) -> date | None:
    """Return the first calendar date (YYYY-MM-DD) in a text."""
    found = _DATE.search(text or "")
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def read_dates(page: Page) -> tuple[date | None, date | None]:
    """Return when the recipe was published (등록일) and last modified (수정일)."""
    published = modified = None
    for entry in page.find_all(".view_notice_date b"):
        text = read_text(entry) or ""
        if "수정" in text:
            modified = parse_date(text)
        elif "등록" in text:
            published = parse_date(text)
    return published, modified


def read_author(page: Page) -> tuple[str | None, str | None]:
    """Return the author's name for the credit, and the sha256 of the author's id."""
    name = read_text(page.find(".user_info2_name"), skip=("button",)) or read_text(
        page.find(".profile_cont .cont_name"), skip=("button",)
    )
    link = attribute(page.find('a.user_info2_pic[href*="uid="]'), "href")
    try:
        uid = parse_qs(urlsplit(link or "").query).get("uid", [""])[0].strip()
    except ValueError:
        uid = ""
    return name, hashlib.sha256(uid.encode()).hexdigest() if uid else None


def read_tags(page: Page) -> list[str]:
    """Return the tags without their number sign, each once."""
    texts = (read_text(link) for link in page.find_all(".view_tag a"))
    names = ((text or "").lstrip("# ") for text in texts)
    return list(dict.fromkeys(name for name in names if name))


def read_tip(page: Page) -> str | None:
    """Return the tip (팁-주의사항) that stands after the steps."""
    return read_text(page.find("dl.view_step_tip dd"))


def read_video(page: Page) -> str | None:
    """Return the address of the recipe's video; the page's script would fill it in."""
    frame = page.find(".view_movie iframe[org_src]")
    return attribute(frame, "org_src")


def read_image_urls(page: Page, steps: list[Step], page_url: str) -> list[str]:
    """Return the recipe's photos, normalised, each once: main, finished dish, steps.

    Parameters
    ----------
    page
        The page.
    steps
        Its steps, whose photos come last.
    page_url
        What relative links are relative to.
    """
    main = attribute(page.find("#main_thumbs"), "src") or attribute(
        page.find('meta[property="og:image"]'), "content"
    )
    finished = [
        attribute(image, "src")
        for image in page.find_all("#completeimgs .carousel-inner img, .completeimgs_item img")
    ]
    of_steps = [link for step in steps for link in step.image_links]
    links = [main, *finished, *of_steps, *read_free_form_images(page)]
    urls = (normalize_url(link, page_url) for link in links if link)
    return list(dict.fromkeys(url for url in urls if url and not is_icon(url)))


def is_icon(url: str) -> bool:
    """Tell the site's own pictures (icons, default avatars) from photos."""
    parts = urlsplit(url)
    return parts.path.startswith("/img/") or (
        parts.hostname == IMAGE_HOST and parts.path.startswith("/cache/rpf/")
    )
