"""The guestbook, with accounts: what somebody writes here is theirs to see, take out and erase. See README.md."""

import os
import sys
from pathlib import Path
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cyberprivacy.vault.middleware import App, PersonalData

HERE = Path(__file__).parent
BOOK = HERE.parent / "guestbook" / "1.0.0" / "app"
sys.path.insert(0, str(BOOK))  # its page and its style, not a copy of them
from page import render  # noqa: E402
from store import Entry  # noqa: E402

TYPE = "example.guestbook.message.v1"
FILES = {"/style.css": BOOK / "style.css", "/door.js": HERE / "door.js"}
SAID = {
    "</header>": '<p data-in="{}"></p><script type="module" src="/door.js"></script></header>',
    "Everyone may write here.": "Sign in, and what you write here is yours.",
    "seen by everyone": "seen by you",
    "No cookies, no scripts, no trackers.": "One cookie that knows you, no trackers.",
}


def show(request: Request) -> Response:
    """The book: what whoever is signed in has written, newest first."""
    kept = request.state.records.list(TYPE, limit=1_000) if request.state.records else []
    entries = [Entry(n, each.value["name"], each.value["text"], each.created) for n, each in enumerate(kept)]
    page = render("My guestbook", "2.0.0", entries[::-1], older=None).decode()
    for before, now in SAID.items():
        page = page.replace(before, now.format(request.state.person or ""), 1)
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'self'; img-src data:"})


async def write(request: Request) -> Response:
    """One more entry; the declared type says what may be in it."""
    if request.state.records and int(request.headers.get("content-length", "9999")) <= 8_192:
        fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        await run_in_threadpool(request.state.records.create, TYPE, fields)
    return RedirectResponse("/", 303)


SITE = os.environ.get("GUESTBOOK_SITE", "http://127.0.0.1:8404")
VAULT = os.environ.get("GUESTBOOK_VAULT", "guestbook-data")
# On a node, its log remembers what people get receipts of.
KEPT = App(name="guestbook", site=SITE, types=HERE / "types", vault=VAULT, hosted="GUESTBOOK_HOSTED" in os.environ)
routes = [Route("/", show), Route("/", write, methods=["POST"])]
routes += [Route(path, FileResponse(file)) for path, file in FILES.items()]
app = Starlette(routes=routes, middleware=[Middleware(PersonalData, app=KEPT)])
