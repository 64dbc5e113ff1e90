"""What an application sees instead of an account: an id of its own, which no other application can join with it.

Source: docs/spec/udi-1.md, "Pairwise ids".
"""

import hmac
from hashlib import sha256


def pairwise(secret: bytes, app: str) -> bytes:
    """The id, 32 bytes, under which an application knows an account whose secret has 32 bytes."""
    if len(secret) != 32:
        raise ValueError(f"a secret of {len(secret)} bytes; 32 are needed")
    return hmac.new(secret, b"udi/1 app\0" + app.encode(), sha256).digest()
