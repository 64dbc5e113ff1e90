"""What an administrator signs: one act, for one release of one DAO on one chain, good once and not for long."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from eth_utils.address import is_checksum_address

from cyberprivacy import canonical
from cyberprivacy.admin.refusals import BadRequest, NotAdministrator
from cyberprivacy.admin.typed_data import Domain, Field, digest, document, signer
from cyberprivacy.bundle.declared import MAX_VALUE
from cyberprivacy.canonical import NotCanonical
from cyberprivacy.cid import BadCid, Cid
from cyberprivacy.proposal.release import Address

MAX_REQUEST: Final = 16 << 10
"""Bytes of one request."""
MAX_WHY: Final = 500
LAST_NUMBER: Final = 1 << 53
"""Nonces and times go through JSON."""

_PRIMARY: Final = "AdministratorsAct"
_FIELDS: Final[tuple[Field, ...]] = (
    ("release", "string"),
    ("act", "string"),
    ("name", "string"),
    ("value", "string"),
    ("why", "string"),
    ("nonce", "uint64"),
    ("expiry", "uint64"),
)
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?\Z", re.ASCII)
_SIGNATURE: Final = re.compile(r"0x[0-9a-f]{130}\Z")
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class Act(StrEnum):
    """All that administrators can ever do; docs/reference/administration.md says the same."""

    SET = "set"
    CHOOSE = "choose"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One act as its administrator means it.

    Attributes:
        dao: address of the DAO's governor.
        chain_id: EIP-155 id of its chain.
        release: CID of the release that declares what is turned or asked.
        act, name: what is done to which declaration.
        value: the new value as text; "" for a statistic.
        why: for the public, 1 to 500 visible characters; must hold no personal data.
        nonce: greater than every nonce that this administrator has used for this DAO.
        expiry: seconds since 1970; from then on nobody takes it.
    """

    dao: Address
    chain_id: int
    release: Cid
    act: Act
    name: str
    value: str
    why: str
    nonce: int
    expiry: int

    def _domain(self) -> Domain:
        return Domain("CyberPrivacy administration", "1", self.chain_id, self.dao)

    def _values(self) -> dict[str, str | int]:
        return {
            "release": str(self.release),
            "act": self.act.value,
            "name": self.name,
            "value": self.value,
            "why": self.why,
            "nonce": self.nonce,
            "expiry": self.expiry,
        }

    def digest(self) -> bytes:
        """The 32 bytes that are signed. Source: EIP-712."""
        return digest(self._domain(), _PRIMARY, _FIELDS, self._values())

    def document(self) -> dict[str, object]:
        """What a wallet is asked to sign, and shows."""
        return document(self._domain(), _PRIMARY, _FIELDS, self._values())

    def encode(self, signature: bytes) -> bytes:
        """The request as it is sent: canonical JSON."""
        said = {"v": 1, "dao": self.dao, "chain": self.chain_id, "signature": "0x" + signature.hex()}
        return canonical.encode({**said, **self._values()})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request in the right form, and who signed it; whether they may is another question."""

    request: Request
    signature: bytes
    by: Address


def parse(body: bytes) -> SignedRequest:
    """The request in these bytes, with its signer.

    Raises:
        BadRequest: admin.size, admin.form, admin.why.
        NotAdministrator: admin.signature.
    """
    if len(body) > MAX_REQUEST:
        raise BadRequest("a request is too large", code="admin.size", limit=MAX_REQUEST)
    try:
        value = canonical.decode(body, limit=MAX_REQUEST)
    except NotCanonical as error:
        raise BadRequest(f"not a request: {error.what}") from None
    if not isinstance(value, dict):
        raise BadRequest("not a request: no object")
    request, signature = _request(value), _signature(value)
    if len(value) != len(_FIELDS) + 4:
        raise BadRequest("a request with an unknown field")
    try:
        return SignedRequest(request, signature, signer(request.digest(), signature))
    except ValueError as error:
        raise NotAdministrator(f"the signature is no good: {error}", code="admin.signature") from None


def _request(value: Mapping[str, object]) -> Request:
    match value:
        case {
            "v": 1,
            "dao": str(dao),
            "chain": int(chain),
            "release": str(release),
            "act": str(act),
            "name": str(name),
            "value": str(sent),
            "why": str(why),
            "nonce": int(nonce),
            "expiry": int(expiry),
        } if not any(isinstance(number, bool) for number in (value["v"], chain, nonce, expiry)):
            pass
        case _:
            raise BadRequest("a field is missing or of the wrong kind")
    if not is_checksum_address(dao) or not all(0 <= each <= LAST_NUMBER for each in (chain, nonce, expiry)):
        raise BadRequest("not an address with its checksum, or a number out of range")
    if act not in list(Act):
        raise BadRequest("there is no such act", act=act[:40], acts=[each.value for each in Act])
    if not _NAME.match(name) or len(sent) > MAX_VALUE or hidden(sent):
        raise BadRequest("not a name, or a value that is too long or cannot be seen", name=name[:60])
    check_why(why)
    return Request(
        dao=Address(dao),
        chain_id=chain,
        release=_cid(release),
        act=Act(act),
        name=name,
        value=sent,
        why=why,
        nonce=nonce,
        expiry=expiry,
    )


def check_why(why: str) -> None:
    """Refuse a reason that is empty, too long, or not all to be seen.

    Raises:
        BadRequest: admin.why.
    """
    if not why.strip() or len(why) > MAX_WHY or hidden(why):
        raise BadRequest(
            "say why, in 1 to 500 characters that can be seen",
            code="admin.why",
            hint="It is public for ever: name no person.",
        )


def hidden(text: str) -> bool:
    """Whether some of these characters cannot be seen, or turn what a reader sees."""
    return any(unicodedata.category(each) in _UNSEEN for each in text)


def _cid(text: str) -> Cid:
    try:
        return Cid.parse(text)
    except BadCid:
        raise BadRequest("not the CID of a release", release=text[:80]) from None


def _signature(value: Mapping[str, object]) -> bytes:
    text = value.get("signature")
    if not isinstance(text, str) or not _SIGNATURE.match(text):
        raise NotAdministrator("not a signature of 65 bytes in lower-case hex", code="admin.signature")
    return bytes.fromhex(text.removeprefix("0x"))
