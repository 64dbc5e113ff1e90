"""With which key a source answers: the one that its evidence has proven, where its policy promises evidence.

A node's certificate is its own, and anybody can have one of an authority for a name that leads to them. So whoever
fetches records from a source that proves what it is connects to the key that was in the evidence, and to no other;
of sources that prove nothing, authorities say who they are. Nothing is sent before the key is compared: a signed
request that somebody else gets is one that they can use.
Source: docs/spec/udi-1.md, "Proof of a source".
"""

import ssl
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from cryptography.x509 import load_der_x509_certificate

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import spki
from cyberprivacy.errors import Untrusted
from cyberprivacy.trust import anybody, public
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.grant import Party
from cyberprivacy.vault.key import Key, Kind
from cyberprivacy.vault.proven import Peer, Recipients
from cyberprivacy.vault.recipient import ReleasePolicy, check_party

PARTY: Final = "/udi/v1/party"
MOST: Final = 256
"""Sources whose policies are remembered."""


class OtherSource(Untrusted):
    """What answers at the address is not the source that the person named."""

    code = "transfer.source"
    hint = "Nothing was taken. Order it again, with the address and the key that the source has now."


@dataclass(frozen=True, slots=True)
class Pin:
    """A key that was proven.

    Attributes:
        key: SHA-256 of its SubjectPublicKeyInfo, 32 bytes.
        until: when it has to be proven anew, POSIX seconds.
    """

    key: bytes
    until: float

    def context(self) -> ssl.SSLContext:
        """TLS settings for connections to this key alone; no authority is asked."""
        key = self.key

        class PinnedObject(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                _compare(self.getpeercert(binary_form=True), key)

        class PinnedSocket(ssl.SSLSocket):
            def do_handshake(self, block: bool = False) -> None:
                super().do_handshake(block)
                _compare(self.getpeercert(binary_form=True), key)

        context = anybody()
        context.sslobject_class, context.sslsocket_class = PinnedObject, PinnedSocket
        return context


class SourceKeys:
    """The keys of sources. Any number of threads may ask; `recipients` remembers what was proven."""

    def __init__(self, recipients: Recipients) -> None:
        self._recipients, self._lock = recipients, Lock()
        self._known: dict[tuple[str, bytes], Peer] = {}

    def pin(self, site: str, source: Party) -> Pin | None:
        """The key that a source at a site has proven; None if its policy promises no evidence.

        Talks to others for seconds: never in a transaction, nor in a loop.

        Args:
            site: address of the source's vault.
            source: as the person named it.

        Raises:
            OtherSource: it shows another policy than the person named ("transfer.source").
            NotTheRecipient: it does not prove what the policy promises, or nobody here can judge it
                ("recipient.evidence" and others, see `check_party`).
            TryLater: it is not there now, or cannot be judged now.
        """
        peer = self._peer(site, source)
        if peer.policy.evidence is None:
            return None
        self._recipients.meet(peer)
        check_party(source, self._recipients.presented(peer, source))
        proven = self._recipients.counted(peer)
        return Pin(proven.tls, proven.until)

    def forget(self, site: str, source: Party) -> None:
        """Another key answered: nodes change theirs often, so it has to be proven anew."""
        with self._lock:
            peer = self._known.pop((site, source.policy), None)
        if peer is not None:
            self._recipients.forget(peer)

    def _peer(self, site: str, source: Party) -> Peer:
        with self._lock:
            known = self._known.get((site, source.policy))
        if known is None:
            known = _asked(site, source)
            with self._lock:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[site, source.policy] = known
        return known


def settings(pin: Pin | None) -> ssl.SSLContext:
    """TLS settings for a source: its proven key, or what authorities say where it proves nothing."""
    return public() if pin is None else pin.context()


def _compare(certificate: bytes | None, key: bytes) -> None:
    """Break a handshake off before anything is sent, unless the other side has proven to hold this key."""
    shown = b"" if certificate is None else sha256(spki(load_der_x509_certificate(certificate))).digest()
    if shown != key:
        raise ssl.SSLCertVerificationError("not the key that was proven")


def _asked(site: str, source: Party) -> Peer:
    """What a source says that it is. Nobody is believed: the policy is the one that the person named, or refused.

    Raises:
        OtherSource: it is another. VaultSilent: no answer.
    """
    with Connection(site, tls=anybody()) as vault:
        said: Any = vault.ask("GET", PARTY)
    match said:
        case {"app": str(app), "policy": dict(policy), "holder": str(holder)}:
            shown, key = ReleasePolicy.decode(canonical.encode(policy)), Key.parse(holder)
        case _:
            raise VaultSilent("the source does not say what it is", code="vault.answer")
    if (app, shown.digest) != (source.app, source.policy) or key.kind is not Kind.DEVICE:
        raise OtherSource("another source than the one that was named", source=site)
    return Peer(shown, key.material, site)
