"""The administrators' door of one DAO on one node: judge a request, put it on record, and only then let it happen.

Threads may share it. Acts take turns; whoever only looks never waits for an act.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cyberprivacy import canonical
from cyberprivacy.admin.executor import Executor
from cyberprivacy.admin.refusals import BadRequest, BudgetSpent, NotAdministrator, NotReady, Replayed
from cyberprivacy.admin.register import REQUESTED, RESET, Register, settings
from cyberprivacy.admin.request import Act, Request, SignedRequest, parse
from cyberprivacy.admin.showing import asked_of_records, shown
from cyberprivacy.bundle.declared import Administration, Role, Setting, Statistic
from cyberprivacy.cid import Cid
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.ledger.witnessed import WitnessedEntry
from cyberprivacy.proposal.release import Address

LONGEST: Final = 86_400
"""Seconds ahead of now that a request may expire."""


class Roles(Protocol):
    """Who has a role of a contract."""

    def has(self, contract: Address, role: bytes, account: Address) -> bool:
        """Whether `hasRole(role, account)` at a final block.

        Raises:
            TryLater, Untrusted: nobody can say; then nobody has it.
        """
        ...


class PublicLog(Protocol):
    """Where acts stand before they happen: `ledger.publisher.Publisher`, over the same ledger."""

    @property
    def trust(self) -> Trust:
        """What this log asks of its own heads: whose cosignatures, and how many."""
        ...

    def log_before_act(self, kind: str, facts: Mapping[str, object]) -> WitnessedEntry:
        """Log what is about to happen; return when the quorum has seen it.

        Raises:
            TryLater: the disk or the quorum is out of reach. An entry that nobody has witnessed may stand in the
                log by then; without the second entry it means that nothing happened.
            Untrusted: the log is not what it was.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A release, and what it lets its administrators do."""

    chain_id: int
    release: Cid
    declared: Administration


class Office:
    """One DAO's door."""

    def __init__(
        self,
        dao: Address,
        *,
        ledger: Ledger,
        public: PublicLog,
        executor: Executor,
        roles: Roles,
        clock: Callable[[], float],
    ) -> None:
        """`ledger` is the one that `public` shows; what was done before is read from it."""
        self._dao, self._ledger, self._public, self._executor = dao, ledger, public, executor
        self._roles, self._clock = roles, clock
        self._register, self._read = Register(dao), 0
        self._standing: Standing | None = None
        self._turn, self._state = threading.Lock(), threading.RLock()

    def adopt(self, standing: Standing | None) -> None:
        """From now on this release serves; values for which it has no room go back to their defaults, on record.

        Raises:
            TryLater: the disk refused; asked again, it goes on from there.
        """
        with self._turn, self._state:
            register = self._caught_up()
            for act, name, value, why in register.homeless(standing.declared, self._now()) if standing else ():
                facts = {"dao": self._dao, "act": act, "name": name, "value": value, "why": why}
                self._ledger.append(RESET, facts)
            self._caught_up()
            self._standing = standing

    def file(self, standing: Standing) -> bytes:
        """What the application of a release reads now: canonical JSON."""
        with self._state:
            values = self._caught_up().present(standing.declared, self._now())
        said = {"v": 1, "release": str(standing.release), "statistics": asked_of_records(standing.declared)}
        return canonical.encode({**said, **values})

    def show(self) -> Mapping[str, object]:
        """What may be turned and asked, and how it stands, as JSON values.

        Raises:
            NotReady: no release with administrators serves.
        """
        with self._state:
            standing = self._open()
            said: dict[str, object] = {
                "dao": self._dao,
                "chain": standing.chain_id,
                "release": str(standing.release),
                "witnesses": self._witnesses(),
            }
            return said | shown(standing.declared, self._caught_up(), self._now())

    def handle(self, body: bytes) -> Mapping[str, object]:
        """Judge a request, record it, let it happen; returns what is public about it by then.

        Raises:
            BadRequest, NotAdministrator, Replayed: refused, nothing is on record.
            BudgetSpent, NotReady: not now, nothing is on record.
            TryLater: something is out of reach; it did not happen, and needs a new signature.
        """
        signed = parse(body)
        with self._state:
            standing = self._open()
        self._check_addressed(signed.request, standing)
        self._check_signer(signed.by, standing.declared)
        with self._turn:
            with self._state:
                if self._standing is not standing:
                    raise NotReady("another release has just begun to serve")
                facts = self._facts(signed, standing.declared)
            recorded = self._public.log_before_act(REQUESTED, facts)
            done = self._executor.execute(recorded, standing.declared)
        told = {"request": recorded.entry.index, "done": done.index, "effective": facts["effective"]}
        return {**told, "answer": done.facts.get("answer"), "witnesses": list(recorded.witnesses)}

    def _witnesses(self) -> dict[str, object]:
        """Who has to have seen an act before it happens; a quorum of 0 is told like any other."""
        trust = self._public.trust
        return {"quorum": trust.quorum, "asked": sorted(trust.witnesses)}

    def _open(self) -> Standing:
        if self._standing is None:
            raise NotReady("no release with administrators serves here")
        return self._standing

    def _caught_up(self) -> Register:
        """The register, with everything that the ledger holds: also what was logged and then failed."""
        for entry in self._ledger.entries(self._read):
            self._register.read([entry])
            self._read = entry.index + 1
        return self._register

    def _now(self) -> int:
        """Seconds since 1970, never before the newest entry: a clock set back opens no budget again."""
        return max(int(self._clock()), self._register.time)

    def _check_addressed(self, request: Request, standing: Standing) -> None:
        for code, got, ours in (
            ("admin.dao", request.dao, self._dao),
            ("admin.chain", request.chain_id, standing.chain_id),
            ("admin.release", str(request.release), str(standing.release)),
        ):
            if got != ours:
                raise BadRequest("made for another DAO, chain or release", code=code, got=got, here=ours)

    def _check_signer(self, by: Address, declared: Administration) -> None:
        if by in declared.administrators:  # before any contract, which may be out of reach or broken
            return
        for each in declared.administrators:
            if isinstance(each, Role) and self._roles.has(Address(each.contract), each.role, by):
                return
        raise NotAdministrator("signed by nobody whom the release names as administrator", signer=by)

    def _facts(self, signed: SignedRequest, declared: Administration) -> dict[str, object]:
        """The entry that is about to be recorded, after the last checks."""
        register, request = self._caught_up(), signed.request
        now = self._now()
        if request.expiry <= now:
            raise Replayed("the request has expired", code="admin.expired", expiry=request.expiry, now=now)
        if request.expiry > now + LONGEST:
            raise Replayed("good for more than a day", code="admin.expiry", expiry=request.expiry, now=now)
        if request.nonce <= (last := register.nonces.get(signed.by, 0)):
            raise Replayed("this nonce, or a later one, was used", nonce=request.nonce, last=last)
        facts: dict[str, object] = {
            "dao": self._dao,
            "release": str(request.release),
            "by": signed.by,
            "act": request.act.value,
            "name": request.name,
            "value": request.value,
            "why": request.why,
            "nonce": request.nonce,
            "expiry": request.expiry,
            "signature": "0x" + signed.signature.hex(),
        }
        if request.act is Act.ASK:
            return facts | {"effective": now, "epsilon": self._charge(request, declared, now)}
        setting = _setting(request, declared)
        return facts | {"old": register.value(request.act, setting, now), "effective": now + declared.delay}

    def _charge(self, request: Request, declared: Administration, now: int) -> int:
        """What the answer costs, if this period can still pay for it."""
        asked: Statistic | None = next((one for one in declared.statistics if one.name == request.name), None)
        if asked is None:
            raise BadRequest("no such statistic is declared", code="admin.unknown", name=request.name)
        if request.value:
            raise BadRequest("a statistic takes no value", code="admin.value", name=request.name)
        start = now - now % asked.period
        if self._register.spent(asked.name, start) + asked.epsilon > asked.budget:
            raise BudgetSpent("this period's budget is spent", name=asked.name, until=start + asked.period)
        return asked.epsilon


def _setting(request: Request, declared: Administration) -> Setting:
    """The declaration that a request turns, with a value that it may have."""
    found = [one for act, one in settings(declared) if (act, one.name) == (request.act, request.name)]
    if not found:
        raise BadRequest("nothing of this name is declared for this act", code="admin.unknown", name=request.name)
    try:
        found[0].kind.read(request.value)
    except ValueError as error:
        raise BadRequest(f"the value is {error}", code="admin.value", name=request.name) from None
    return found[0]
