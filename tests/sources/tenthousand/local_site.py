"""A small web server on loopback whose answers each test writes itself."""

import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image


@dataclass
class Answer:
    """One prepared answer; `write` takes over the socket when given."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass
class Asked:
    """One request that the server got."""

    path: str
    at: float
    headers: dict[str, str]


Page = Answer | bytes | Callable[[Asked], Answer]


@dataclass
class Site:
    """The server: what it answers by path, and what it was asked."""

    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    def answer(self, request: Asked) -> Answer:
        self.asked.append(request)
        page = self.pages.get(request.path, self.pages.get(request.path.partition("?")[0]))
        if page is None:
            return Answer(404, b"nothing here")
        if isinstance(page, bytes):
            return Answer(200, page, {"Content-Type": "text/html; charset=UTF-8"})
        return page if isinstance(page, Answer) else page(request)


def _make_handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            answer = site.answer(Asked(self.path, time.monotonic(), dict(self.headers.items())))
            if answer.write is not None:
                self.close_connection = True
                try:
                    answer.write(self)
                except (BrokenPipeError, ConnectionResetError):
                    return
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


def make_photo(seed: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 6), (seed * 37 % 256, seed * 91 % 256, 120)).save(out, "JPEG")
    return out.getvalue()


def make_recipe(number: int, title: str = "가짜 국") -> bytes:
    """Make a small page in the site's current markup, with two photos on the same host."""
    main = hashlib.md5(str(number).encode()).hexdigest()
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8">
<link rel="canonical" href="https://www.10000recipe.com/recipe/{number}"></head><body>
<img id="main_thumbs" src="/cache/recipe/2025/01/01/{main}.jpg">
<a class="user_info2_pic" href="/profile/index.html?uid=u{number % 3}"></a>
<span class="user_info2_name">가짜작성자</span>
<div class="view2_summary"><h3>{title} {number}</h3></div>
<div class="ready_ingre3" id="divConfirmedMaterialArea"><ul><b class="ready_ingre3_tt">[재료]</b>
<li><div class="ingre_list_name">무</div><span class="ingre_list_ea">{number % 5 + 1}개</span>
<a class="ingre_list_btn">구매</a></li></ul></div>
<div class="view_step"><div id="stepDiv1" class="view_step_cont media step1">
<div id="stepdescr1" class="media-body">무를 썬다.</div><div id="stepimg1">
<img src="/cache/recipe/2025/01/01/shared.jpg"></div></div></div></body></html>""".encode()


def make_list(numbers: list[int]) -> bytes:
    cards = "".join(
        f'<li><a href="/recipe/{number}" class="common_sp_link"><img></a></li>'
        for number in numbers
    )
    return f'<meta charset="utf-8"><ul class="common_sp_list_ul">{cards}</ul>'.encode()


PER_PAGE = 4


def fill_site(site: Site, numbers: list[int]) -> None:
    """Serve these recipes, newest (largest number) first, four to a list page."""
    newest_first = sorted(numbers, reverse=True)

    def show_list(request: Asked) -> Answer:
        page = int(request.path.rpartition("page=")[2])
        shown = newest_first[(page - 1) * PER_PAGE : page * PER_PAGE]
        return Answer(200, make_list(shown), {"Content-Type": "text/html; charset=UTF-8"})

    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /admin/\n"
    site.pages["/recipe/list.html"] = show_list
    site.pages["/cache/recipe/2025/01/01/shared.jpg"] = Answer(200, make_photo(1))
    for number in numbers:
        main = hashlib.md5(str(number).encode()).hexdigest()
        site.pages[f"/recipe/{number}"] = make_recipe(number)
        photo = Answer(200, make_photo(number))
        site.pages[f"/cache/recipe/2025/01/01/{main}.jpg"] = photo


@contextmanager
def serve() -> Iterator[Site]:
    """Run a server that knows no page yet."""
    found = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(found))
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
