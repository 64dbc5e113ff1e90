"""The shop's one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.home import KEEPING


@dataclass(frozen=True)
class Shop:
    """A shop, and where people go from it.

    Attributes:
        name: as an application; title: for people.
        purchases: where they see all that they bought.
        other: another shop, to and from which they can move; "" for none.
    """

    name: str
    title: str
    purchases: str
    other: str


@dataclass(frozen=True)
class Good:
    """Something to buy; the price in cents."""

    name: str
    price: int
    words: str


GOODS: Mapping[str, Good] = {
    "coffee": Good("Coffee beans, 1 kg", 1890, "Washed arabica, roasted on Tuesday."),
    "teapot": Good("Cast-iron teapot", 4500, "Holds heat, and eight cups."),
    "notebook": Good("Dotted notebook", 1250, "192 pages that lie flat."),
    "lamp": Good("Desk lamp", 6900, "Warm light, no hum, one switch."),
}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/shop.js"></script></head>
<body data-app="{app}" data-purchases="{purchases}" data-other="{other}" data-keep="{keep}">
<header><p class="mark">{title}</p>{door}</header>
<main>
<h1>Few things, well made.</h1>
<p class="lead">What you order here is kept sealed, under your own key, which dies when you erase.
Take it with you, show it to others, or erase it: nobody here can stop you.</p>
<p class="notice" role="status" hidden></p>
<dialog aria-labelledby="asked"><h2 id="asked">Somebody asks for your orders</h2><pre></pre>
<p class="acts"><button class="main" data-do="accept">Sign this with my wallet</button>
<button data-do="refuse">No</button></p></dialog>
<ul class="goods">{goods}</ul>
{orders}
</main>
<footer>An example of CyberPrivacy: <a href="/.well-known/udi">what this vault is</a>,
<a href="/openapi.json">its interface</a>.</footer>
</body></html>
"""
NOBODY = '<button class="main" data-do="signIn">Sign in with your wallet</button>'
SOMEBODY = '<button data-do="signOut">Sign out</button>'
MOVES = """<button data-do="go">Go to another shop</button>
<button data-do="bring">Bring everything from my other shop</button>
"""
GIVEN = """<section id="given"><h2>Who may read them</h2><ul class="given">{rows}</ul></section>"""
MINE = """<section id="orders"><h2>Your orders</h2>{table}
<p class="acts"><button class="main" data-do="show">See all your purchases in one place</button>
{moves}<button data-do="take">Take everything out</button>
<button class="grave" data-do="erase">Erase everything</button></p></section>"""


def page(
    orders: Sequence[Mapping[str, object]] | None,
    given: Sequence[tuple[Grant, bool]],
    *,
    key: str,
    shop: Shop,
) -> str:
    """The page, for somebody with these orders (oldest first) and grants, or, None, for nobody."""
    goods = "".join(_good(name, good, key, known=orders is not None) for name, good in GOODS.items())
    return PAGE.format(
        app=escape(shop.name),
        title=escape(shop.title),
        purchases=escape(shop.purchases),
        other=escape(shop.other),
        keep=escape(KEEPING),
        door=NOBODY if orders is None else SOMEBODY,
        goods=goods,
        orders=""
        if orders is None
        else MINE.format(table=_table(orders), moves=MOVES if shop.other else "") + _given(given),
    )


def money(cents: object) -> str:
    """An amount for people."""
    return f"{int(str(cents)) / 100:.2f} €"


def _good(name: str, good: Good, key: str, *, known: bool) -> str:
    buy = (
        f'<form method="post" action="/buy/{name}?key={name}-{key}"><button class="main">Buy</button></form>'
        if known
        else ""
    )
    return (
        f'<li><span class="sign" aria-hidden="true">{good.name[0]}</span><h2>{escape(good.name)}</h2>'
        f'<p>{escape(good.words)}</p><p class="price">{money(good.price)}</p>{buy}</li>'
    )


def _given(grants: Sequence[tuple[Grant, bool]]) -> str:
    """A line for each grant; whether it was taken back stands beside it."""
    rows = ""
    for grant, gone in grants:
        until = datetime.fromtimestamp(grant.expires, UTC).strftime("%Y-%m-%d")
        act = f'<button data-do="revoke" data-grant="{grant.id.hex()}">Take this back</button>'
        state = "<em>taken back</em>" if gone else f"until {until} {act}"
        rows += f"<li><strong>{escape(grant.recipient.app)}</strong>: “{escape(grant.purpose)}” {state}</li>"
    return GIVEN.format(rows=rows) if rows else ""


def _table(orders: Sequence[Mapping[str, object]]) -> str:
    if not orders:
        return '<p class="none">Nothing yet. The lamp is good.</p>'
    rows = "".join(
        f"<tr><td>{escape(str(each['item']))}</td><td>{escape(str(each['at'])[:16].replace('T', ' '))}</td>"
        f"<td>{money(each['price'])}</td></tr>"
        for each in reversed(orders)
    )
    head = "<tr><th>What</th><th>When (UTC)</th><th>Price</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
