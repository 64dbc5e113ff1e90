"""What an application sees instead of an account: an id of its own, which no other application can join with it.

Source: docs/spec/udi-1.md, "Pairwise ids".
"""

import hmac

from cyberprivacy.errors import Misuse


def pairwise(secret: bytes, app: str) -> bytes:
    """The id, 32 bytes, under which an application knows an account whose secret has 32 bytes.

    Raises:
        Misuse: the secret has another length ("pairwise.secret").
    """
    if len(secret) != 32:
        raise Misuse("a secret has 32 bytes", code="pairwise.secret", size=len(secret))
    return hmac.digest(secret, b"udi/1 app\0" + app.encode(), "sha256")
