"""How our code answers the questions of the shared vectors; the TypeScript SDK answers the same."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from making.scenes import shown

from cyberprivacy import canonical
from cyberprivacy.bundle.datatype import BLOB
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.proofs import check_consistency, check_inclusion
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import (
    consent,
    described,
    forms,
    numberform,
    passkey,
    sealing,
    servicetoken,
    signedrequest,
    signin,
)
from cyberprivacy.vault import receipt as erased
from cyberprivacy.vault.archive import BadArchive
from cyberprivacy.vault.archivefile import Archive
from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keyevent import Signed
from cyberprivacy.vault.keylog import accept, replay
from cyberprivacy.vault.pairwise import pairwise
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.sealing import Place
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.transfer.blobparts import BlobPart
from cyberprivacy.vault.transfer.envelope import unseal
from cyberprivacy.vault.transfer.manifest import Manifest, first_head, next_head
from cyberprivacy.vault.transfer.parcel import unpack
from cyberprivacy.vault.transfer.receipt import SignedReceipt

Given = Mapping[str, Any]


def answer(kind: str, group: Given, test: Given) -> dict[str, object]:
    """What comes out, or the code of the refusal."""
    try:
        return {"code": "", "found": JUDGES[kind](group, test)}
    except CyberPrivacyError as error:
        return {"code": error.code}


def value_of(tagged: Mapping[str, Any]) -> object:
    """A value of typed data from its tagged form."""
    ((kind, value),) = tagged.items()
    match kind:
        case "int":
            return int(value)
        case "bytes":
            return bytes.fromhex(value)
        case "list":
            return [value_of(each) for each in value]
        case "struct":
            return {name: value_of(each) for name, each in value.items()}
    return value


def _jcs_write(_group: Given, test: Given) -> dict[str, object]:
    return {"canonical": canonical.encode(test["value"]).decode()}


def _jcs_read(_group: Given, test: Given) -> dict[str, object]:
    canonical.decode(bytes.fromhex(test["bytes"]), limit=test["limit"])
    return {}


def _digest(group: Given, test: Given) -> dict[str, object]:
    domain = {name: value_of(value) for name, value in group["domain"].items()}
    structs = {
        name: tuple((each["name"], each["type"]) for each in fields) for name, fields in group["types"].items()
    }
    value = value_of(test["value"])
    assert isinstance(value, dict)
    return {"digest": Schema(domain, structs).digest(group["primaryType"], value).hex()}


def _network(_group: Given, test: Given) -> dict[str, object]:
    salt = forms.schema(test["network"]).domain["salt"]
    assert isinstance(salt, bytes)
    return {"salt": salt.hex()}


def _key(_group: Given, test: Given) -> dict[str, object]:
    Key.parse(test["key"])
    return {}


def _signature(group: Given, test: Given) -> dict[str, object]:
    place = passkey.Place(group["rpId"], frozenset(group["origins"])) if group.get("rpId") else None
    Judge(place).check(Key.parse(group["key"]), bytes.fromhex(test["digest"]), bytes.fromhex(test["signature"]))
    return {}


def _siwe_parse(_group: Given, test: Given) -> dict[str, object]:
    said = asdict(signin.parse(test["message"].encode()))
    resources = said["resources"]
    return {**said, "chain": str(said["chain"]), "resources": None if resources is None else list(resources)}


def _siwe_verify(group: Given, test: Given) -> dict[str, object]:
    expected = signin.Expected(**{**group["expected"], "chain": int(group["expected"]["chain"])})
    signin.check(test["message"].encode(), bytes.fromhex(test["signature"]), expected, now=test["now"])
    return {}


def _key_events(group: Given, test: Given) -> dict[str, object]:
    schema, judge = forms.schema(group["network"]), Judge()
    log = [Signed.decode(each.encode()) for each in group["log"]]
    then = [Signed.decode(each.encode()) for each in test["then"]]
    if test["clock"] is None:
        return shown(replay([*log, *then], judge, schema)[-1])
    state = replay(log, judge, schema)[-1] if log else None
    for each in then:
        state = accept(state, each, judge, schema, now=test["clock"])
    assert state is not None
    return shown(state)


def _selector(_group: Given, test: Given) -> dict[str, object]:
    Selector.parse(test["selector"])
    return {}


def _selects(_group: Given, test: Given) -> dict[str, object]:
    return {"selects": Selector.parse(test["selector"]).matches(test["record"], test["changed"])}


def _selector_within(_group: Given, test: Given) -> dict[str, object]:
    return {"within": Selector.parse(test["one"]).within(Selector.parse(test["other"]))}


def _grant(group: Given, test: Given) -> dict[str, object]:
    signed = SignedGrant.decode(test["document"].encode())
    assert signed.encode() == test["document"].encode()
    return {"digest": signed.grant.digest(forms.schema(group["network"])).hex()}


def _revoke(group: Given, test: Given) -> dict[str, object]:
    signed = SignedRevoke.decode(test["document"].encode())
    assert signed.encode() == test["document"].encode()
    return {"digest": signed.revoke.digest(forms.schema(group["network"])).hex()}


def _release_policy(_group: Given, test: Given) -> dict[str, object]:
    return {"hash": ReleasePolicy.decode(test["document"].encode()).digest.hex()}


def _consent(group: Given, test: Given) -> dict[str, object]:
    types = {
        name: described.Described(
            name,
            bytes.fromhex(each["schema"]),
            each["titles"],
            tuple(described.Field(field["titles"], field["sensitive"]) for field in each["fields"]),
        )
        for name, each in group["types"].items()
    }
    policy = ReleasePolicy.decode(test["policy"].encode())
    shown = consent.text(Grant.read(test["grant"]), policy, types, test["language"])
    return {"text": shown, "hash": consent.text_hash(shown).hex()}


def _record(_group: Given, test: Given) -> dict[str, object]:
    place = Place(bytes.fromhex(test["owner"]), bytes.fromhex(test["id"]), test["type"], test["rev"])
    key = sealing.unwrap(AESGCM(bytes.fromhex(test["userKey"])), bytes.fromhex(test["wrapped"]))
    return {"key": key.hex(), "body": sealing.decrypt(AESGCM(key), place, bytes.fromhex(test["sealed"])).hex()}


def _chunk(group: Given, test: Given) -> dict[str, object]:
    payload = bytes.fromhex(test["payload"])
    records = [item.id.hex() for item in unpack(payload)]
    return {"records": records, "head": next_head(first_head(bytes.fromhex(group["transfer"])), payload).hex()}


def _blob_part(_group: Given, test: Given) -> dict[str, object]:
    (item,) = unpack(bytes.fromhex(test["payload"]))
    assert item.data_type == BLOB
    part = BlobPart.of(item)
    return {"digest": part.digest.hex(), "size": part.size, "n": part.n, "content": part.content.hex()}


def _manifest(group: Given, test: Given) -> dict[str, object]:
    made = Manifest.decode(test["document"].encode(), bytes.fromhex(group["source"]))
    return {"root": made.root.hex(), "count": made.count}


def _receipt(group: Given, test: Given) -> dict[str, object]:
    made = SignedReceipt.decode(test["document"].encode())
    source = bytes.fromhex(group["source"]) if test["countersigned"] else None
    made.check(bytes.fromhex(group["recipient"]), source)
    return {"leaf": made.leaf.hex(), "rejected": len(made.receipt.rejected)}


def _erasure(group: Given, test: Given) -> dict[str, object]:
    erased.check(test["document"].encode(), bytes.fromhex(group["key"]))
    return {}


def _envelope(group: Given, test: Given) -> dict[str, object]:
    key, transfer = X25519PrivateKey.from_private_bytes(bytes.fromhex(group["secret"])), group["transfer"]
    payload = unseal(bytes.fromhex(test["sealed"]), key, transfer=bytes.fromhex(transfer), n=test["n"])
    return {"payload": payload.hex()}


def _service_token(group: Given, test: Given) -> dict[str, object]:
    issuer, holder = bytes.fromhex(group["issuer"]), bytes.fromhex(test["holder"])
    grant = Grant.read(group["grant"])
    token = servicetoken.check(test["document"].encode(), grant, issuer=issuer, holder=holder, now=test["now"])
    return {"scopes": len(token.scopes), "until": token.until}


def _signed_request(_group: Given, test: Given) -> dict[str, object]:
    about = test["method"], test["authority"], test["path"]
    body = None if test["body"] is None else bytes.fromhex(test["body"])
    return {"key": signedrequest.check(*about, test["headers"], now=test["now"], body=body).hex()}


def _number(_group: Given, test: Given) -> dict[str, object]:
    return {"bytes": len(numberform.octets(test["text"]))}


def _archive(group: Given, test: Given) -> dict[str, object]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "export.udi.zip"
        file.write_bytes(bytes.fromhex(test["archive"]))
        with Archive.open(file) as opened:
            if opened.signer.hex() != group["key"]:
                raise BadArchive("another vault's", code="archive.signature")
            opened.check()
            apps = {
                app: {"records": [each.id for each in opened.records(app)], "blobs": sorted(opened.blobs(app))}
                for app in opened.apps
            }
    return {"apps": apps}


def _pairwise(_group: Given, test: Given) -> dict[str, object]:
    return {"id": pairwise(bytes.fromhex(test["secret"]), test["app"]).hex()}


def _inclusion(_group: Given, test: Given) -> dict[str, object]:
    proof = [bytes.fromhex(each) for each in test["proof"]]
    leaf, root = bytes.fromhex(test["leaf"]), bytes.fromhex(test["root"])
    check_inclusion(leaf=leaf, index=test["index"], size=test["size"], proof=proof, root=root)
    return {}


def _consistency(_group: Given, test: Given) -> dict[str, object]:
    roots = {"old_root": bytes.fromhex(test["oldRoot"]), "new_root": bytes.fromhex(test["newRoot"])}
    proof = [bytes.fromhex(each) for each in test["proof"]]
    check_consistency(old=test["old"], new=test["new"], proof=proof, **roots)
    return {}


JUDGES: Mapping[str, Callable[[Given, Given], dict[str, object]]] = {
    "JcsWrite": _jcs_write,
    "JcsRead": _jcs_read,
    "Digest": _digest,
    "Network": _network,
    "Key": _key,
    "Eoa": _signature,
    "Device": _signature,
    "Passkey": _signature,
    "SiweParse": _siwe_parse,
    "SiweVerify": _siwe_verify,
    "KeyEvents": _key_events,
    "Selector": _selector,
    "Selects": _selects,
    "SelectorWithin": _selector_within,
    "Grant": _grant,
    "Revoke": _revoke,
    "ReleasePolicy": _release_policy,
    "Consent": _consent,
    "Record": _record,
    "Chunk": _chunk,
    "BlobPart": _blob_part,
    "Manifest": _manifest,
    "Receipt": _receipt,
    "Erasure": _erasure,
    "Envelope": _envelope,
    "ServiceToken": _service_token,
    "SignedRequest": _signed_request,
    "Number": _number,
    "Archive": _archive,
    "Pairwise": _pairwise,
    "Inclusion": _inclusion,
    "Consistency": _consistency,
}
