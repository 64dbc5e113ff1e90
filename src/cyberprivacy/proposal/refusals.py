"""What contracts answer when they refuse, in words: one code and one hint for each of their errors."""

import re
from functools import cache
from typing import Final

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.proposal.abi import ZERO, Entry, Fields, contract, decode
from cyberprivacy.proposal.market_words import MARKET, MARKET_WORDS
from cyberprivacy.proposal.os_words import OS_WORDS
from cyberprivacy.proposal.wire import BadAnswer

CONTRACTS: Final = (
    "ReleaseRegistry",
    "AppGovernor",
    "AppTimelock",
    "AuditorSeats",
    "AppVotes",
    "AppMembership",
    "Clusters",
    "AuditorRegistry",
    "DaoFactory",
    "OsReleases",
    *MARKET,
)
"""Everything whose errors may come back from a call, directly or through the timelock."""


class NotYet(TryLater):
    """The law says: later. `facts["until"]` is the moment, in seconds since 1970; 0 = nobody knows yet."""

    code = "law.not-yet"
    hint = "Wait, or let the command wait with --wait."

    @property
    def until(self) -> int:
        """When the same request can succeed; 0 = not known."""
        until = self.facts.get("until", 0)
        return until if isinstance(until, int) else 0


_PROPOSE: Final = "Put it to the vote: `propose`."
_REPUBLISH: Final = "Publish the change again, measured against what runs now."

_WORDS: Final[dict[str, tuple[type[CyberPrivacyError], str, str, str]]] = {
    # too early
    "ReleaseLapOpen": (NotYet, "review-window-open", "the review lap is not over", NotYet.hint),
    "GovernorReviewNotFinished": (
        NotYet,
        "review-window-open",
        "voting would open before the review lap ends",
        "Wait; if `until` is 0, a majority of auditors has yet to attest.",
    ),
    "ReleaseCooldown": (NotYet, "cooldown", "the last emergency release was too recent", NotYet.hint),
    "ReleaseNotYetRead": (NotYet, "not-yet-read", "the lap of what was already read is not over", NotYet.hint),
    "GovernorVoteLost": (
        NotYet,
        "vote-lost",
        "the last vote on this bundle was lost a short while ago; voters rest as long as a vote takes",
        NotYet.hint,
    ),
    # not this account
    "ReleaseNotTimelock": (Misuse, "not-timelock", "only a passed vote may do this", _PROPOSE),
    "VotesNotTimelock": (Misuse, "not-timelock", "only a passed vote may do this", _PROPOSE),
    "ReleaseNotPublisher": (
        Misuse,
        "not-publisher",
        "the account may not publish for this DAO",
        "Use the key of one of its publishers; a vote can add one.",
    ),
    "ReleaseNotAuditor": (
        Misuse,
        "not-auditor",
        "the account held no auditor's seat when this bundle was published",
        "`dao show` lists the seats.",
    ),
    "GovernorInsufficientProposerVotes": (
        Misuse,
        "too-few-votes",
        "the account has too few votes to propose",
        "Votes count from the second before; a later holder must delegate to themselves once.",
    ),
    "ClusterNotProvider": (Misuse, "not-provider", "the account is not the provider of this cluster", ""),
    "ClusterNotNode": (
        Misuse,
        "not-node",
        "the account is not a node of any cluster",
        "Join one: `cluster join`.",
    ),
    "ClusterNodeRefused": (
        Misuse,
        "node-refused",
        "the node is not listed for this cluster, or is in one already",
        "As the provider: `cluster add-node`.",
    ),
    "ClusterNotAdmitted": (
        Untrusted,
        "not-admitted",
        "the cluster has promised to have admitted machines only, and this one is not admitted",
        "`cluster expansion announce` it; `cluster expansion show` says what is missing.",
    ),
    "ClusterExpansionsRefused": (
        Misuse,
        "no-expansions",
        "who admits machines was said before, or not yet, or is for other clusters",
        "`market show` names the market of these clusters.",
    ),
    "ClusterProviderNotAuthorised": (
        Misuse,
        "provider-not-authorised",
        "the DAO does not authorise this node's provider",
        "A vote of the DAO can authorise it.",
    ),
    # not this bundle
    "ReleaseUnknown": (Misuse, "unknown", "no such bundle was published here", "Check the CID and the DAO."),
    "ReleaseAlreadyPublished": (Misuse, "already-published", "the bundle was published before", ""),
    "ReleaseMalformed": (Misuse, "malformed", "bundle, number, pipeline or parent cannot be", ""),
    "ReleaseNumberTooLow": (
        Misuse,
        "number-too-low",
        "the release number is not above everything that was live",
        "Raise `release` in cyberprivacy.yaml; a rollback is a new release too.",
    ),
    "ReleaseNumberTooHigh": (
        Misuse,
        "number-too-high",
        "the release number is more than 1,000 above everything that was live",
        "Lower `release` in cyberprivacy.yaml.",
    ),
    "ReleaseCreditTooLong": (
        Misuse,
        "credit-too-long",
        "too many releases lean on one another as already read",
        "Publish without what was already read; auditors then count all lines.",
    ),
    "ReleaseAlreadyAttested": (Misuse, "already-attested", "this seat has spoken about this bundle", ""),
    "ReleaseAttestationMalformed": (
        Misuse,
        "attestation-malformed",
        "complexity is outside 100 to 300, or severity above 4",
        "",
    ),
    "ReleaseAlreadyActivated": (Misuse, "already-activated", "the bundle has been live", _REPUBLISH),
    "ReleaseNotPassed": (Untrusted, "not-passed", "no vote on this bundle was executed", _PROPOSE),
    "ReleaseStale": (
        Misuse,
        "stale",
        "the bundle was measured against something that does not run now",
        _REPUBLISH,
    ),
    "ReleaseIsRevoked": (
        Untrusted,
        "revoked",
        "the bundle, or one that it leans on as already read, was revoked",
        "It never comes back; publish another.",
    ),
    "ReleaseIsHalted": (Untrusted, "halted", "the bundle is halted, or was before: that happens once", ""),
    "ReleaseHaltAlreadyAsked": (Misuse, "halt-already-asked", "this seat has asked for the halt", ""),
    # not this lane
    "ReleaseNotUrgent": (
        Misuse,
        "not-urgent",
        "too few auditors call it high or critical",
        "Take the ordinary road: `propose`.",
    ),
    "ReleaseTooLarge": (Misuse, "too-large", "too large a change for the emergency lane", _PROPOSE),
    "ReleaseNothingToRepair": (
        Misuse,
        "nothing-to-repair",
        "nothing is live that could be repaired, or an unratified repair is live",
        _PROPOSE,
    ),
    "ReleaseWasDefeated": (Untrusted, "was-defeated", "a vote on this bundle was lost", _PROPOSE),
    "ReleaseNoTimeToRatify": (
        Misuse,
        "no-time-to-ratify",
        "the repair would run out before a vote on it can be executed",
        _PROPOSE,
    ),
    "ReleaseOtherPipeline": (Misuse, "other-pipeline", "another pipeline template is not a repair", _PROPOSE),
    # not this setting
    "GovernorBelowFloor": (Misuse, "governor-below-floor", "no vote can set this so low", ""),
    "GovernorAboveCeiling": (Misuse, "governor-above-ceiling", "no vote can set this so high", ""),
    "GovernorRelayClosed": (Misuse, "governor-relay-closed", "no vote acts as the governor", ""),
    "TimelockBelowFloor": (Misuse, "timelock-below-floor", "no vote can set this so low", ""),
    "TimelockAboveCeiling": (Misuse, "timelock-above-ceiling", "no vote can set this so high", ""),
    # not this proposal
    "GovernorTitleActionMismatch": (
        Untrusted,
        "title-action-mismatch",
        "the title and the action do not say the same",
        'A title begins with "Software Update" if, and only if, the one action activates a bundle.',
    ),
    "GovernorBundleTextMismatch": (
        Untrusted,
        "bundle-text-mismatch",
        "the text names another bundle than the action",
        "The second line is ipfs:// and the CID of the very bundle.",
    ),
    "GovernorUpdateMalformed": (Misuse, "update-malformed", "an update has exactly one action and no value", ""),
    "GovernorTitleMalformed": (
        Misuse,
        "title-malformed",
        "the title is longer than 160 bytes, or there is no second line",
        "",
    ),
    "GovernorVoteAlreadyOpen": (
        Misuse,
        "vote-already-open",
        "another vote on this bundle is open, or has passed",
        "`status` shows it.",
    ),
    "GovernorUnexpectedProposalState": (
        Misuse,
        "proposal-state",
        "the proposal is not in the state that this needs",
        "`status` shows what it waits for.",
    ),
    "GovernorNonexistentProposal": (Misuse, "no-proposal", "there is no such proposal", ""),
    "GovernorAlreadyCastVote": (Misuse, "already-voted", "the account has voted on this", ""),
}

_KINDS: Final[dict[str, type[CyberPrivacyError]]] = {"later": NotYet, "misuse": Misuse, "untrusted": Untrusted}
_WORDS.update({name: (_KINDS[kind], *words) for name, (kind, words) in (MARKET_WORDS | OS_WORDS).items()})
_RENAMED: Final = {"reviewEnds": "until", "ripeAt": "until", "proposalId": "proposal"}


def refusal(data: bytes) -> CyberPrivacyError:
    """The refusal that a contract's answer means.

    Args:
        data: what the contract reverted with: selector and arguments.
    """
    entry = _errors().get(data[:4])
    fields = None
    if entry is not None:
        try:
            fields = decode(entry.name, entry.inputs, data[4:])
        except BadAnswer:
            entry = None
    if entry is None or fields is None:
        return Untrusted(
            "a contract refused without a known reason", code="law.refused", data="0x" + data[:68].hex()
        )
    if entry.name == "FactoryCreationFailed":
        return refusal(fields.octets("reason"))
    kind, code, what, hint = _WORDS.get(entry.name, (Misuse, _kebab(entry.name), _words(entry.name), ""))
    return _told(kind(what, code=f"law.{code}", hint=hint), entry, fields)


def _told(error: CyberPrivacyError, entry: Entry, fields: Fields) -> CyberPrivacyError:
    """The same refusal with the contract's own facts, under names that people know."""
    for each in entry.inputs:
        name = str(each["name"])
        error.facts[_RENAMED.get(name, name)] = _fact(name, str(each["type"]), fields)
    return error


def _fact(name: str, kind: str, fields: Fields) -> object:
    if kind == "bytes32":
        raw = fields.octets(name)
        if name in ("bundle", "parent", "head", "alreadyRead"):
            return str(Cid(DAG_PB, raw)) if raw != ZERO else "none"
        return raw.rstrip(b"\0").decode() if _is_name(raw) else "0x" + raw.hex()
    if kind == "address":
        return fields.address(name)
    if kind.startswith("uint"):
        return fields.integer(name)
    return fields.flag(name) if kind == "bool" else "…"


def _is_name(raw: bytes) -> bool:
    """Whether a word holds short text, as the laws' own field names do."""
    text = raw.rstrip(b"\0")
    return bool(text) and len(text) < 32 and text.isascii() and text.decode("ascii").isalnum()


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def _kebab(name: str) -> str:
    return _words(name).replace(" ", "-")


@cache
def _errors() -> dict[bytes, Entry]:
    return {selector: entry for name in CONTRACTS for selector, entry in contract(name).errors.items()}
