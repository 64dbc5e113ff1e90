"""Who a recipient is, proven how: what it showed at its address, and for how long that counts.

The port is `Prover`; `nodeproof` is its adapter for Privacy Servers. `Recipients` remembers verdicts, so that a
use of a grant is judged without a conversation, inside a transaction; conversations happen outside, in `meet`.
Source: docs/spec/udi-1.md, "Proof of a recipient".
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Final, Protocol

from cyberprivacy.attest.report import Report
from cyberprivacy.errors import TryLater
from cyberprivacy.vault.grant import Party
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.recipient import Declared, NotTheRecipient, Presented, ReleasePolicy

MOST: Final = 4_096
"""Recipients whose verdicts are remembered."""
PLACES: Final = 4
"""Conversations at a time: a recipient may be slow, and must not keep everybody else waiting."""


class RecipientSilent(TryLater):
    """A recipient whose policy asks for evidence does not prove itself now."""

    code = "recipient.silent"
    hint = "It is asked again at the next request."


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom something is granted to, as it says itself.

    Attributes:
        policy: that the person consented to.
        holder: Ed25519 key that signs its requests, 32 bytes.
        site: where it answers; "" where it has no address.
    """

    policy: ReleasePolicy
    holder: bytes
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What somebody proved to be.

    Attributes:
        report: the verifier's, also where it does not accept.
        cluster: that the chain lists its node in, as 32 bytes.
        app: its name, as what runs there says.
        holder: Ed25519 key with which it signs requests, as what runs there says; 32 bytes.
        declared: what its release takes, as what runs there says.
        at: when that was, POSIX seconds. until: when it has to be proven anew.
    """

    report: Report
    cluster: bytes
    app: str
    holder: bytes
    declared: Declared
    at: float
    until: float

    @property
    def tls(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo with which it answered, as its evidence says; 32 bytes."""
        return bytes.fromhex(str(self.report.facts["tls"]))


class Prover(Protocol):
    """Has somebody at an address prove who they are."""

    def prove(self, site: Site, policy: ReleasePolicy) -> Proven:
        """What is at a site, judged as an application of the DAO that a policy names.

        Raises:
            RecipientSilent: it cannot be judged now.
            NotTheRecipient: it proves nothing at all ("recipient.evidence").
        """
        ...


class Recipients:
    """The recipients of one place, as far as they have proven themselves. Any number of threads may ask.

    Args:
        prover: None where nobody can judge; then whoever is asked for evidence is refused.
        clock: POSIX seconds.
    """

    def __init__(self, prover: Prover | None, clock: Callable[[], float]) -> None:
        self._prover, self._clock = prover, clock
        self._known: OrderedDict[tuple[str, int, str], Proven] = OrderedDict()
        self._lock, self._places = Lock(), BoundedSemaphore(PLACES)

    def due(self, peer: Peer) -> bool:
        """Whether somebody should prove themselves now: after half of the time for which a verdict counts."""
        if self._prover is None or peer.policy.evidence is None:
            return False
        known = self._find(peer)
        return known is None or self._clock() >= (known.at + known.until) / 2

    def meet(self, peer: Peer) -> None:
        """Have somebody prove themselves, if that is due. Talks to others for seconds: never in a transaction.

        Raises:
            NotTheRecipient: it proves nothing ("recipient.evidence"), or has no address ("recipient.site").
            RecipientSilent: not now, and what it proved before is too old; too many are asked ("recipient.busy").
        """
        if self._prover is None or not self.due(peer):
            return
        if not peer.site:
            raise NotTheRecipient("it has no address at which it could prove itself", code="recipient.site")
        try:
            found = self._ask(self._prover, peer)
        except RecipientSilent:
            if self._counts(peer) is None:
                raise
            return
        except NotTheRecipient:
            self._keep(peer, None)
            raise
        self._keep(peer, found)

    def presented(self, peer: Peer, recipient: Party) -> Presented:
        """What is known of a recipient now; `recipient` is what the person named.

        Raises:
            NotTheRecipient: what proves itself there signs with another key ("recipient.key").
            RecipientSilent: what it proved is too old; see `meet`.
        """
        if self._prover is None or peer.policy.evidence is None:
            return Presented(peer.policy, recipient.cluster, peer.policy.declared, None)
        found = self.counted(peer)
        if not found.report.accepted:
            # Nothing counts of what it says, so the refusal has to be that of the evidence.
            return Presented(peer.policy, recipient.cluster, peer.policy.declared, found.report)
        if found.app != peer.policy.app:
            raise NotTheRecipient("another application is there", code="recipient.app", found=found.app)
        if found.holder != peer.holder:
            raise NotTheRecipient("it signs with another key", code="recipient.key", found=found.holder.hex())
        return Presented(peer.policy, found.cluster, found.declared, found.report)

    def counted(self, peer: Peer) -> Proven:
        """What somebody has proven, for as long as it counts.

        Raises:
            RecipientSilent: nothing, or too long ago; see `meet`.
        """
        found = self._counts(peer)
        if found is None:
            raise RecipientSilent("it has not proven itself lately", site=peer.site)
        return found

    def forget(self, peer: Peer) -> None:
        """What somebody has proven counts no more."""
        self._keep(peer, None)

    def _ask(self, prover: Prover, peer: Peer) -> Proven:
        if not self._places.acquire(blocking=False):
            raise RecipientSilent("too many are asked at the same time", code="recipient.busy")
        try:
            return prover.prove(Site.parse(peer.site), peer.policy)
        finally:
            self._places.release()

    def _counts(self, peer: Peer) -> Proven | None:
        found = self._find(peer)
        return found if found is not None and self._clock() < found.until else None

    def _find(self, peer: Peer) -> Proven | None:
        with self._lock:
            return self._known.get(_name(peer))

    def _keep(self, peer: Peer, found: Proven | None) -> None:
        with self._lock:
            self._known.pop(_name(peer), None)
            if found is not None:
                self._known[_name(peer)] = found
            if len(self._known) > MOST:
                self._known.popitem(last=False)


def _name(peer: Peer) -> tuple[str, int, str]:
    """Verdicts are about an address and a DAO; key and policy are compared each time."""
    return peer.site, peer.policy.chain, peer.policy.dao
