import re

from mmpipeline.serving.api.static_files import read_static_files


def test_pages_load_nothing_from_elsewhere_and_hold_no_code_of_their_own() -> None:
    files = read_static_files()
    assert {"index.html", "map.html", "style.css", "search.js", "map.js"} <= set(files)
    for name, file in files.items():
        text = file.content.decode()
        addresses = re.findall(r"https?://[\w.]+", text)
        assert set(addresses) <= {"http://www.w3.org"}, name  # a name in SVG, nothing to load
        assert not re.search(r"@import|url\(", text), name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), name
        if name.endswith(".js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(", text), name


def test_what_pages_name_is_there() -> None:
    files = read_static_files()
    for name, file in files.items():
        text = file.content.decode()
        named = re.findall(r'"/static/([\w.]+)"', text) + re.findall(r'from "\./([\w.]+)"', text)
        assert set(named) <= set(files), name


def test_tags_follow_the_content() -> None:
    files = read_static_files()
    assert len({file.etag for file in files.values()}) == len(files)
    assert all(file.content_type for file in files.values())
