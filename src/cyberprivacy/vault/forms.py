"""The documents that people sign, as EIP-712 types. A wallet shows them field by field.

Source: docs/spec/udi-1.md, "Signed documents". The domain has neither chain nor contract: what a person allows is
no transaction, and wallets refuse a chain other than the one that was last chosen. Its salt names the network.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cyberprivacy.errors import Misuse
from cyberprivacy.typed_data import Schema

STRUCTS: Final = {
    "KeyEvent": (
        *(("account", "bytes32"), ("seq", "uint64"), ("prior", "bytes32")),
        *(("kind", "string"), ("body", "string"), ("at", "uint64")),
    ),
    "SignIn": (("uri", "string"), ("statement", "string"), ("nonce", "string")),
    "Party": (("app", "string"), ("cluster", "bytes32"), ("policy", "bytes32"), ("account", "bytes32")),
    "Scope": (("dataType", "string"), ("actions", "string[]"), ("selector", "string"), ("schema", "bytes32")),
    "Grant": (
        *(("id", "bytes16"), ("subject", "bytes32"), ("kelSeq", "uint64")),
        *(("source", "Party"), ("recipient", "Party"), ("scopes", "Scope[]")),
        *(("purpose", "string"), ("mode", "uint8"), ("maxUses", "uint32")),
        *(("notBefore", "uint64"), ("expires", "uint64"), ("retention", "uint64")),
        *(("onward", "uint8"), ("textHash", "bytes32"), ("nonce", "bytes32")),
    ),
    "Revoke": (
        *(("grant", "bytes16"), ("subject", "bytes32"), ("kelSeq", "uint64")),
        *(("at", "uint64"), ("erase", "uint8"), ("nonce", "bytes32")),
    ),
}

_NETWORK: Final = re.compile(r"[a-z0-9][a-z0-9.:-]{0,63}\Z")


@lru_cache(maxsize=16)
def schema(network: str) -> Schema:
    """The types in the domain of a network, such as "cyberprivacy:main".

    Raises:
        Misuse: not a name of a network ("network.form").
    """
    if not _NETWORK.match(network):
        raise Misuse("not a name of a network", code="network.form", network=network[:80])
    salt = sha256(f"udi/1|{network}".encode()).digest()
    return Schema({"name": "CyberPrivacy UDI", "version": "1", "salt": salt}, STRUCTS)
