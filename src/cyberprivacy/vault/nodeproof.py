"""A Privacy Server proves what runs behind an address, and the application there says with which key it signs.

Both over one TLS session: evidence, statement and chain say that the key of this session answers for a release of
a DAO; what that release says over it, of itself, is then as good as the release. So an application needs no
evidence of its own for its key. Source: docs/spec/udi-1.md, "Proof of a recipient".
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from eth_utils.address import to_checksum_address

from cyberprivacy import canonical, strict_json
from cyberprivacy.attest.collateral.completing import Completer, judged
from cyberprivacy.attest.conversation import Answer, Conversation
from cyberprivacy.attest.facts import ChainFacts, Questions
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.verify import Seen, questions, verify
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.proposal.release import Address
from cyberprivacy.vault.key import Key, Kind
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.proven import Proven, RecipientSilent
from cyberprivacy.vault.recipient import LIMIT, NotTheRecipient, ReleasePolicy

PARTY: Final = "/udi/v1/party"
STEP: Final = 5.0
"""Seconds to wait for the next bytes of a recipient."""
LONGEST: Final = 20.0
"""Seconds for a whole conversation."""
REFUSED: Final = 10
"""Seconds for which a verdict that does not accept is kept: who was moving may be right again soon. After half of
them it is asked for anew."""
_log = structlog.get_logger("vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProver:
    """A `Prover` that asks nodes, and the chain.

    Attributes:
        facts: what the chain says about a DAO, and about what an attestation claims; see `onchain.read_facts`.
        policy: what this place asks of all evidence, beyond what people consented to; a verdict counts for as
            long as its `age` lets a statement be old.
        vendors: where certificates and collateral come from.
        reach: the address behind a host's name, or a refusal; see `outward`.
        clock: POSIX seconds.
    """

    facts: Callable[[Address, Questions | None], ChainFacts]
    policy: Policy
    vendors: Completer
    reach: Callable[[str, int], str]
    clock: Callable[[], float]

    def prove(self, site: Site, policy: ReleasePolicy) -> Proven:
        """See `Prover.prove`."""
        try:
            return self._prove(site, policy)
        except TryLater as error:
            raise RecipientSilent("it cannot be judged now", site=site.uri, why=error.code) from None
        except CyberPrivacyError as error:
            raise NotTheRecipient(
                "it proves nothing", code="recipient.evidence", site=site.uri, why=error.code
            ) from None

    def _prove(self, site: Site, policy: ReleasePolicy) -> Proven:
        nonce = secrets.token_bytes(32)
        with Conversation.open(site.uri, reach=self.reach, step=STEP, longest=LONGEST) as talk:
            answer = talk.attestation(nonce, more=True)
            status, said = talk.get(PARTY, limit=2 * LIMIT)
        if status != 200:
            raise NotTheRecipient("it does not say who it is", code="recipient.party", status=status)
        app, holder, shown = _party(said)
        facts = self.facts(Address(to_checksum_address(policy.dao)), questions(answer.attestation))
        now = self.clock()
        _, report = judged(
            answer.attestation, self.vendors, self._judge(answer, nonce, facts, int(now)), tell=_tell(site)
        )
        listed = facts.nodes.get(Address(str(report.facts.get("account", ""))))
        return Proven(
            report=report,
            cluster=(0 if listed is None else listed.cluster).to_bytes(32),
            app=app,
            holder=holder,
            declared=shown.declared,
            at=now,
            until=now + (self.policy.age if report.accepted else REFUSED),
        )

    def _judge(self, answer: Answer, nonce: bytes, facts: ChainFacts, now: int) -> Callable[[bytes], Any]:
        seen = Seen(answer.spki, nonce, answer.session)
        return lambda data: verify(data, seen=seen, facts=facts, policy=self.policy, now=now)


def _party(said: bytes) -> tuple[str, bytes, ReleasePolicy]:
    """Name, key and release policy, as an application says them.

    Raises:
        Untrusted: another form ("recipient.party", "json.form", "recipient.form", "key.form").
    """
    match strict_json.read(said, limit=2 * LIMIT):
        case {"app": str(app), "holder": str(holder), "policy": dict(policy)}:
            key, shown = Key.parse(holder), ReleasePolicy.decode(canonical.encode(policy))
            if key.kind is Kind.DEVICE and shown.app == app:
                return app, key.material, shown
    raise NotTheRecipient("it does not say who it is", code="recipient.party")


def _tell(site: Site) -> Callable[[str], None]:
    return lambda what: _log.warning("evidence not renewed", site=site.uri, what=what)
