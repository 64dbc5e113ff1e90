"""A world in which everything is right, with one thing bent."""

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import fingerprint, split
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.facts import Lap
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.statement import SEAL, Attestation
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.testing.attested import (
    ACCOUNT,
    DAY,
    EVENTS,
    NOW,
    World,
    approved,
)
from cyberprivacy.testing.papertpm import PaperTpm

OTHER = Cid(DAG_PB, sha256(b"another bundle").digest())
STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


def tpm(world: World) -> PaperTpm:
    assert isinstance(world.attester, PaperTpm)
    return world.attester


def changed(attestation: Attestation, **changes: Any) -> bytes:
    """The attestation with fields replaced, signed by nobody anew."""
    fields = {f.name: getattr(attestation, f.name) for f in dataclasses.fields(attestation)}
    return Attestation(**{**fields, **changes}, seal=SEAL).encode()


def said(world: World, key: NodeKey | None = None, **changes: Any) -> World:
    """The world's node states something else, and signs it."""
    made = world.attest()
    statement = replace(made.statement, **changes)
    signature = (key or world.key).sign(statement.signed_bytes())
    return world.bend(proof=changed(made, statement=statement, signature=signature))


def evidence(world: World, **fields: bytes) -> World:
    made = world.attest()
    return world.bend(
        proof=changed(made, evidence=Evidence(made.evidence.kind, {**made.evidence.fields, **fields}))
    )


def another_kind(world: World) -> World:
    made = world.attest()
    return world.bend(proof=changed(made, evidence=Evidence("abacus", made.evidence.fields)))


def old_evidence(world: World) -> World:
    """A fresh statement beside the evidence of yesterday's challenge."""
    old = world.bend(nonce=bytes(32)).attest()
    return world.bend(proof=changed(world.attest(), bound=old.bound, evidence=old.evidence))


def node_facts(world: World, **changes: Any) -> World:
    return world.chain(nodes={ACCOUNT: replace(world.facts.nodes[ACCOUNT], **changes)})


def one_byte_of_the_software_changed(world: World) -> World:
    code = bytearray(EVENTS[0].digest)
    code[0] ^= 1
    events = (replace(EVENTS[0], digest=bytes(code)), *EVENTS[1:])
    return world.bend(attester=replace(tpm(world), events=events))


def bent_log(world: World) -> World:
    log = world.attest().evidence.fields["log"]
    return evidence(world, log=log.replace(b'"pcr":10', b'"pcr":11', 1))


def read_at(world: World, block: FinalBlock, *, said: FinalBlock | None = None) -> World:
    """The chain has this block, and the node says that it has read it, as it is or as the node makes it up."""
    return world.chain(blocks={block.number: block}).bend(release=approved(block=said or block))


def emergency(world: World) -> World:
    """The release is live by the emergency lane; the vote that may ratify it has begun."""
    lap = Lap("emergency", 9, 9)
    return world.listed(emergency=True, expires=NOW + DAY, executed=False, laps=(lap,))


def expired_certificate(world: World) -> World:
    made = world.root.certify(tpm(world).public, now=datetime.fromtimestamp(NOW - 200 * DAY, UTC))
    return world.bend(attester=replace(tpm(world), certificates=made))


def vendor(world: World, *, purpose: str = "2.23.133.8.3") -> World:
    """The same TPM under a root that looks like a vendor's: it has no development mark."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)])
    made = b""
    for subject, public, ca in (("TPM", tpm(world).public.key, False), ("vendor", key.public_key(), True)):
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, "vendor")]
        builder = x509.CertificateBuilder(names[1], names[0], public, x509.random_serial_number())
        builder = builder.not_valid_before(datetime.fromtimestamp(NOW - DAY, UTC))
        builder = builder.not_valid_after(datetime.fromtimestamp(NOW + DAY, UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        made += builder.add_extension(usage, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return world.bend(attester=replace(tpm(world), certificates=made))


def pinned(world: World) -> World:
    """The same world, whose user trusts the root that the evidence comes with."""
    (_, root) = split(tpm(world).certificates)
    name = fingerprint(x509.load_der_x509_certificate(root))
    return world.bend(policy=Policy(roots={name: Level.CONFIDENTIAL_VM}, least=Level.MEASURED_BOOT))


def another_role(world: World) -> World:
    made = world.attest()
    bound = replace(made.bound, role="auditor")
    return world.bend(proof=changed(made, bound=bound, evidence=world.attester.quote(bound.digest())))


def other_identity(world: World) -> TlsIdentity:
    return TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=world.now)


def other_tpm_key(world: World) -> World:
    return world.bend(attester=replace(PaperTpm(events=EVENTS), certificates=tpm(world).certificates))
