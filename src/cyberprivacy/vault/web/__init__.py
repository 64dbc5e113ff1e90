"""The vault over HTTP: one table of endpoints says what there is and who may ask for it.

Reading order: `endpoint` (what one entry says), `problem`, `pace`, `waiting`, `forms`, `crew`, `dispatch` (how a
request becomes a call), the modules that name their entries (`discovery`, `people`, `data`, `stream`, `custody`,
`between`, `allowed`, `handing`, `moves`) and their structures (`wire`, `kept`), `openapi`,
`app`, `assembly`, `opening`, `server`.
Source: docs/spec/udi-1.md, "HTTP".
"""

from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_name("page.js")
"""What pages of applications import: `npm run bundle` in sdk/typescript makes it."""
