// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Minimums} from "../Laps.sol";
import {Policy} from "../Policy.sol";

/// @title IReleaseRegistry
/// @notice The one place that says which code an application may run. Every time rule is here, so that neither a server,
/// nor a key holder, nor another contract can step round it.
///
/// The life of a release:
///
/// ```
///  publish ──► attest × majority of seats ──► clock runs ──(review lap)──► vote, deployment lap ──► activate ──► live
///  (publisher)  auditors vouch: public,       reviewEnds =                 AppGovernor, AppTimelock   │
///               so big, so complex            clockStart + floor + size                               │ ratified
///                        │                                                                            │
///                        └─(emergencyFloor, more than a majority, small, …)─► activateEmergency ──► live until `expires`
///
///  at any moment, and only ever to remove trust:  revoke (DAO, for good)   halt (majority of seats, once, for a while)
/// ```
///
/// Bundles are named by the sha2-256 digest of the dag-pb root of their IPFS directory (see `Cid`).
/// Everything that this interface returns can be rebuilt from its events alone.
///
/// @dev FINAL: names, arguments and events. Structs may still grow at their end.
interface IReleaseRegistry {
    /// @notice What one auditor's seat says about a bundle.
    struct Attestation {
        /// @dev who held the seat when the bundle was published
        address auditor;
        /// @dev objective size of the change, in lines, against `parent` and `alreadyRead`
        uint32 lines;
        /// @dev how hard it is to read: 100 (plain) to 300, in hundredths
        uint16 complexity;
        /// @dev 0 none, 1 low, 2 medium, 3 high, 4 critical: severity of what it repairs; counts for this bundle only
        uint8 severity;
        /// @dev digest of the auditor's written statement
        bytes32 report;
    }

    /// @notice A release as it is now.
    struct Release {
        /// @dev bundle that the change was measured against; must be `head()` when it goes live
        bytes32 parent;
        /// @dev release whose lap has fully elapsed and whose lines were not counted again; 0 = none
        bytes32 alreadyRead;
        /// @dev release number, greater than that of everything that was ever live
        uint32 number;
        /// @dev number of the pipeline template
        uint32 pipeline;
        /// @dev weighted lines: lines × complexity / 100, by majority of seats; 0 while the clock has not started
        uint32 weight;
        /// @dev weighted lines of others that still had to be read when this clock started
        uint32 ahead;
        uint48 publishedAt;
        /// @dev a majority of seats had fetched it; 0 = not yet
        uint48 clockStart;
        /// @dev end of the review lap, by the stricter of the policy then and now; 0 = clock not started
        uint48 reviewEnds;
        /// @dev 0 = never live
        uint48 activatedAt;
        /// @dev end of an unratified emergency release; 0 = ratified, or never live
        uint48 expires;
        /// @dev end of its only halt; 0 = never halted
        uint48 haltedUntil;
        bool revoked;
    }

    // ------------------------------------------------------------------------------------------------ events

    /// @notice A bundle was put before the auditors and the public.
    event ReleasePublished(
        bytes32 indexed bundle,
        bytes32 indexed parent,
        uint32 number,
        uint32 pipeline,
        bytes32 alreadyRead,
        address publisher
    );

    /// @notice An auditor vouched that the bundle is public, and for its size.
    event ReleaseAttested(
        bytes32 indexed bundle, address indexed auditor, uint32 lines, uint16 complexity, uint8 severity, bytes32 report
    );

    /// @notice The review lap began, or became shorter because another seat spoke.
    /// @param reviewEnds as of now; a policy tightened later may move it back, never forward
    event ReviewLapSet(bytes32 indexed bundle, uint48 clockStart, uint48 reviewEnds, uint32 weight, uint32 ahead);

    /// @notice A bundle went live.
    /// @param proposalId the vote; 0 or a vote still open when `emergency`
    /// @param expires when it dies unless ratified; 0 = never
    event ReleaseActivated(
        bytes32 indexed bundle, uint256 indexed proposalId, uint32 pipeline, bool emergency, uint48 expires
    );

    /// @notice A live emergency release passed the ordinary road and does not expire any more.
    event ReleaseRatified(bytes32 indexed bundle, uint256 indexed proposalId);

    /// @notice The DAO withdrew a bundle for good.
    event ReleaseRevoked(bytes32 indexed bundle);

    /// @notice One auditor's seat asked to halt a bundle.
    event ReleaseHaltAsked(bytes32 indexed bundle, uint8 indexed seat, uint8 seatsSoFar);

    /// @notice A majority of seats halted a bundle; it lets go by itself.
    event ReleaseHalted(bytes32 indexed bundle, uint48 until);

    /// @notice The DAO decided on a policy.
    /// @param inForce the policy from this moment on: the stricter of the old and the new one, field by field
    /// @param next the policy from `from` on
    /// @param from when `next` takes over; 0 = nothing was loosened, so `inForce` is all there is
    event PolicyProposed(Policy inForce, Policy next, uint48 from);

    /// @notice An account may (or may no longer) publish bundles.
    event PublisherSet(address indexed publisher, bool on);

    /// @notice An operator may run this application from `from` on; 0 = no more, at once.
    event ProviderSet(address indexed provider, uint48 from);

    // ---------------------------------------------------------------------------------------------- refusals

    /// @notice Only the DAO's timelock may do this: put it to the vote.
    error ReleaseNotTimelock(address caller);
    /// @notice The caller is not one of the DAO's publishers.
    error ReleaseNotPublisher(address caller);
    /// @notice The caller held no auditor's seat when this bundle was published (or holds none now, for a halt).
    error ReleaseNotAuditor(address caller);
    /// @notice No such bundle was published here.
    error ReleaseUnknown(bytes32 bundle);
    /// @notice The bundle was already published; publish another one.
    error ReleaseAlreadyPublished(bytes32 bundle);
    /// @notice Bundle, release number or pipeline is zero, or the parent is neither known nor zero.
    error ReleaseMalformed();
    /// @notice The release number is not greater than one that was live.
    error ReleaseNumberTooLow(uint32 number, uint32 highest);
    /// @notice The release number is so far above everything that was live that numbers would be used up.
    error ReleaseNumberTooHigh(uint32 number, uint32 most);
    /// @notice `alreadyRead`, or one that it leans on in turn, is unknown, or its review lap has not fully elapsed.
    error ReleaseNotYetRead(bytes32 alreadyRead);
    /// @notice Too many releases lean on one another as already read; publish without it.
    error ReleaseCreditTooLong(bytes32 alreadyRead, uint256 most);
    /// @notice This seat has already spoken about this bundle.
    error ReleaseAlreadyAttested(bytes32 bundle, address auditor);
    /// @notice Complexity outside 100…300 or severity above 4.
    error ReleaseAttestationMalformed(uint16 complexity, uint8 severity);
    /// @notice The bundle has already been live; what was live once does not come back.
    error ReleaseAlreadyActivated(bytes32 bundle);
    /// @notice The vote on this bundle was not executed by the governor.
    error ReleaseNotPassed(bytes32 bundle, uint256 proposalId);
    /// @notice The lap is not over; 0 = its clock has not even started.
    error ReleaseLapOpen(bytes32 bundle, uint48 until);
    /// @notice The bundle was measured against something that is not what runs now; publish it again on `head`.
    error ReleaseStale(bytes32 parent, bytes32 head);
    /// @notice The bundle, or one that it leans on as already read, was revoked.
    error ReleaseIsRevoked(bytes32 bundle);
    /// @notice The bundle, or one that it leans on, is halted; or it was halted before: a halt happens once.
    error ReleaseIsHalted(bytes32 bundle, uint48 until);
    /// @notice This seat has already asked for the halt.
    error ReleaseHaltAlreadyAsked(bytes32 bundle, uint8 seat);
    /// @notice Emergency: too few seats call it high or critical.
    error ReleaseNotUrgent(uint256 seats, uint256 needed);
    /// @notice Emergency: the change is too large, or leans on lines that another release had read.
    error ReleaseTooLarge(uint32 weight, uint32 most, bytes32 alreadyRead);
    /// @notice Emergency: nothing is live that could be repaired, or an unratified repair is already live.
    error ReleaseNothingToRepair(bytes32 head, uint48 pendingUntil);
    /// @notice Emergency: another pipeline template is not a repair.
    error ReleaseOtherPipeline(uint32 pipeline, uint32 live);
    /// @notice Emergency: the last one was too recent.
    error ReleaseCooldown(uint48 until);
    /// @notice Emergency: a vote on this bundle was lost.
    error ReleaseWasDefeated(bytes32 bundle);
    /// @notice Emergency: it would run out before a vote on it can be executed.
    error ReleaseNoTimeToRatify(uint48 expires, uint256 decidedBy);

    // ------------------------------------------------------------------------------------------- life of a release

    /// @notice Puts a bundle before the auditors and the public. The seats that count are those of this moment.
    /// @param bundle sha2-256 digest of the dag-pb root
    /// @param parent bundle that auditors measure the change against; 0 for the first
    /// @param number release number as in the manifest; at most 1,000 above `highestNumber`
    /// @param pipeline pipeline template as in the manifest
    /// @param alreadyRead release here whose review lap has fully elapsed, neither revoked nor halted: auditors do not
    /// count its lines again; 0 = none. The same holds for all that it leans on in turn, eight in all; and it must hold again
    /// when this bundle goes live. Closes the emergency lane to this bundle.
    function publish(bytes32 bundle, bytes32 parent, uint32 number, uint32 pipeline, bytes32 alreadyRead) external;

    /// @notice As an auditor: the bundle is public, I have it, and it is this big. Once a seat.
    /// @dev With N seats and q = N/2+1, lines and complexity used are the q-th smallest, an unheard seat being infinite:
    /// fewer than q liars can neither shorten nor stretch a lap, and one more voice never stretches it.
    function attest(bytes32 bundle, uint32 lines, uint16 complexity, uint8 severity, bytes32 report) external;

    /// @notice The action of a passed "Software Update". Also ratifies a live emergency release.
    /// @dev Only by the timelock, and only if the governor says that the vote on this very bundle is Executed.
    function activate(bytes32 bundle) external;

    /// @notice Brings a small, urgent, well attested repair live before a vote; it dies unless ratified by the end of its
    /// review lap, or of this moment if that is later, plus `voteAllowance`. Refused if no vote could be executed by then, or
    /// if a vote on it was ever lost.
    /// @dev Anyone may call. Same Kubernetes privileges as the parent is a condition that auditors check before they
    /// attest a severity; the chain cannot see it.
    function activateEmergency(bytes32 bundle) external;

    /// @notice Withdraws a bundle for good. Only by the timelock.
    function revoke(bytes32 bundle) external;

    /// @notice As an auditor holding a seat now: stop this bundle. At a majority of seats it stops at once, once.
    /// @dev Requests count for `minimums().halt`, then they lapse.
    function halt(bytes32 bundle) external;

    // ---------------------------------------------------------------------------------------------------- rules

    /// @notice Changes the rules. What becomes stricter holds at once; the rest waits the full ceiling. Only by the timelock.
    /// @dev A release is judged by the stricter, field by field, of the policy when its clock started and of today's; so
    /// what was loosened serves only clocks that start later. The last proposal replaces one that still waits.
    function proposePolicy(Policy calldata next) external;

    /// @notice Allows or forbids an account to publish. Only by the timelock.
    function setPublisher(address publisher, bool on) external;

    /// @notice Authorises an operator after the full ceiling, or removes one at once. Only by the timelock.
    function setProvider(address provider, bool on) external;

    // ---------------------------------------------------------------------------------------------------- views

    /// @notice What a cluster asks: the live bundle, or zeros. A pure function of state and time; fails closed.
    /// @return bundle 0 = nothing may run
    /// @return pipeline pipeline template number
    /// @return expires end of an unratified emergency release; 0 = ratified
    function active() external view returns (bytes32 bundle, uint32 pipeline, uint48 expires);

    /// @notice The newest release that has not run out, stopped or not; the parent of what comes next.
    function head() external view returns (bytes32);

    /// @notice The release activated last, even if it has run out.
    function current() external view returns (bytes32);

    /// @notice Where `head` returns to when an unratified emergency release runs out.
    function lastRatified() external view returns (bytes32);

    /// @notice The greatest release number that was ever live.
    function highestNumber() external view returns (uint32);

    /// @notice When the last emergency release went live; 0 = never.
    function lastEmergency() external view returns (uint48);

    /// @notice A release; all zero if unknown.
    function release(bytes32 bundle) external view returns (Release memory);

    /// @notice The policy that a release is judged by now.
    function rules(bytes32 bundle) external view returns (Policy memory);

    /// @notice What auditors said about a bundle, in order of arrival.
    function attestations(bytes32 bundle) external view returns (Attestation[] memory);

    /// @notice The policy in force now. A pure function of state and time.
    function policy() external view returns (Policy memory);

    /// @notice The policy that waits, and when it takes over; `from` 0 = none.
    function pendingPolicy() external view returns (Policy memory next, uint48 from);

    /// @notice What no vote can go below.
    function minimums() external view returns (Minimums memory);

    /// @notice Weighted lines that the public still has to read now.
    function queued() external view returns (uint256 lines);

    /// @notice Whether an operator is authorised to run this application now.
    function isProvider(address provider) external view returns (bool);

    /// @notice When an operator's authorisation begins; 0 = not authorised.
    function providerSince(address provider) external view returns (uint48);

    /// @notice Whether an account may publish.
    function isPublisher(address publisher) external view returns (bool);

    /// @notice The DAO's governor (AppGovernor); its address is "the DAO" everywhere.
    function governor() external view returns (address);

    /// @notice The DAO's timelock (AppTimelock).
    function timelock() external view returns (address);

    /// @notice The auditors' seats of this application (AuditorSeats).
    function seats() external view returns (address);

    /// @notice Where clusters report what they built and run (Clusters).
    function clusters() external view returns (address);
}
