// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {Base} from "./Base.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds after every sequence of acts of everybody. I3 and I4 are in Review.t.sol, I7 in Governor.t.sol too.
contract InvariantsTest is Base {
    Handler private handler;

    function setUp() public {
        handler = new Handler();
    }

    function targetContracts() public view returns (address[] memory) {
        return list(address(handler));
    }

    /// @notice I1 laps, I2 quorum, I5 emergency lane, I7 vote, I8 no way back: noted by the handler as they happen.
    function invariant_no_promise_was_broken() public view {
        check(bytes(handler.broken()).length == 0, handler.broken());
    }

    /// @notice I1, I2: whatever runs had a majority of auditors and was public for the emergency floor at least.
    function invariant_what_runs_was_public() public view {
        (bytes32 live,,) = handler.registry().active();
        if (live == 0) return;
        check(handler.quorumAt(live) != 0, "no quorum");
        IReleaseRegistry.Release memory r = handler.registry().release(live);
        check(r.activatedAt >= handler.quorumAt(live) + 12 hours, "not public");
    }

    /// @notice I6: what runs is not revoked, not halted, not expired; otherwise nothing runs.
    function invariant_what_runs_was_not_stopped() public view {
        (bytes32 live, uint32 pipeline, uint48 expires) = handler.registry().active();
        IReleaseRegistry.Release memory r = handler.registry().release(live);
        if (live == 0) {
            check(pipeline == 0 && expires == 0, "zeros");
            return;
        }
        check(!r.revoked && r.haltedUntil <= block.timestamp, "stopped");
        check(r.expires == 0 || r.expires > block.timestamp, "expired");
        check(live == handler.registry().head() && r.activatedAt != 0, "not the head");
    }

    /// @notice I8: the number of what runs is never above, and after an ordinary release always equal to, the highest.
    function invariant_numbers_only_grow() public view {
        IReleaseRegistry reg = handler.registry();
        check(reg.release(reg.current()).number == reg.highestNumber(), "highest");
    }

    /// @notice The world that the invariants were checked in contains everything that could break them.
    function test_the_handler_reaches_every_state() public {
        uint256 s = 1;
        for (uint256 i = 0; i < 260; ++i) {
            s = uint256(keccak256(abi.encode(s)));
            uint256 what = s % 13;
            if (what < 4) {
                handler.grow(s, uint16(s >> 8), uint32(s >> 24), s & 16 == 0);
            } else if (what == 4) {
                handler.ratify(uint32(s >> 8));
            } else if (what == 5) {
                handler.haltHead(s >> 8);
            } else if (what == 6) {
                handler.waitAny(s >> 8);
            } else if (what == 7) {
                handler.publishAny(s >> 8, uint32(i), uint32(s >> 16), s & 32 == 0);
            } else if (what == 8) {
                handler.attestAny(s >> 8, s >> 16, uint32(s >> 24), uint16(s >> 32), uint8(s >> 40));
            } else if (what == 9) {
                handler.policyAny(uint32(s >> 8), uint32(s >> 40), uint32(s >> 72), uint32(s >> 104), s & 64 == 0);
            } else if (what == 10) {
                handler.revokeAny(s >> 8);
            } else if (what == 11) {
                handler.activateAny(s >> 8);
            } else {
                handler.emergencyAny(s >> 8);
            }
        }
        check(bytes(handler.broken()).length == 0, handler.broken());
        check(handler.ordinary() > 3 && handler.emergencies() > 3, "roads");
        check(handler.ratified() > 1 && handler.expired() > 1, "both ends of a repair");
        check(handler.halts() > 1 && handler.revoked() > 1, "stops");
        check(handler.takenOver() > 1 && handler.credited() > 0, "policies and credit");
    }
}
