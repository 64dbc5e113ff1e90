"""A source of transfers, as its recipient reaches it: bounded in size and time, and believed in nothing.

Manifests, chunks and receipts are judged by whoever asked for them (`receiving`). Source: docs/spec/udi-1.md,
"Transfer".
"""

import time
from typing import Any, Final, Self

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.key import Kind
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.proven import Peer
from cyberprivacy.vault.recipient import ReleasePolicy, check_party
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.transfer import manifest, receipt
from cyberprivacy.vault.transfer.arrivals import Arrival
from cyberprivacy.vault.transfer.envelope import OVERHEAD
from cyberprivacy.vault.transfer.parcel import MAX_CHUNK
from cyberprivacy.vault.vaultkey import VaultKey

DEADLINE: Final = 120.0
"""Seconds for one whole answer, however steadily it drips."""


class OtherSource(Untrusted):
    """What answers at the address is not the source that the person named."""

    code = "transfer.source"
    hint = "Nothing was taken. Order it again, with the address and the key that the source has now."


class Counterpart:
    """The source of one transfer. `key` signs requests; the source knows its public half."""

    def __init__(self, arrival: Arrival, key: VaultKey, sharing: Sharing, site: Site) -> None:
        """Of an order that came to the application that shares at `site`."""
        self._arrival, self._key, self._sharing, self._site = arrival, key, sharing, site
        self._vault = Connection(arrival.source)
        self._path = f"/udi/v1/grants/{arrival.grant.id.hex()}/transfers/{arrival.id.hex()}"

    def check(self) -> None:
        """Refuse another application, cluster, policy or key than the person's grant and order name.

        Raises:
            OtherSource: it is another. VaultSilent: no answer.
            NotTheRecipient: it does not prove what its policy promises ("recipient.*"). RecipientSilent: not now.
        """
        wanted = self._arrival.grant.source
        match self._vault.ask("GET", "/udi/v1/party"):
            case {"app": str(app), "cluster": str(cluster), "policy": dict(policy), "holder": str(holder)}:
                said = ReleasePolicy.decode(canonical.encode(policy))
                found: tuple[object, ...] = (app, cluster, said.digest, holder)
            case _:
                raise OtherSource("no application that shares", source=self._arrival.source)
        named = f"{Kind.DEVICE.value}:{self._arrival.holder.hex()}"
        if found != (wanted.app, wanted.cluster.hex(), wanted.policy, named):
            raise OtherSource("another source than the one that was named", source=self._arrival.source)
        peer, recipients = Peer(said, self._arrival.holder, self._arrival.source), self._sharing.recipients
        recipients.meet(peer)  # evidence is mutual: whoever is taken from proves itself as whoever takes does
        check_party(wanted, recipients.presented(peer, wanted))

    def register(self) -> None:
        """Hand the grant in there, with this side's policy and key; again changes nothing."""
        signed: Any = SignedGrant.decode(self._arrival.document).as_json()
        policy: Any = canonical.decode(self._sharing.own.policy.encode())
        holder = f"{Kind.DEVICE.value}:{self._key.public.hex()}"
        body = {"signed": signed, "policy": policy, "holder": holder, "site": self._site.uri}
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
        headers = signedrequest.sign(method, authority, path, key=self._key, now=self._sharing.clock(), body=body)
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
