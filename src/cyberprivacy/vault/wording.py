"""Text that strangers write and people read before they sign: one line that hides nothing.

Refused are control characters, the quote that a consent text puts around it, and what is invisible or turns the
direction of other characters. A fixed list, not a property of the Unicode version that a language ships. Source:
docs/spec/udi-1.md, "Grants"; UTS 39 and CVE-2021-42574 for why.
"""

import re
from typing import Final

_HIDDEN: Final = re.compile(
    '[\x00-\x1f"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f'
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)


def plain(text: object, most: int) -> bool:
    """Whether this is a text of 1 to `most` characters, none of them hidden, without spaces around it."""
    return isinstance(text, str) and 0 < len(text) <= most and text == text.strip(" ") and not _HIDDEN.search(text)
