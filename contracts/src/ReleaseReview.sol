// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "./Policy.sol";
import {ReadingQueue} from "./ReadingQueue.sol";
import {ReleaseRules} from "./ReleaseRules.sol";
import {IAuditorSeats} from "./interfaces/IAuditorSeats.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title ReleaseReview
/// @notice The part of the registry before the vote: publishing, the auditors' numbers, and the review lap.
abstract contract ReleaseReview is ReleaseRules {
    using ReadingQueue for ReadingQueue.Queue;

    /// @dev `IReleaseRegistry.Release` as it is stored, and what only this contract needs.
    struct Record {
        bytes32 parent;
        bytes32 alreadyRead;
        uint32 number;
        uint32 pipeline;
        uint32 weight;
        uint48 publishedAt;
        uint48 clockStart;
        uint64 tail; // where it ended in the queue when it was charged
        uint32 ahead;
        uint48 activatedAt;
        uint48 expires;
        uint48 haltedUntil;
        uint48 haltAskedAt; // first of the requests that count
        uint16 haltSeats; // which seats asked, one bit each
        bool revoked;
        Policy rules; // the policy when the clock started
        Attestation[] attestations;
    }

    /// @dev Greatest step from one release number to the next: whoever took the last number there is would end all releases.
    uint32 private constant MOST_STEP = 1_000;

    /// @dev Longest chain of releases that lean on one another as already read; every link is looked at when the last goes live.
    uint256 private constant MOST_LINKS = 8;

    mapping(bytes32 bundle => Record) private _records;

    /// @inheritdoc IReleaseRegistry
    uint32 public highestNumber;

    // -------------------------------------------------------------------------------------- publish and attest

    /// @inheritdoc IReleaseRegistry
    function publish(bytes32 bundle, bytes32 parent, uint32 number, uint32 pipeline, bytes32 alreadyRead) external {
        if (!isPublisher[msg.sender]) revert ReleaseNotPublisher(msg.sender);
        if (bundle == 0 || number == 0 || pipeline == 0) revert ReleaseMalformed();
        // slither-disable-next-line incorrect-equality  0 = never published; no balance is compared
        if (parent != 0 && _records[parent].publishedAt == 0) revert ReleaseMalformed();
        Record storage r = _records[bundle];
        if (r.publishedAt != 0) revert ReleaseAlreadyPublished(bundle);
        _requireNumber(number);
        _requireRead(alreadyRead);
        (r.parent, r.alreadyRead) = (parent, alreadyRead);
        (r.number, r.pipeline, r.publishedAt) = (number, pipeline, uint48(block.timestamp));
        emit ReleasePublished(bundle, parent, number, pipeline, alreadyRead, msg.sender);
    }

    /// @inheritdoc IReleaseRegistry
    function attest(bytes32 bundle, uint32 lines, uint16 complexity, uint8 severity, bytes32 report) external {
        Record storage r = _known(bundle);
        // slither-disable-next-line unused-return  whether a seat was held, not which
        (bool held,) = IAuditorSeats(seats).seatAt(msg.sender, r.publishedAt);
        if (!held) revert ReleaseNotAuditor(msg.sender);
        if (r.activatedAt != 0) revert ReleaseAlreadyActivated(bundle);
        if (complexity < 100 || complexity > 300 || severity > 4) {
            revert ReleaseAttestationMalformed(complexity, severity);
        }
        for (uint256 i = 0; i < r.attestations.length; ++i) {
            if (r.attestations[i].auditor == msg.sender) revert ReleaseAlreadyAttested(bundle, msg.sender);
        }
        r.attestations.push(Attestation(msg.sender, lines, complexity, severity, report));
        emit ReleaseAttested(bundle, msg.sender, lines, complexity, severity, report);
        if (r.attestations.length > _seatCount / 2) _charge(bundle, r);
    }

    // ------------------------------------------------------------------------------------------ the review lap

    /// @dev Sets the clock at the first majority; afterwards one more voice can only make the release lighter.
    function _charge(bytes32 bundle, Record storage r) private {
        ReadingQueue.Queue memory q = _reading();
        if (r.clockStart == 0) {
            Policy memory p = policy();
            uint256 most = ReadingQueue.within(p.ceiling, p.linesPerDay);
            uint256 before = q.left();
            (r.rules, r.clockStart) = (p, uint48(block.timestamp));
            r.ahead = uint32(before < most ? before : most);
            r.weight = _weight(r, most);
            r.tail = q.append(r.weight);
        } else {
            uint32 weight = _weight(r, ReadingQueue.within(r.rules.ceiling, r.rules.linesPerDay));
            q.giveBack(r.tail, r.weight - weight);
            r.weight = weight;
        }
        _queue = q;
        emit ReviewLapSet(bundle, r.clockStart, _reviewEnds(r), r.weight, r.ahead);
    }

    /// @dev Majority of seats: with N seats and q = N/2+1, each number is the q-th smallest; an unheard seat is infinite.
    function _weight(Record storage r, uint256 most) private view returns (uint32) {
        uint256 heard = r.attestations.length;
        uint256[] memory lines = new uint256[](heard);
        uint256[] memory complexity = new uint256[](heard);
        for (uint256 i = 0; i < heard; ++i) {
            _insert(lines, i, r.attestations[i].lines);
            _insert(complexity, i, r.attestations[i].complexity);
        }
        uint256 weight = (lines[_seatCount / 2] * complexity[_seatCount / 2] + 99) / 100;
        return uint32(weight < most ? weight : most);
    }

    function _insert(uint256[] memory sorted, uint256 count, uint256 value) private pure {
        while (count > 0 && sorted[count - 1] > value) {
            sorted[count] = sorted[count - 1];
            --count;
        }
        sorted[count] = value;
    }

    /// @dev End of the review lap by the stricter of the policy then and now; 0 = clock not started.
    function _reviewEnds(Record storage r) internal view returns (uint48) {
        if (r.clockStart == 0) return 0;
        Policy memory p = _rules(r);
        uint256 lap = p.floor + ReadingQueue.secondsFor(uint256(r.ahead) + r.weight, p.linesPerDay);
        return r.clockStart + uint48(lap < p.ceiling ? lap : p.ceiling);
    }

    function _rules(Record storage r) internal view returns (Policy memory) {
        return r.clockStart == 0 ? policy() : policy().tightest(r.rules);
    }

    function _lapOver(Record storage r) internal view returns (bool) {
        uint48 ends = _reviewEnds(r);
        return ends != 0 && ends <= block.timestamp;
    }

    /// @dev Lines credited as read were read only if every release that they lean on was, and still stands. Also when what
    /// leans on them goes live: a link may have been stopped meanwhile, or its lap lengthened by a stricter policy.
    function _requireRead(bytes32 link) internal view {
        for (uint256 links = 0; link != 0; link = _records[link].alreadyRead) {
            if (++links > MOST_LINKS) revert ReleaseCreditTooLong(link, MOST_LINKS);
            Record storage r = _records[link];
            if (r.revoked) revert ReleaseIsRevoked(link);
            if (_halted(r)) revert ReleaseIsHalted(link, r.haltedUntil);
            if (!_lapOver(r)) revert ReleaseNotYetRead(link);
        }
    }

    function _halted(Record storage r) internal view returns (bool) {
        return block.timestamp < r.haltedUntil;
    }

    /// @dev The record of a bundle, published or not.
    function _record(bytes32 bundle) internal view returns (Record storage) {
        return _records[bundle];
    }

    function _known(bytes32 bundle) internal view returns (Record storage r) {
        r = _records[bundle];
        if (r.publishedAt == 0) revert ReleaseUnknown(bundle);
    }

    /// @dev What goes live takes its number with it.
    function _raise(uint32 number) internal {
        _requireNumber(number);
        highestNumber = number;
    }

    function _requireNumber(uint32 number) private view {
        uint32 highest = highestNumber;
        if (number <= highest) revert ReleaseNumberTooLow(number, highest);
        if (number - highest > MOST_STEP) revert ReleaseNumberTooHigh(number, highest + MOST_STEP);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IReleaseRegistry
    function release(bytes32 bundle) external view returns (Release memory) {
        Record storage r = _records[bundle];
        return Release({
            parent: r.parent,
            alreadyRead: r.alreadyRead,
            number: r.number,
            pipeline: r.pipeline,
            weight: r.weight,
            ahead: r.ahead,
            publishedAt: r.publishedAt,
            clockStart: r.clockStart,
            reviewEnds: _reviewEnds(r),
            activatedAt: r.activatedAt,
            expires: r.expires,
            haltedUntil: r.haltedUntil,
            revoked: r.revoked
        });
    }

    /// @inheritdoc IReleaseRegistry
    function rules(bytes32 bundle) external view returns (Policy memory) {
        return _rules(_records[bundle]);
    }

    /// @inheritdoc IReleaseRegistry
    function attestations(bytes32 bundle) external view returns (Attestation[] memory) {
        return _records[bundle].attestations;
    }
}
