"""The one page of purchases."""

from collections.abc import Mapping, Sequence
from html import escape

from cyberprivacy.vault.followings import Following

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>My {app}</title><link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/purchases.js"></script></head>
<body data-app="{app}" data-shop="{shop}" data-type="{type}" data-purpose="{purpose}">
<header><p class="mark">My {app}</p>{door}</header>
<main>
<h1>All that you bought.</h1>
<p class="lead">Nothing is here that you did not allow. Take it back, and no more comes.</p>
<p class="notice" role="status" hidden></p>
{mine}
</main>
<footer>An example of CyberPrivacy: <a href="/.well-known/udi">what this vault is</a>.</footer>
</body></html>
"""
NOBODY = '<button class="main" data-do="signIn">Sign in with your wallet</button>'
SOMEBODY = '<button data-do="signOut">Sign out</button>'
MINE = """<section><div id="all">{table}</div>
<p class="acts"><button class="main" data-do="ask">Bring in my orders from the shop</button>
<button data-do="take">Take everything out</button>
<button class="grave" data-do="erase">Erase everything</button></p></section>"""
STATES = {"following": "is followed", "waiting": "does not answer", "ended": "has ended"}
WHY = {"grant.revoked": "you took it back", "grant.expired": "its time is over", "account.frozen": "frozen"}


def page(shown: Mapping[str, str], found: str | None) -> str:
    """The page; `found` is the list of whoever is there, None for nobody."""
    said = {name: escape(value) for name, value in shown.items()}
    mine = "" if found is None else MINE.format(table=found)
    return PAGE.format(**said, door=NOBODY if found is None else SOMEBODY, mine=mine)


def table(orders: Sequence[Mapping[str, object]], followings: Sequence[Following]) -> str:
    """Purchases, newest first, and where they come from."""
    rows = "".join(
        f"<tr><td>{escape(str(each['item']))}</td><td>{escape(str(each['at'])[:16].replace('T', ' '))}</td>"
        f"<td>{int(str(each['price'])) / 100:.2f} €</td></tr>"
        for each in reversed(orders)
    )
    head = "<tr><th>What</th><th>When (UTC)</th><th>Price</th></tr>"
    listed = (
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else '<p class="none">Nothing.</p>'
    )
    return f"<h2>Purchases</h2>{listed}<ul class='given'>{''.join(map(_source, followings))}</ul>"


def _source(following: Following) -> str:
    why = f": {WHY.get(following.why, following.why)}" if following.why else ""
    missing = f", {following.refused} could not be taken" if following.refused else ""
    return (
        f"<li><strong>{escape(following.grant.source.app)}</strong> "
        f'<span class="state {following.state.value}">{STATES[following.state.value]}{escape(why)}</span> '
        f"{following.received} changes came{missing}</li>"
    )
