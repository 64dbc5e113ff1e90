"""All that somebody bought, in one place: records come from shops that the person allows it to read.

    python examples/purchases/main.py --vault ./purchases-data

Run it twice, with another --name, --port and --vault, for a third application that everything can move to.
"""

import argparse
from pathlib import Path

import uvicorn
from pages import page, table
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cyberprivacy.vault.middleware import App, PersonalData

HERE = Path(__file__).parent
ORDER = "org.example.shop.order.v1"
PURPOSE = "Show you everything that you bought in one place"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def front(request: Request) -> Response:
    """The page, with all purchases of whoever is there."""
    return HTMLResponse(page(request.app.state.shown, _list(request)), headers=HEADERS)


def everything(request: Request) -> Response:
    """Only the list, for the page to fetch again."""
    found = _list(request)
    return HTMLResponse(found or "", 200 if found is not None else 401, headers=HEADERS)


def _list(request: Request) -> str | None:
    mine = request.state.records
    if mine is None:
        return None
    return table([each.value for each in mine.list(ORDER, limit=1_000)], mine.followings())


def application(name: str, site: str, vault: str, shop: str) -> Starlette:
    """The application at an address; `shop` is where people may allow it to read their orders."""
    app = App(name=name, site=site, vault=vault, types=HERE / "types", purposes=[PURPOSE], sources={"shop": shop})
    routes = [
        Route("/", front),
        Route("/all", everything),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    made = Starlette(routes=routes, middleware=[Middleware(PersonalData, app=app)])
    made.state.shown = {"app": name, "shop": shop, "type": ORDER, "purpose": PURPOSE}
    return made


def main() -> None:
    """Serve until interrupted."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--name", default="purchases")
    arguments.add_argument("--port", type=int, default=8402)
    arguments.add_argument("--vault", default="purchases-data", help="folder for what is kept")
    arguments.add_argument("--site", help="its address, if a TLS front stands before it")
    arguments.add_argument("--shop", default="http://127.0.0.1:8401")
    chosen = arguments.parse_args()
    site = chosen.site or f"http://127.0.0.1:{chosen.port}"
    print(f"{chosen.name} is at {site}", flush=True)
    made = application(chosen.name, site, chosen.vault, chosen.shop)
    uvicorn.run(made, host="127.0.0.1", port=chosen.port, log_level="warning", lifespan="on")


if __name__ == "__main__":
    main()
