// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IAuditorSeats
/// @notice Who audits one application. A strict minority of the seats (2 of 5) is named by its DAO, the others belong to
/// independent organisations of the shared `AuditorRegistry`, each of which names the auditor who sits for it.
///
/// ```
///  seat        0 ─ DAO        1 ─ DAO        2 ─ organisation   3 ─ organisation   4 ─ organisation
///  first term  1/5            2/5            3/5                4/5                5/5 of a term; then a term each
///
///  new holder of a DAO seat                 timelock                      at the end of a term, and after the full ceiling
///  new organisation of a seat               majority of organisations     the same; a seat fallen vacant: after the ceiling
///  new key for the same seat                who sits, or its organisation after the full ceiling
///  organisation removed from the registry   majority of organisations     at once: the seat is vacant for later releases
/// ```
///
/// A seat without a successor goes on for another term. Who held a seat at a past moment never changes: what counts for a
/// release is who held the seats when it was published, so a clock that runs is never touched.
///
/// @dev FINAL.
interface IAuditorSeats {
    /// @notice A seat will have this holder from `from` on (replacing any that still waits).
    /// @param organisation 0 = named by the DAO
    event SeatGiven(uint8 indexed seat, address indexed auditor, address indexed organisation, uint48 from);

    /// @notice The caller may not give this seat to anybody.
    error SeatNotYours(uint8 seat, address caller);
    /// @notice There is no such seat, or it is of the other kind.
    error SeatUnknown(uint8 seat);
    /// @notice Nobody, or somebody who already holds or is about to hold a seat: one account, and one organisation, one seat.
    error SeatHolderRefused(address auditor);
    /// @notice Only an organisation of the registry can have this seat.
    error SeatNotOrganisation(address organisation);
    /// @notice A successor is already on the way; who leaves cannot stop that.
    error SeatSuccessorPending(uint8 seat, uint48 from);
    /// @notice The DAO would name a majority, there are too few or too many seats, or the term is below its floor.
    error SeatsMalformed();

    /// @notice As the DAO's timelock: who takes a DAO seat when its term ends.
    function nameAuditor(uint8 seat, address auditor) external returns (uint48 from);

    /// @notice As the AuditorRegistry: which organisation takes a seat when its term ends.
    function appoint(uint8 seat, address organisation, address auditor) external returns (uint48 from);

    /// @notice As who sits (DAO seat) or as its organisation: the same seat, another key.
    function handOver(uint8 seat, address auditor) external returns (uint48 from);

    /// @notice Number of seats; a majority is size/2 + 1.
    function size() external view returns (uint8);

    /// @notice How many of them the DAO names: seats 0 … daoSeats-1.
    function daoSeats() external view returns (uint8);

    /// @notice Who holds each seat now; 0 = vacant.
    function holders() external view returns (address[] memory);

    /// @notice Who held a seat at a moment that is not in the future; 0 = vacant.
    function holderAt(uint8 seat, uint48 when) external view returns (address);

    /// @notice Which seat an account held at a moment that is not in the future.
    /// @return held false = none; then `seat` is 0 and means nothing
    function seatAt(address auditor, uint48 when) external view returns (bool held, uint8 seat);

    /// @notice The organisation that a seat belongs to now; 0 = the DAO's.
    function organisationOf(uint8 seat) external view returns (address);

    /// @notice Who comes next; `from` 0 = nobody is on the way.
    function pending(uint8 seat) external view returns (address auditor, address organisation, uint48 from);

    /// @notice The end of the term that runs at `when`, seconds since 1970.
    function termEnd(uint8 seat, uint48 when) external view returns (uint48);

    /// @notice The ReleaseRegistry whose ceiling is waited for.
    function registry() external view returns (address);

    /// @notice The DAO's timelock.
    function timelock() external view returns (address);

    /// @notice The shared registry of organisations.
    function organisations() external view returns (address);
}
