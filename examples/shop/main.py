"""A shop whose orders belong to whoever made them.

    python examples/shop/main.py --vault ./shop-data

Accounts, sign-in, sealed records, export, erase and grants are `PersonalData`'s; the shop keeps orders.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import uvicorn
from pages import GOODS, Shop, page
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cyberprivacy.vault.home import KEEPING
from cyberprivacy.vault.middleware import App, PersonalData

HERE = Path(__file__).parent
ORDER = "org.example.shop.order.v1"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def shelf(request: Request) -> Response:
    """The goods, and what this person has ordered."""
    mine = request.state.records
    orders = None if mine is None else [each.value for each in mine.list(ORDER, limit=1_000)]
    given = [] if mine is None else [(each.grant, each.revoked) for each in mine.grants()]
    shown = page(orders, given, key=token_hex(16), shop=request.app.state.shop)
    return HTMLResponse(shown, headers=HEADERS)


def buy(request: Request) -> Response:
    """An order, kept as a record of this person; `key` makes a second click harmless."""
    mine, item = request.state.records, GOODS.get(request.path_params["item"])
    if mine is None or item is None:
        return RedirectResponse("/", 303)
    order = {"item": item.name, "price": item.price, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    mine.create(ORDER, order, key=request.query_params.get("key", ""))
    return RedirectResponse("/#orders", 303)


def application(site: str, vault: str, shop: Shop) -> Starlette:
    """A shop at an address."""
    app = App(
        name=shop.name, site=site, vault=vault, types=HERE / "types", purposes=() if "://" in vault else (KEEPING,)
    )
    routes = [
        Route("/", shelf),
        Route("/buy/{item}", buy, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    made = Starlette(routes=routes, middleware=[Middleware(PersonalData, app=app)])
    made.state.shop = shop
    return made


def main() -> None:
    """Serve until interrupted."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=8401)
    arguments.add_argument("--vault", default="shop-data", help="folder, or address of a shared vault")
    arguments.add_argument("--site", help="its address, if a TLS front stands before it")
    arguments.add_argument("--name", default="shop")
    arguments.add_argument("--title", default="The corner shop")
    arguments.add_argument("--purchases", default="http://127.0.0.1:8402", help="where people see all they bought")
    arguments.add_argument(
        "--other", default="http://127.0.0.1:8403", help="another shop, to and from which they move"
    )
    chosen = arguments.parse_args()
    site = chosen.site or f"http://127.0.0.1:{chosen.port}"
    print(f"the shop is open at {site}", flush=True)
    shop = Shop(chosen.name, chosen.title, chosen.purchases, chosen.other)
    made = application(site, chosen.vault, shop)
    uvicorn.run(made, host="127.0.0.1", port=chosen.port, log_level="warning", lifespan="on")


if __name__ == "__main__":
    main()
