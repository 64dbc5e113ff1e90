// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {World} from "./World.sol";

/// @notice Who held which seat in the past is settled for good.
contract SeatsHistoryTest is World {
    address private constant NEW = address(0xE0);

    function setUp() public {
        newWorld(aPolicy());
    }

    /// @notice Whatever anybody does with seats, the past stays as it was and nothing changes before a ceiling.
    function testFuzz_the_past_of_seats_never_changes(uint8[12] memory acts, uint32[12] memory pauses) public {
        for (uint256 i = 2; i < 4; ++i) {
            vm.prank(auditor(i));
            organisations.admit(NEW, "https://new.example");
        }
        uint48[12] memory times;
        bytes32[12] memory past;
        for (uint256 i = 0; i < 12; ++i) {
            times[i] = uint48(block.timestamp);
            past[i] = keccak256(abi.encode(seats.holders()));
            bytes32 before = past[i];
            _act(acts[i], address(uint160(0xF00 + i)));
            check(keccak256(abi.encode(seats.holders())) == before, "changed at once");
            wait_(bound(pauses[i], 1, 90 days));
            for (uint256 j = 0; j <= i; ++j) {
                check(_holdersAt(times[j]) == past[j], "rewritten");
            }
        }
    }

    function _act(uint8 act, address fresh) private {
        uint8 seat = act % 5;
        bytes memory call;
        address as_;
        if (act % 3 == 0) (as_, call) = (TIMELOCK, abi.encodeCall(seats.nameAuditor, (seat, fresh)));
        else if (act % 3 == 1) (as_, call) = (address(organisations), abi.encodeCall(seats.appoint, (seat, NEW, fresh)));
        else (as_, call) = (seats.organisationOf(seat), abi.encodeCall(seats.handOver, (seat, fresh)));
        if (as_ == address(0)) as_ = seats.holders()[seat];
        vm.prank(as_);
        (bool done,) = address(seats).call(call);
        done; // refusals are part of the game
    }

    function _holdersAt(uint48 when) private view returns (bytes32) {
        address[] memory all = new address[](5);
        for (uint8 i = 0; i < 5; ++i) {
            all[i] = seats.holderAt(i, when);
        }
        return keccak256(abi.encode(all));
    }
}
