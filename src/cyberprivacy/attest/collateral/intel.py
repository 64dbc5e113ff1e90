"""From the answers of Intel's service to the field `collateral` of evidence. Pure.

Intel signs bytes, not values: the tables are cut out of the answers as they stand, never written anew.

Source: Intel PCS API, version 4.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.collateral.cache import Copy
from cyberprivacy.attest.collateral.source import BadSource

_DEPTH: Final = 12
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCANNER: Final = json.JSONDecoder()


def collateral(*, root_crl: Copy, pck_crl: Copy, tcb_info: Copy, qe_identity: Copy) -> bytes:
    """The canonical JSON that travels with evidence.

    Raises:
        BadSource: an answer is not of the form that Intel describes.
    """
    info, info_signature = signed_text(tcb_info.body, "tcbInfo")
    qe, qe_signature = signed_text(qe_identity.body, "enclaveIdentity")
    parts = {
        "pck_crl_issuer_chain": _pem(pck_crl),
        "root_ca_crl": root_crl.body.hex(),
        "pck_crl": pck_crl.body.hex(),
        "tcb_info_issuer_chain": _pem(tcb_info),
        "tcb_info": info,
        "tcb_info_signature": info_signature,
        "qe_identity_issuer_chain": _pem(qe_identity),
        "qe_identity": qe,
        "qe_identity_signature": qe_signature,
    }
    return canonical.encode(parts)


def _pem(copy: Copy) -> str:
    try:
        return copy.chain.decode("ascii")
    except UnicodeDecodeError:
        raise BadSource("certificates that are not PEM") from None


def signed_text(body: bytes, name: str) -> tuple[str, str]:
    """The text of a table as it stands in an answer, and the signature over it, in lower-case hex.

    Args:
        body: `{"<name>": {…}, "signature": "<hex>"}`, in any order.
        name: of the table.

    Raises:
        BadSource: another form.
    """
    try:
        text = body.decode()
        found = _members(text) if canonical.nested_within(body, _DEPTH) else {}
        signature = json.loads(found["signature"])
    except (ValueError, KeyError, IndexError, RecursionError):
        raise BadSource("not a signed table", table=name) from None
    if found.keys() != {name, "signature"} or not isinstance(signature, str):
        raise BadSource("not the signed table that was asked for", table=name)
    return found[name], signature.lower()


def _members(text: str) -> Mapping[str, str]:
    """The members of an object, each as the text that stands there.

    Raises:
        ValueError, IndexError: not one object, or a member twice.
    """
    made: dict[str, str] = {}
    at = _after(text, 0, "{")
    while True:
        name, at = _SCANNER.raw_decode(text, at)
        start = _after(text, at, ":")
        _, at = _SCANNER.raw_decode(text, start)
        if not isinstance(name, str) or name in made:
            raise ValueError("not a member")
        made[name] = text[start:at]
        end = _SPACE.match(text, at)
        at = at if end is None else end.end()
        if text[at] == "}":
            break
        at = _after(text, at, ",")
    if text[at + 1 :].strip():
        raise ValueError("something follows")
    return made


def _after(text: str, at: int, mark: str) -> int:
    """The place behind a mark and the space around it."""
    before = re.compile(rf"[ \t\r\n]*{re.escape(mark)}[ \t\r\n]*").match(text, at)
    if before is None:
        raise ValueError("not an object")
    return before.end()
