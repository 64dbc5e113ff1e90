"""Canonical JSON: the published files of RFC 8785, as far as our documents use it; the rest is refused, not guessed."""

import json
from pathlib import Path

import pytest

from cyberprivacy import canonical

OURS = {"arrays": True, "french": False, "structures": False, "unicode": True, "values": False, "weird": False}
"""File -> whether it lies in our subset: no fractions, ASCII keys."""


@pytest.mark.parametrize("name", OURS)
def test_a_file_has_the_published_bytes_or_no_form_at_all(vectors: Path, name: str) -> None:
    folder = vectors / "userdata" / "jcs"
    value = json.loads((folder / "input" / f"{name}.json").read_bytes())
    published = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    if OURS[name]:
        assert canonical.encode(value) == published
        assert canonical.decode(published) == value
    else:
        with pytest.raises(canonical.NotCanonical):
            canonical.encode(value)
