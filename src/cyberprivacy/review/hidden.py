"""What readers cannot see, made visible: control, direction and invisible characters, mixed alphabets.

Source: Unicode Standard Annex 9 (direction), Technical Standard 39 (mixed scripts); CVE-2021-42574.
"""

import re
import unicodedata
from typing import Final

TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a screen show text in another order than machines read it."""

_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_SPACES: Final = frozenset("\t\n")
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and symbols drawn as nothing
_WORD: Final = re.compile(r"[^\W_]+")  # whole: a form that asks for a foreign letter in it takes quadratic time
_LOOK_ALIKE: Final = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH", "MATHEMATICAL", "LATIN LETTER")


def unseen(character: str) -> bool:
    """Whether a screen shows nothing, or something else, for this character. Tab and line feed are seen."""
    if character in _SPACES:
        return False
    category = unicodedata.category(character)
    return category in _UNSEEN or character in _FILLERS or (category == "Zs" and character != " ")


def first_unseen(text: str) -> str | None:
    """The first unseen character as `U+XXXX`, or None."""
    if text.isascii() and text.isprintable():
        return None
    return next((_name(character) for character in text if unseen(character)), None)


def visible(text: str) -> str:
    """The text with every unseen character, and every foreign letter in a Latin word, as `⟨U+XXXX⟩`."""
    if text.isascii() and text.isprintable():
        return text
    marked = _WORD.sub(lambda word: _mixed(word[0]), text)
    return "".join(f"⟨{_name(one)}⟩" if unseen(one) else one for one in marked)


def looks_alike(text: str) -> str | None:
    """The first word that mixes Latin letters with letters that look like them, or None."""
    if text.isascii():
        return None
    return next((word[0] for word in _WORD.finditer(text) if _mixed(word[0]) != word[0]), None)


def _mixed(word: str) -> str:
    """A word with its foreign letters named, if it also has ASCII letters; other words as they are."""
    if not any(one.isascii() and one.isalpha() for one in word):
        return word
    return "".join(f"⟨{_name(one)}⟩" if _foreign(one) else one for one in word)


def _foreign(character: str) -> bool:
    return not character.isascii() and unicodedata.name(character, "").startswith(_LOOK_ALIKE)


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
