"""What a vault says of itself to anybody: a page for people, a document and a description for programs."""

from collections.abc import Callable
from html import escape
from typing import Final

from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A vault</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem }}
h1 {{ font-size: 1.6rem; line-height: 1.25 }}
pre, td {{ font-family: ui-monospace, monospace; font-size: .9rem; overflow-wrap: anywhere }}
pre {{ white-space: pre-wrap; padding: 1rem; border: 1px solid #8886; border-radius: .5rem }}
th {{ text-align: left; font-weight: 600; padding-right: 1.5rem; vertical-align: top; white-space: nowrap }}
.warning {{ padding: .5rem 1rem; border: 2px solid #c60; border-radius: .5rem }}
</style></head><body>
<h1>What applications keep about you is here, and it is yours.</h1>
{warning}
<p>See what is kept, take all of it with you, say who may read it, or erase it. From your own computer:</p>
<pre>cyberprivacy my sign-in {uri} --key me.json
cyberprivacy my data {uri}
cyberprivacy my export {uri} --to export.udi.zip</pre>
<p>Programs find the same under <a href="/.well-known/udi">/.well-known/udi</a> and
<a href="/openapi.json">/openapi.json</a>.</p>
<table>
<tr><th>network</th><td>{network}</td></tr>
<tr><th>applications</th><td>{apps}</td></tr>
<tr><th>keys</th><td>{keys}</td></tr>
</table>
</body></html>
"""
_WARNING: Final = (
    '<p class="warning" role="alert">This vault is for development: its keys lie in a file beside the data. '
    "Keep nothing here that matters.</p>"
)


class Discovery:
    """The endpoints that need nobody.

    Args:
        about: what it says.
        development: whether its keys are worth nothing.
        describe: makes the OpenAPI document.
    """

    def __init__(self, about: wire.About, *, development: bool, describe: Callable[[], bytes]) -> None:
        self._about, self._development, self._describe = about, development, describe

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [
            Endpoint(
                method="GET", path="/", name="readPage", who=Who.ANYBODY, run=self._page,
                summary="What this is, for people.", answer=Media.HTML,
            ),
            Endpoint(
                method="GET", path="/.well-known/udi", name="readAbout", who=Who.ANYBODY,
                run=lambda _: Reply(self._about), summary="What this vault is and who uses it.", answer=wire.About,
            ),
            Endpoint(
                method="GET", path="/openapi.json", name="readDescription", who=Who.ANYBODY, run=self._description,
                summary="This description.", answer=Media.JSON, cost=5,
            ),
        ]  # fmt: skip

    def _page(self, _: Call) -> Reply:
        about = self._about
        values = {
            "uri": about.site,
            "network": about.network,
            "apps": ", ".join(about.apps) or "none yet",
            "keys": about.keys,
        }
        text = {name: escape(value) for name, value in values.items()}
        return Reply(PAGE.format(warning=_WARNING if self._development else "", **text).encode())

    def _description(self, _: Call) -> Reply:
        return Reply(self._describe())
