"""What a node answers to "prove it": one fresh quote and one signed statement for each challenge."""

import threading
from collections.abc import Callable
from typing import Final

from cyberprivacy.attest.evidence import NODE_ROLE, Attester, Bound
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.statement import SEAL, Attestation, Statement
from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger.log import Head
from cyberprivacy.proposal.release import Address, ApprovedRelease

PATH: Final = "/.well-known/cyberprivacy/attestation"
"""Where a node answers, on the application's own address: GET PATH?nonce=<64 hex digits>."""

WAITING: Final = 16
NONCE_SIZE: Final = 32


class Busy(TryLater):
    """More questions than the hardware can answer are waiting."""

    code = "attest.busy"
    hint = "Ask again in a few seconds."


class Moving(TryLater):
    """What runs is not what was last approved: an update is on its way, or something is wrong."""

    code = "attest.moving"
    hint = "Ask again when the update is done; `cyberprivacy node status` says what it waits for."


class Agent:
    """Attests for one node. Any number of threads may ask; the hardware answers one at a time."""

    def __init__(
        self,
        attester: Attester,
        key: NodeKey,
        account: Address,
        *,
        clock: Callable[[], float],
        waiting: int = WAITING,
    ) -> None:
        """Attest with this hardware and this key, as the node that the chain lists under `account`.

        Args:
            attester: makes evidence.
            key: signs statements; the evidence binds its id.
            account: the node's account on chain.
            clock: seconds since 1970.
            waiting: how many may ask at the same time; more are told to come back.
        """
        self._attester, self.key, self._account = attester, key, account
        self._clock = clock
        self._places = threading.BoundedSemaphore(waiting)
        self._turn = threading.Lock()

    def attest(
        self,
        nonce: bytes,
        *,
        session: bytes,
        tls: TlsIdentity,
        release: ApprovedRelease,
        deployment: Deployment,
        log: Head,
    ) -> Attestation:
        """A proof that answers this challenge; nothing of it was made before the challenge came.

        Args:
            nonce: 32 bytes that the asker chose at random.
            session: the TLS session in which he asks, 32 bytes; `session.UNBOUND` = the proof is for a file.
            tls: the identity behind which the application answers now.
            release: what was approved, and runs.
            deployment: what runs, read back from the engine just now.
            log: the state of the node's ledger.

        Raises:
            Misuse: not 32 bytes ("attest.nonce").
            Busy: too many ask.
            Moving: `deployment` is not of `release`.
            TryLater: the hardware does not answer.
        """
        if len(nonce) != NONCE_SIZE:
            raise Misuse("a challenge is 32 bytes", code="attest.nonce", size=len(nonce))
        if deployment.release != release.bundle:
            raise Moving("another release runs", runs=str(deployment.release), approved=str(release.bundle))
        bound = Bound(
            role=NODE_ROLE,
            spki=tls.spki,
            node=self.key.id,
            since=tls.since,
            until=tls.until,
            challenge=nonce,
            session=session,
        )
        if not self._places.acquire(blocking=False):
            raise Busy("too many ask at the same time")
        try:
            with self._turn:
                evidence = self._attester.quote(bound.digest())
        finally:
            self._places.release()
        statement = Statement(
            chain=release.chain_id,
            dao=release.dao,
            registry=release.registry,
            bundle=release.bundle,
            release=release.number,
            pipeline=release.pipeline,
            proposal=release.proposal,
            block=release.block,
            images=dict(deployment.images),
            clusters=deployment.clusters,
            tls=tls.spki,
            node=self.key.id,
            account=self._account,
            log=log,
            time=int(self._clock()),
            nonce=nonce,
        )
        return Attestation(
            bound=bound,
            evidence=evidence,
            statement=statement,
            signature=self.key.sign(statement.signed_bytes()),
            node=self.key.public,
            seal=SEAL,
        )
