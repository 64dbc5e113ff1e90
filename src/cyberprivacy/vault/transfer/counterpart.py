"""A source of transfers, as its recipient reaches it: bounded in size and time, and believed in nothing.

Manifests, chunks and receipts are judged by whoever asked for them (`receiving`). Source: docs/spec/udi-1.md,
"Transfer".
"""

import time
from collections.abc import Callable
from typing import Any, Final, Self

from cyberprivacy import canonical
from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.key import Kind
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.sourcekeys import OtherSource, Pin, settings
from cyberprivacy.vault.transfer import manifest, receipt
from cyberprivacy.vault.transfer.arrivals import Arrival
from cyberprivacy.vault.transfer.envelope import OVERHEAD
from cyberprivacy.vault.transfer.parcel import MAX_CHUNK
from cyberprivacy.vault.vaultkey import VaultKey

DEADLINE: Final = 120.0
"""Seconds for one whole answer, however steadily it drips."""


class Counterpart:
    """The source of one transfer, at the TLS key `pin`. `key` signs requests; the source knows its public half."""

    def __init__(
        self, arrival: Arrival, key: VaultKey, own: Own, clock: Callable[[], float], *, pin: Pin | None
    ) -> None:
        self._arrival, self._key, self._own, self._clock = arrival, key, own, clock
        self._vault = Connection(arrival.source, tls=settings(pin))
        self._path = f"/udi/v1/grants/{arrival.grant.id.hex()}/transfers/{arrival.id.hex()}"

    def check(self) -> None:
        """Refuse another application, cluster, policy or key than grant and order name.

        Raises:
            OtherSource: it is another. VaultSilent: no answer.
        """
        wanted = self._arrival.grant.source
        match self._vault.ask("GET", "/udi/v1/party"):
            case {"app": str(app), "cluster": str(cluster), "policy": dict(policy), "holder": str(holder)}:
                shown = ReleasePolicy.decode(canonical.encode(policy))
            case _:
                raise VaultSilent("the source does not say what it is", code="vault.answer")
        named = f"{Kind.DEVICE.value}:{self._arrival.holder.hex()}"
        if (app, cluster, shown.digest, holder) != (wanted.app, wanted.cluster.hex(), wanted.policy, named):
            raise OtherSource("another source than the one that was named", source=self._arrival.source)

    def register(self, site: Site) -> None:
        """Hand the grant in there, with this side's policy, key and site; again changes nothing."""
        signed: Any = SignedGrant.decode(self._arrival.document).as_json()
        policy: Any = canonical.decode(self._own.policy.encode())
        holder = f"{Kind.DEVICE.value}:{self._key.public.hex()}"
        body = {"signed": signed, "policy": policy, "holder": holder, "site": site.uri}
        self._vault.ask("POST", "/udi/v1/grants", octets=canonical.encode(body))

    def open(self, opener: bytes) -> bytes:
        """The signed manifest, sealed to an X25519 key (32 bytes)."""
        body = canonical.encode({"key": opener.hex(), "signer": self._key.public.hex()})
        return self._call("PUT", "", body, limit=manifest.LIMIT)

    def chunk(self, n: int) -> bytes:
        """A sealed chunk."""
        return self._call("GET", f"/chunks/{n}", None, limit=MAX_CHUNK + OVERHEAD)

    def receipt(self, signed: bytes) -> bytes:
        """A receipt with the source's signature."""
        return self._call("PUT", "/receipt", signed, limit=receipt.LIMIT)

    def _call(self, method: str, rest: str, body: bytes | None, *, limit: int) -> bytes:
        """What the source answers to a signed request.

        Raises:
            CyberPrivacyError: what it refuses. VaultSilent: it does not answer, or not in time or size.
        """
        path, authority = self._path + rest, self._vault.site.domain
        headers = signedrequest.sign(method, authority, path, key=self._key, now=self._clock(), body=body)
        ends, received = time.monotonic() + DEADLINE, bytearray()
        with self._vault.stream(method, path, octets=body, headers=headers) as answer:
            for part in answer.iter_raw():
                received += part
                if len(received) > limit or time.monotonic() > ends:
                    raise VaultSilent("the answer is too large or too slow", code="vault.answer", limit=limit)
        return bytes(received)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._vault.close()
