"""The page, as HTML. Whatever somebody wrote passes through `escape` on its way in."""

from datetime import UTC, datetime
from html import escape

from store import MAX_NAME, MAX_TEXT, Entry

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<a class="skip" href="#entries">Skip to the entries</a>
<header>
<p class="seal">Run by vote <span>{version}</span></p>
<h1>{title}</h1>
<p class="lead">Everyone may write here. What this page runs was decided by its members,
and <a href="/.well-known/cyberprivacy/">anybody can check it</a>.</p>
</header>
<main>
<form method="post" action="/" aria-labelledby="write">
<h2 id="write">Leave a few words</h2>
{notice}
<label for="name">Your name</label>
<input id="name" name="name" required maxlength="{max_name}" autocomplete="nickname" value="{name}">
<label for="text">Your words</label>
<textarea id="text" name="text" required maxlength="{max_text}" rows="4" aria-describedby="limit">{text}</textarea>
<p class="foot"><span id="limit">At most {max_text} characters, seen by everyone.</span>
<button>Sign the book</button></p>
</form>
<section aria-labelledby="entries">
<h2 id="entries" tabindex="-1">{heading}</h2>
{entries}
{older}
</section>
</main>
<footer><p>No cookies, no scripts, no trackers. Entries are kept on this machine only.</p></footer>
</body>
</html>
"""

_ENTRY = """<article>
<div class="face tone-{tone}" aria-hidden="true">{initial}</div>
<div>
<h3>{name}</h3>
<time datetime="{iso}">{when}</time>
<p>{text}</p>
</div>
</article>"""


def render(
    title: str,
    version: str,
    entries: list[Entry],
    *,
    older: int | None,
    draft: tuple[str, str] = ("", ""),
    notice: str = "",
) -> bytes:
    """The whole page in UTF-8.

    Args:
        title: of the book.
        version: of this release.
        entries: newest first.
        older: id before which there are more; None = this is the end.
        draft: name and text to fill in again after a refusal.
        notice: why an entry was refused; "" = nothing was.
    """
    return _PAGE.format(
        title=escape(title),
        version=escape(version),
        notice=f'<p class="notice" role="alert">Not signed: {escape(notice)}.</p>' if notice else "",
        name=escape(draft[0]),
        text=escape(draft[1]),
        max_name=MAX_NAME,
        max_text=MAX_TEXT,
        heading="What people wrote" if entries else "Be the first to write",
        entries="\n".join(map(_entry, entries)),
        older=f'<p class="older"><a href="/?before={older}#entries">Older entries</a></p>' if older else "",
    ).encode()


def _entry(entry: Entry) -> str:
    at = datetime.fromtimestamp(entry.at, UTC)
    return _ENTRY.format(
        tone=sum(map(ord, entry.name)) % 6,
        initial=escape(entry.name[0].upper()),
        name=escape(entry.name),
        iso=at.isoformat(),
        when=f"{at:%-d %B %Y, %H:%M} UTC",
        text=escape(entry.text).replace("\n", "<br>"),
    )
