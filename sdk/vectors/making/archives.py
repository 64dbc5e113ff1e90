"""Archives: whole ones, and such in which one thing is not what the manifest says."""

import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cyberprivacy import canonical
from cyberprivacy.ledger.merkle import Tree
from cyberprivacy.vault.archive import line
from cyberprivacy.vault.receipt import KeySigner
from making.layout import Case, Group, Json
from making.people import NETWORK, NOW, Person, secret

VAULT: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("the vault of archives")))
ORDER: Final = "org.example.shop.order.v1"
FOLDER: Final = "apps/0-shop"
PICTURE: Final = b"a picture"
Members = dict[str, bytes]


def _packed(data: bytes) -> bytes:
    """A gzip file that packs nothing, so that every library makes the same. Source: RFC 1951 3.2.4, RFC 1952."""
    head = bytes.fromhex("1f8b08000000000000ff")
    stored = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    return head + stored + struct.pack("<II", zlib.crc32(data), len(data))


def _lines(*bodies: bytes) -> bytes:
    return b"".join(
        line(
            id_=(bytes([number]) * 16).hex(),
            type_=ORDER,
            rev=1,
            created=NOW,
            changed=NOW + number,
            original=body,
        )
        for number, body in enumerate(bodies, 1)
    )


def _members() -> Members:
    log = b"".join(each.encode() + b"\n" for each in Person().begin("anna").log)
    records = _lines(b'{"total":1}', b'{ "total" :\n2.50 }')
    return {
        "kel.jsonl": log,
        f"schemas/{ORDER}.json": b'{"properties":{"total":{"type":"number"}},"type":"object"}',
        f"{FOLDER}/records/{ORDER}/000000.jsonl.gz": _packed(records),
        f"{FOLDER}/blobs/{sha256(PICTURE).hexdigest()}": PICTURE,
        "README.html": b"<!doctype html><title>All of it</title>",
    }


@dataclass(kw_only=True)
class Bundle:
    """An archive in the making.

    Attributes:
        members: what is in it.
        says: fields of the manifest that are other than they should be.
        document, signature: in place of what follows from the rest.
        packs: how members are stored.
        twice: names that stand a second time, with another content.
    """

    members: Members = field(default_factory=_members)
    listed: list[dict[str, object]] | None = None
    says: Mapping[str, object] = field(default_factory=dict)
    document: bytes | None = None
    signature: bytes | None = None
    packs: int = zipfile.ZIP_STORED
    twice: Members = field(default_factory=dict)

    def manifest(self) -> bytes:
        """What it says of itself."""
        if self.document is not None:
            return self.document
        listed = self.listed if self.listed is not None else _listed(_members())
        tree = Tree()
        for each in listed:
            tree.add(canonical.encode(each))
        owner = {"owner": secret("owner").hex(), "seq": 2, "records": 2}
        said = {
            "format": "udi-export/1",
            "network": NETWORK,
            "site": "https://shop.example",
            "made": NOW,
            "account": secret("account").hex(),
            "apps": [{"app": "shop", "folder": FOLDER, **owner}],
            "members": listed,
            "root": tree.root().hex(),
        }
        return canonical.encode({**said, **self.says})

    def signed(self) -> bytes:
        """Its signature, as it stands beside it."""
        if self.signature is not None:
            return self.signature
        made = VAULT.sign(b"udi/1 export\0" + self.manifest()).hex()
        return canonical.encode({"key": VAULT.public.hex(), "signature": made})

    def zipped(self) -> bytes:
        """All of it as one file."""
        file = io.BytesIO()
        said = {"manifest.json": self.manifest(), "manifest.sig.json": self.signed()}
        with warnings.catch_warnings(), zipfile.ZipFile(file, "w", self.packs) as made:
            warnings.simplefilter("ignore", UserWarning)  # a name that stands twice, which is what some are about
            for name, data in [*self.members.items(), *said.items(), *self.twice.items()]:
                made.writestr(_info(name), data, self.packs, compresslevel=0)
        return file.getvalue()

    def given(self) -> Json:
        """What goes in, and what whoever makes it again has to come to."""
        return {
            "archive": self.zipped().hex(),
            "manifest": self.manifest().decode(),
            "signature": self.signed().decode(),
        }


def _info(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _listed(members: Members) -> list[dict[str, object]]:
    return [
        {"name": name, "size": len(data), "sha256": sha256(data).hexdigest()} for name, data in members.items()
    ]


def _with(**changes: bytes) -> Members:
    """The members, those whose names end so changed."""
    found = _members()
    return {name: next((new for end, new in changes.items() if end in name), data) for name, data in found.items()}


def groups() -> list[Group]:
    """Archives that can be used, and those of which nothing can."""
    shop: Json = {"records": ["01" * 16, "02" * 16], "blobs": [sha256(PICTURE).hexdigest()]}
    empty = Bundle(members={}, listed=[], says={"apps": []})
    more = _members() | {f"{FOLDER}/records/{ORDER}/000001.jsonl.gz": _packed(b"")}
    good = [
        Case("archive: a whole one", Bundle().given(), {"apps": {"shop": shop}}),
        Case("archive: nothing is in it", empty.given(), {"apps": {}}),
        Case(
            "archive: a member without a line",
            Bundle(members=more, listed=_listed(more)).given(),
            {"apps": {"shop": shop}},
        ),
    ]
    bad = [Case(f"archive: {what}", {"archive": data.hex()}, code=code) for what, code, data in _bad()]
    shared: Json = {"key": VAULT.public.hex(), "secret": secret("the vault of archives").hex()}
    return [Group("Archive", shared, [*good, *bad])]


def _bad() -> list[tuple[str, str, bytes]]:
    whole, names = Bundle(), list(_members())
    value = json.loads(whole.manifest())
    forms: list[tuple[str, str, Bundle]] = [
        ("a member has other bytes", "archive.member", Bundle(members=_with(README=b"<!doctype html>"))),
        ("a blob has other bytes of the same number", "archive.member", Bundle(members=_with(blobs=b"a pixture"))),
        ("a member is missing", "archive.member", Bundle(members=_without(names[1]))),
        ("a member is not named", "archive.member", Bundle(members=_members() | {"virus.html": b"x"})),
        ("a name stands twice in the file", "archive.member", Bundle(twice={"README.html": b"other"})),
        ("a name stands twice in the manifest", "archive.member", Bundle(listed=_listed(_members()) * 2)),
        ("the manifest stands twice", "archive.member", Bundle(twice={"manifest.json": b"{}"})),
        ("another key signed", "archive.signature", Bundle(signature=_signature(whole, "another vault"))),
        (
            "another tag is signed",
            "archive.signature",
            Bundle(signature=_signature(whole, tag=b"udi/1 receipt\0")),
        ),
        ("nothing is signed", "archive.signature", Bundle(signature=_said("00" * 64))),
        ("a signature is cut", "archive.form", Bundle(signature=_said("00"))),
        ("a signature in capitals", "archive.form", Bundle(signature=_said("AB" * 64))),
        (
            "something beside the signature",
            "archive.form",
            Bundle(signature=_said("00" * 64, more=1)),
        ),
        ("the signature is no JSON", "json.form", Bundle(signature=b"{")),
        ("another format", "archive.form", Bundle(says={"format": "udi-export/2"})),
        ("another root", "archive.form", Bundle(says={"root": "00" * 32})),
        ("members that are no list", "archive.form", Bundle(says={"members": {}})),
        ("applications that are no list", "archive.form", Bundle(says={"apps": {}})),
        ("an application that is a text", "archive.form", Bundle(says={"apps": ["shop"]})),
        ("a name that leads out", "archive.form", _named("../README.html")),
        ("a name from the top", "archive.form", _named("/README.html")),
        ("a member of a negative size", "archive.form", _one(size=-1)),
        ("a member with a field more", "archive.form", _one(more=1)),
        ("a manifest with a blank", "json.form", Bundle(document=whole.manifest() + b" ")),
        ("a manifest that is a list", "archive.form", Bundle(document=canonical.encode([value]))),
        ("members are packed", "archive.form", Bundle(packs=zipfile.ZIP_DEFLATED)),
        ("records that are not packed", "archive.form", _records(lambda data: data)),
        ("records that are cut", "archive.form", _records(lambda data: _packed(data)[:-9])),
        ("something after the records", "archive.form", _records(lambda data: _packed(data) + b"x")),
        ("a last line without its end", "archive.form", _records(lambda data: _packed(data[:-1]))),
        ("a line with a blank", "archive.form", _records(lambda data: _packed(b"{ " + data[1:]))),
        ("a body that is text for no reason", "archive.form", _records(lambda _: _packed(_as_text()))),
        ("a line that is no record", "archive.form", _records(lambda _: _packed(b"{}\n"))),
        (
            "a line with a field more",
            "archive.form",
            _records(lambda data: _packed(data.replace(b'{"id"', b'{"a":1,"id"', 1))),
        ),
    ]
    plain = whole.zipped()
    cut = [
        ("no archive", "archive.form", b"PK"),
        ("nothing", "archive.form", b""),
        ("the end is missing", "archive.form", plain[:-22]),
        ("no manifest", "archive.member", _renamed(plain, "manifest.json", "manifest.jso_")),
        ("no signature", "archive.member", _renamed(plain, "manifest.sig.json", "manifest.sig.jso_")),
    ]
    return [*((what, code, each.zipped()) for what, code, each in forms), *cut]


def _as_text() -> bytes:
    return _lines(b'{"total":1}').replace(b'"body":{"total":1}', b'"text":"{\\"total\\":1}"')


def _without(name: str) -> Members:
    return {each: data for each, data in _members().items() if each != name}


def _said(signature: str, **more: object) -> bytes:
    return canonical.encode({"key": VAULT.public.hex(), "signature": signature, **more})


def _signature(whole: Bundle, who: str = "the vault of archives", tag: bytes = b"udi/1 export\0") -> bytes:
    signer = KeySigner(Ed25519PrivateKey.from_private_bytes(secret(who)))
    return _said(signer.sign(tag + whole.manifest()).hex())


def _one(**changes: Any) -> Bundle:
    listed = _listed(_members())
    return Bundle(listed=[{**listed[0], **changes}, *listed[1:]])


def _named(name: str) -> Bundle:
    members = {name if each == "README.html" else each: data for each, data in _members().items()}
    return Bundle(members=members, listed=_listed(members))


def _records(change: Callable[[bytes], bytes]) -> Bundle:
    """With a good checksum, as a vault might make it that does not keep to the specification."""
    changed = change(_lines(b'{"total":1}'))
    members = {name: changed if "/records/" in name else data for name, data in _members().items()}
    return Bundle(members=members, listed=_listed(members))


def _renamed(data: bytes, old: str, new: str) -> bytes:
    return data.replace(old.encode(), new.encode())
