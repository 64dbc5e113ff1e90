"""What a node or a witness has found about others, as it is shown to whoever runs it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyberprivacy.review.hidden import visible

FOLDER = "watch"
"""Where evidence lies, in the data directory."""


def with_paths(witness: Mapping[str, Any], data: Path) -> dict[str, Any]:
    """The part `witness` of a status, with the path of each file of evidence on this machine."""
    found = [{**each, "path": str(data / FOLDER / str(each["evidence"]))} for each in witness.get("found", [])]
    return {**witness, "found": found}


def found_lines(witness: Mapping[str, Any]) -> list[str]:
    """Two lines for each finding: what, and where the evidence is."""
    lines: list[str] = []
    for each in witness.get("found", []):
        lines.append(visible(f"found: {each['about']}: {each['what']} [{each['code']}]"))
        lines.append(visible(f"  {each['path']}"))
    return lines
