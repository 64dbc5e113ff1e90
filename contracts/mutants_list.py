# ruff: noqa: INP001  beside a script, not in a package
"""The rules of the contracts, each with a way to break it and the tests that must notice."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken rule.

    Attributes:
        file: source in src/, without ".sol".
        rule: the rule that is broken, in a few words.
        old: text that stands exactly once in the file.
        new: what it becomes.
        tests: files in test/ that must notice, without ".t.sol".
    """

    file: str
    rule: str
    old: str
    new: str
    tests: str


_NOT_READY = "if (!_lapOver(r)) revert ReleaseLapOpen(bundle, _reviewEnds(r));"

MUTANTS: Final = (
    # --- going live
    Mutant("ReleaseRegistry", "no activation before the lap ends", _NOT_READY, "", "Live"),
    Mutant("ReleaseRegistry", "emergencyFloor", "block.timestamp < opens", "false", "Emergency"),
    Mutant("ReleaseRegistry", "small repairs only", "r.weight > p.emergencyLines || ", "", "Emergency"),
    Mutant("ReleaseRegistry", "no credit in the emergency lane", " || r.alreadyRead != 0) {", ") {", "Emergency"),
    Mutant("ReleaseRegistry", "cooldown", "lastEmergency != 0 && block.timestamp < until", "false", "Emergency"),
    Mutant("ReleaseRegistry", "one repair at a time", "live == 0 || l.expires != 0", "live == 0", "Emergency"),
    Mutant("ReleaseRegistry", "a repair dies", "r.expires = _expiry(bundle, r, p);", "", "Emergency"),
    Mutant(
        "ReleaseRegistry",
        "no repair is dead at birth",
        "if (from < block.timestamp) from = uint48(block.timestamp);",
        "",
        "Emergency",
    ),
    Mutant(
        "ReleaseRegistry", "time to ratify", "if (expires <= decided) revert", "if (false) revert", "Emergency"
    ),
    Mutant("ReleaseRegistry", "not one second too few", "expires <= decided", "expires < decided", "Emergency"),
    Mutant(
        "ReleaseRegistry",
        "what voters refused",
        "if (IAppGovernor(governor).wasDefeated(bundle)) revert",
        "if (false) revert",
        "Emergency",
    ),
    Mutant("ReleaseRegistry", "credit when it goes live", "_requireRead(r.alreadyRead);", "", "Credit"),
    Mutant(
        "ReleaseRegistry",
        "head falls back",
        "expires != 0 && block.timestamp >= expires ? lastRatified : current",
        "current",
        "Emergency",
    ),
    Mutant(
        "ReleaseRegistry", "revoked does not run", "if (r.revoked || _halted(r)) r", "if (_halted(r)) r", "Live"
    ),
    Mutant("ReleaseRegistry", "halted does not run", "if (r.revoked || _halted(r)) r", "if (r.revoked) r", "Live"),
    Mutant("ReleaseRegistry", "stale parents", "if (r.parent != head()) revert", "if (false) revert", "Live"),
    Mutant(
        "ReleaseRegistry",
        "more than a majority",
        "urgent < p.emergencyQuorum",
        "urgent + 1 < p.emergencyQuorum",
        "Emergency",
    ),
    Mutant("ReleaseRegistry", "same pipeline", "r.pipeline != l.pipeline", "false", "Emergency"),
    Mutant(
        "ReleaseRegistry",
        "nothing ended is ratified",
        "r.expires == 0 || head() != bundle",
        "r.expires == 0",
        "Emergency",
    ),
    Mutant("ReleaseRegistry", "stopped is not activated", "if (_halted(r)) revert", "if (false) revert", "Live"),
    Mutant("ReleaseRegistry", "a majority halts", "asked <= _seatCount / 2", "asked < _seatCount / 2", "Live"),
    Mutant(
        "ReleaseRegistry", "halt requests lapse", "block.timestamp >= r.haltAskedAt + _haltLap", "false", "Live"
    ),
    Mutant(
        "ReleaseRegistry",
        "a halt happens once",
        "if (r.haltedUntil != 0) revert",
        "if (_halted(r)) revert",
        "Live",
    ),
    Mutant(
        "ReleaseRegistry",
        "I7: executed by the governor",
        "proposalId == 0 || IGovernor(governor).state(proposalId) != IGovernor.ProposalState.Executed",
        "proposalId == 0",
        "Captured",
    ),
    Mutant(
        "ReleaseReview",
        "numbers grow",
        "if (number <= highest) revert ReleaseNumberTooLow(number, highest);",
        "if (number <= highest) return;",
        "Review",
    ),
    Mutant("ReleaseReview", "numbers are not used up", "number - highest > MOST_STEP", "false", "Review"),
    # --- the review lap
    Mutant("ReleaseReview", "majority of lines", "lines[_seatCount / 2]", "lines[0]", "Review"),
    Mutant("ReleaseReview", "the queue ahead counts", "uint256(r.ahead) + r.weight", "r.weight", "Queue"),
    Mutant(
        "ReleaseReview", "one voice a seat", "if (r.attestations[i].auditor == msg.sender)", "if (false)", "Review"
    ),
    Mutant("ReleaseReview", "credit after the lap", "if (!_lapOver(r)) revert", "if (false) revert", "Credit"),
    Mutant("ReleaseReview", "no credit from revoked", "if (r.revoked) revert", "if (false) revert", "Credit"),
    Mutant("ReleaseReview", "no credit from halted", "if (_halted(r)) revert", "if (false) revert", "Credit"),
    Mutant("ReleaseReview", "every link", "link = _records[link].alreadyRead", "link = 0", "Credit"),
    Mutant("ReleaseReview", "eight links", "++links > MOST_LINKS", "++links > MOST_LINKS + 1", "Credit"),
    Mutant(
        "ReleaseReview",
        "seats of the publication",
        "seatAt(msg.sender, r.publishedAt)",
        "seatAt(msg.sender, uint48(block.timestamp))",
        "Seats",
    ),
    Mutant("ReleaseReview", "stricter today", "policy().tightest(r.rules)", "r.rules", "Policy"),
    Mutant("ReleaseReview", "stricter then", "policy().tightest(r.rules)", "policy()", "Policy"),
    Mutant(
        "ReadingQueue",
        "give back only what was not passed",
        "phantom < unread ? phantom : unread",
        "phantom",
        "Queue",
    ),
    Mutant("ReadingQueue", "what was passed of others", "q.passed += phantom", "q.end -= phantom", "Queue"),
    Mutant("ReadingQueue", "the reader moves", "q.passed += uint64(until - q.since) * linesPerDay;", "", "Queue"),
    Mutant("ReadingQueue", "nothing is saved up", "(q.end > q.passed ? q.end : q.passed)", "q.end", "Queue"),
    Mutant("ReleaseReview", "the place of a change", "r.tail = q.append", "r.tail = 1 << 63; q.append", "Queue"),
    Mutant("ReleaseReview", "the queue is kept", "        _queue = q;\n", "", "Queue"),
    # --- rules
    Mutant("ReleaseRules", "loosening waits", "_inForce = now_;", "_inForce = next;", "Policy"),
    Mutant("ReleaseRules", "the ceiling in force", "+ now_.ceiling;", "+ next.ceiling;", "Policy"),
    Mutant("ReleaseRules", "rates of each moment", "_nextFrom > q.since && !_waits()", "false", "Policy"),
    Mutant("ReleaseRules", "the past of a rate", "_queue = _reading(); // before", "// before", "Queue"),
    Mutant(
        "ReleaseRules",
        "a provider waits",
        "uint48(block.timestamp) + policy().ceiling : 0",
        "uint48(block.timestamp) : 0",
        "Policy",
    ),
    Mutant("Policy", "the floor", "p.floor >= least.reviewFloor", "true", "Policy"),
    Mutant("Policy", "slower is stricter", "linesPerDay: _least(", "linesPerDay: _most(", "Policy"),
    # --- the vote
    Mutant(
        "AppGovernor", "title if and only if action", "titled != activates", "titled && !activates", "Governor"
    ),
    Mutant("AppGovernor", "no vote before the review", "        _checkReviewed(bundle);\n", "", "Governor"),
    Mutant("AppGovernor", "one live vote", "        _checkAlone(bundle);\n", "", "Governor"),
    Mutant(
        "AppGovernor",
        "one action",
        "targets.length != 1 || values.length != 1 || calldatas.length != 1 || ",
        "",
        "Governor",
    ),
    Mutant("UpdateLabel", "text is action", "found != keccak256(line)", "false", "Governor"),
    Mutant(
        "AppGovernor", "a rest after a vote lost", "if (clock() < until) revert", "if (false) revert", "Governor"
    ),
    Mutant(
        "AppGovernor",
        "bounds of the delay",
        "_requireWithin(delay, _delayFloor, Laps.MOST_VOTING_DELAY);",
        "",
        "Captured",
    ),
    Mutant(
        "AppGovernor",
        "no endless delay",
        "delay, _delayFloor, Laps.MOST_VOTING_DELAY",
        "delay, 1, 1 << 48",
        "Captured",
    ),
    Mutant(
        "AppGovernor",
        "no endless vote",
        "period, _periodFloor, Laps.MOST_VOTING_PERIOD",
        "period, 1, 1 << 48",
        "Captured",
    ),
    Mutant(
        "AppGovernor", "no lofty threshold", "_requireWithin(threshold, 0,", "_requireWithin(0, 0,", "Captured"
    ),
    Mutant(
        "AppGovernor",
        "no lofty quorum",
        "percent, _quorumFloor, _quorumCeiling",
        "percent, _quorumFloor, 100",
        "Captured",
    ),
    Mutant("AppGovernor", "one timelock for good", "revert GovernorTimelockFixed();", "", "Captured"),
    Mutant(
        "AppGovernor",
        "nobody acts as the governor",
        "address, uint256, bytes calldata) public payable override {\n        revert GovernorRelayClosed();",
        "address t, uint256, bytes calldata d) public payable override {\n        super.relay(t, 0, d);",
        "Captured",
    ),
    Mutant("AppGovernor", "a vote lost stays lost", "        _lost[bundle] = true;\n", "", "Roads"),
    Mutant("AppGovernor", "lost is lost now", " || (id != 0 && state(id) == ProposalState.Defeated)", "", "Roads"),
    Mutant(
        "AppGovernor",
        "a lap after the vote",
        "proposalDeadline(id) + lateQuorumVoteExtension() + lap",
        "0",
        "Roads",
    ),
    Mutant("AppGovernor", "a lap that runs", "return proposalEta(id);", "return 0;", "Roads"),
    Mutant(
        "AppTimelock",
        "floor of the lap",
        "        if (delay < floor_) revert TimelockBelowFloor(delay, floor_);\n",
        "",
        "Votes",
    ),
    Mutant(
        "AppTimelock",
        "no second proposer",
        "function grantRole(bytes32, address) public pure override {\n        revert TimelockRolesFixed();",
        "function grantRole(bytes32, address) public pure override {",
        "Captured",
    ),
    Mutant(
        "AppTimelock",
        "no endless lap",
        "if (delay > Laps.MOST_DEPLOYMENT_LAP) revert",
        "if (false) revert",
        "Votes",
    ),
    Mutant(
        "AppTimelock",
        "the proposer stays",
        "function renounceRole(bytes32, address) public pure override {\n        revert TimelockRolesFixed();",
        "function renounceRole(bytes32 r, address a) public override {\n        super.renounceRole(r, a);",
        "Votes",
    ),
    Mutant(
        "AppMembership",
        "not transferable",
        "if (from != address(0) && to != address(0)) revert",
        "if (false) revert",
        "Votes",
    ),
    Mutant("AppMembership", "one vote", "amount != 1 || balanceOf(to) != 0", "amount != 1", "Votes"),
    Mutant("Cid", "one text of a digest", "(bits << 2) & 31", "bits & 31", "Cid"),
    # --- who audits
    Mutant("AuditorSeats", "a minority for the DAO", "own * 2 >= all", "own >= all", "Seats"),
    Mutant(
        "AuditorSeats",
        "a change waits the ceiling",
        "termEnd(seat, _afterCeiling() - 1)",
        "termEnd(seat, uint48(block.timestamp))",
        "Seats",
    ),
    Mutant(
        "AuditorSeats",
        "nobody stops a successor",
        "last.from > block.timestamp && last.successor",
        "false",
        "Seats",
    ),
    Mutant(
        "AuditorSeats", "a removed organisation leaves", "h.organisation != address(0) && !", "false && !", "Seats"
    ),
    Mutant("AuditorSeats", "one seat each", " || _isOf(_last(i), who)) revert", ") revert", "Seats"),
    Mutant(
        "AuditorSeats",
        "one seat an organisation",
        "        _requireNowhereElse(seat, organisation);\n",
        "",
        "OneSeat",
    ),
    Mutant("AuditorSeats", "by whatever key", " || h.organisation == who", "", "OneSeat"),
    Mutant(
        "AuditorRegistry",
        "a majority",
        "_organisations.length / 2 + 1",
        "_organisations.length / 2",
        "Organisations",
    ),
    Mutant(
        "AuditorRegistry", "no voices of ghosts", "if (isOrganisation(m.supporters[i])) ++", "++", "Organisations"
    ),
    Mutant(
        "AuditorRegistry", "support lapses", "block.timestamp >= m.opened + motionPeriod", "false", "Organisations"
    ),
    # --- clusters and factory
    Mutant(
        "DaoFactory", "no floor above a ceiling", "least.votingDelay > Laps.MOST_VOTING_DELAY", "false", "Factory"
    ),
    Mutant(
        "Clusters",
        "only authorised providers count",
        "if (!IReleaseRegistry(registry).isProvider(r.providers[i])) continue;",
        "",
        "Clusters",
    ),
    Mutant("Clusters", "a mismatch blocks", "else if (one != agreed) mismatch = true;", "", "Clusters"),
    Mutant("Clusters", "one provider counts once", "if (previous == 0) r.providers", "r.providers", "Clusters"),
    Mutant("Clusters", "one cluster a node", " || _nodes[msg.sender].cluster != 0", "", "Clusters"),
    Mutant("Clusters", "a measurement waits", "(from != 0 && from <= block.timestamp)", "from != 0", "Clusters"),
    Mutant("DaoFactory", "only known code", "if (digest != expected) revert", "if (false) revert", "Factory"),
    Mutant("DaoFactory", "addresses of one founder", "keccak256(abi.encode(founder, salt))", "salt", "Factory"),
    Mutant("Cradle", "only the factory", "msg.sender != _factory", "false", "Factory"),
)
