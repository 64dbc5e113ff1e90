"""What arrived: the recipient signs it, the source compares it with what it sent and signs too.

Both log one salted hash of it. Source: docs/spec/udi-1.md, "Receipts".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.transfer import signedform
from cyberprivacy.vault.transfer.manifest import Manifest

LIMIT: Final = 1 << 20
"""Bytes of a signed receipt."""
MAX_REJECTS: Final = 4_096
_FIELDS: Final = frozenset({"v", "transfer", "root", "count", "dup", "rejected", "head", "at"})
_REJECT: Final = frozenset({"id", "code"})
_CODE: Final = re.compile(r"[a-z0-9.-]{1,64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_SALT: Final = re.compile(r"[0-9a-f]{64}")


class BadReceipt(Untrusted):
    """Not a receipt, or one that is not true."""

    code = "receipt.form"
    hint = "Keep it: it is signed by whoever sent it. Nothing was erased."


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a recipient says that it has.

    Attributes:
        transfer: id, 16 bytes. root: of the manifest, 32 bytes.
        count: records that came to be. dup: records that were there before, unchanged.
        rejected: why a record was not taken, by its id (16 bytes).
        head: the chain over all chunks, 32 bytes.
        at: POSIX seconds.
    """

    transfer: bytes
    root: bytes
    count: int
    dup: int
    rejected: tuple[tuple[bytes, str], ...]
    head: bytes
    at: int

    @property
    def refused(self) -> frozenset[bytes]:
        """Ids of the records that were not taken."""
        return frozenset(record for record, _ in self.rejected)

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        return {
            "v": 1,
            "transfer": self.transfer.hex(),
            "root": self.root.hex(),
            "count": self.count,
            "dup": self.dup,
            "rejected": [{"id": record.hex(), "code": code} for record, code in self.rejected],
            "head": self.head.hex(),
            "at": self.at,
        }

    @classmethod
    def read(cls, value: object) -> Self:
        """A receipt from its JSON values.

        Raises:
            BadReceipt: another form; rejected records are not in order of their ids, or one stands twice.
        """
        try:
            document = Document(value, "receipt", _FIELDS)
            document.version()
            return cls(
                transfer=document.octets("transfer", size=16),
                root=document.octets("root", size=32),
                count=document.integer("count"),
                dup=document.integer("dup"),
                rejected=_rejected(document.raw("rejected")),
                head=document.octets("head", size=32),
                at=document.integer("at"),
            )
        except BadDocument as error:
            raise BadReceipt(str(error)) from None


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt, its salt (32 random bytes), the signatures of recipient and source in hex; "" = not yet."""

    receipt: Receipt
    salt: bytes
    signature: str
    countersignature: str = ""

    @classmethod
    def made(cls, receipt: Receipt, salt: bytes, signer: Signer) -> Self:
        """Signed by the recipient."""
        return cls(receipt, salt, signedform.sign(signedform.RECEIPT, _salted(receipt, salt), signer))

    def countersigned(self, signer: Signer) -> "SignedReceipt":
        """Signed by the source too."""
        by_source = signedform.sign(signedform.COUNTER, _salted(self.receipt, self.salt), signer)
        return SignedReceipt(self.receipt, self.salt, self.signature, by_source)

    def check(self, recipient: bytes, source: bytes | None) -> None:
        """Refuse unless the recipient signed, and the source too if its key is given (Ed25519, 32 bytes each).

        Raises:
            BadReceipt: "receipt.signature", "receipt.countersignature".
        """
        said = _salted(self.receipt, self.salt)
        if not signedform.signed(signedform.RECEIPT, said, self.signature, recipient):
            raise BadReceipt("not signed by the recipient", code="receipt.signature")
        if source is not None and not signedform.signed(signedform.COUNTER, said, self.countersignature, source):
            raise BadReceipt("not signed by the source", code="receipt.countersignature")

    @property
    def leaf(self) -> bytes:
        """What both ledgers keep: 32 bytes that tell nobody anything who has not the receipt."""
        return sha256(self.salt + canonical.encode(self.receipt.as_json())).digest()

    def encode(self) -> bytes:
        """The bytes in which it travels: canonical JSON."""
        counter = {"countersignature": self.countersignature} if self.countersignature else {}
        said = {**_salted(self.receipt, self.salt), "signature": self.signature, **counter}
        return canonical.encode(said)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one; `check` says who signed.

        Raises:
            BadReceipt: another form; NotCanonical: not its one spelling, or too large.
        """
        match canonical.decode(data, limit=LIMIT):
            case {"receipt": said, "salt": str(salt), "signature": str(signature), **rest} if _SALT.fullmatch(
                salt
            ) and rest.keys() <= {"countersignature"}:
                counter = rest.get("countersignature")
                if _SIGNATURE.fullmatch(signature) and (not rest or _is_signature(counter)):
                    return cls(Receipt.read(said), bytes.fromhex(salt), signature, str(counter or ""))
        raise BadReceipt("not a signed receipt")


def compare(receipt: Receipt, manifest: Manifest, head: bytes, sent: Collection[bytes]) -> None:
    """Refuse a receipt that is not true as far as the source can know.

    Args:
        receipt: what the recipient says.
        manifest: what was sent.
        head: where whoever read every chunk arrives, 32 bytes.
        sent: ids of all records.

    Raises:
        BadReceipt: of another transfer ("receipt.transfer") or manifest ("receipt.root"); not every chunk was read
            ("receipt.head"); numbers do not add up ("receipt.count"); a record was rejected that was not sent
            ("receipt.rejected").
    """
    if receipt.transfer != manifest.transfer:
        raise BadReceipt("a receipt of another transfer", code="receipt.transfer")
    if receipt.root != manifest.root:
        raise BadReceipt("a receipt of another manifest", code="receipt.root")
    if receipt.head != head:
        raise BadReceipt("not every chunk was read", code="receipt.head")
    told = receipt.count + receipt.dup + len(receipt.rejected)
    if told != manifest.count:
        raise BadReceipt("the numbers do not add up", code="receipt.count", told=told, sent=manifest.count)
    if any(record not in sent for record, _ in receipt.rejected):
        raise BadReceipt("a record was rejected that was not sent", code="receipt.rejected")


def _is_signature(value: object) -> bool:
    return isinstance(value, str) and _SIGNATURE.fullmatch(value) is not None


def _salted(receipt: Receipt, salt: bytes) -> dict[str, object]:
    return {"receipt": receipt.as_json(), "salt": salt.hex()}


def _rejected(value: object) -> tuple[tuple[bytes, str], ...]:
    if not isinstance(value, list) or len(value) > MAX_REJECTS:
        raise BadReceipt("not a list of at most 4096 records")
    documents = [Document(each, "rejected", _REJECT) for each in value]
    found = tuple((each.octets("id", size=16), each.text("code", _CODE)) for each in documents)
    ids = [record for record, _ in found]
    if ids != sorted(set(ids)):
        raise BadReceipt("rejected records are not in order, or one stands twice")
    return found
