"""The steps of a recipe page: text, photos and notes of each; and the old free-form body.

Steps are taken from their own elements only: comments use the same inner class, and the block
around the steps also holds tab icons, the tip and photos of the finished dish.
"""

import re
from dataclasses import dataclass

from bs4 import Tag

from mmpipeline.sources.tenthousand.page.page_index import Page
from mmpipeline.sources.tenthousand.page.tree import (
    attribute,
    read_lines,
    read_text,
)

_NOTE_CLASSES = {
    "add_material": "ingredients",
    "add_tool": "tools",
    "add_fire": "heat",
    "add_tip2": "tip",
}
_STEP_NUMBER = re.compile(r"^\s*(?:\d{1,2}\s*[.)]|[①-⑳]|STEP\s*\d{1,2}[.:]?)\s*", re.I)
_JUST_A_LINK = re.compile(r"^(?:https?://|www\.)\S+$", re.I)


@dataclass(frozen=True, slots=True)
class Step:
    """One cooking step.

    Attributes
    ----------
    text
        On one line, without its notes.
    image_links
        Photos as linked in the page.
    notes
        Pairs of kind (ingredients, tools, heat, tip) and text.
    """

    text: str | None
    image_links: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


def read_steps(page: Page) -> list[Step]:
    """Return the steps of a recipe page.

    Parameters
    ----------
    page
        The page.

    Returns
    -------
    list of Step
        In page order; of the old free-form body one entry a line of text. Empty when the page
        has neither.
    """
    boxes = page.find_all(".view_step_cont")
    return [_read_step(page, box) for box in boxes] or _read_free_form(page)


def _read_step(page: Page, box: Tag) -> Step:
    body = page.find(".media-body", box)
    notes = [
        (kind, text)
        for note in page.find_all(".step_add", box)
        for css, kind in _NOTE_CLASSES.items()
        if css in note.get_attribute_list("class") and (text := read_text(note))
    ]
    links = [attribute(image, "src") for image in page.find_all("[id^=stepimg] img", box)]
    return Step(
        text=read_text(body, skip=("step_add",)),
        image_links=tuple(dict.fromkeys(link for link in links if link)),
        notes=tuple(notes),
    )


def _read_free_form(page: Page) -> list[Step]:
    body = page.find("#oldContArea") or page.find(".view_cont_old")
    if body is None:
        return []
    lines = [_STEP_NUMBER.sub("", line) for line in read_lines(body)]
    return [Step(line) for line in lines if line and not _JUST_A_LINK.match(line)]


def read_free_form_images(page: Page) -> list[str]:
    """Return the photos inside the old free-form body, as linked."""
    links = [attribute(image, "src") for image in page.find_all("#oldContArea img")]
    return [link for link in links if link]
