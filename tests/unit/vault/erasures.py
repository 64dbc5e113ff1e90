"""Asking for erasures and carrying them out, for the tests of what goes and of what is left."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from keeping import NOW, Vault

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import receipt
from cyberprivacy.vault.erasing import Scope, ask
from cyberprivacy.vault.erasure import Erasure
from cyberprivacy.vault.receipt import KeySigner

SIGNER = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        call(*arguments, **named)  # type: ignore[operator]
    return refusal.value.code


def asked(vault: Vault, subject: bytes, scope: Scope) -> bytes:
    with vault.database.transaction() as connection:
        return ask(connection, subject, scope, now=NOW)


def erasure(vault: Vault) -> Erasure:
    return Erasure(vault.database, vault.ring, SIGNER, clock=lambda: NOW + 5)


def erased(vault: Vault, subject: bytes, scope: Scope) -> dict[str, object]:
    asked(vault, subject, scope)
    (job,) = erasure(vault).run()
    assert job.receipt is not None
    return receipt.check(job.receipt, SIGNER.public)


def totals(vault: Vault, owner: bytes) -> list[int]:
    return sorted(json.loads(each.body)["total"] for each in vault.all(owner))
