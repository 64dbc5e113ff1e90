// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Cid} from "../src/Cid.sol";
import {OsReleases} from "../src/OsReleases.sol";
import {IClusters} from "../src/interfaces/IClusters.sol";
import {IOsReleases} from "../src/interfaces/IOsReleases.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {DaoWorld} from "./DaoWorld.sol";

/// @notice What counts as the Privacy OS is what the sources say that its DAO has voted in.
contract OsReleasesTest is DaoWorld {
    bytes32 private constant OS = 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff;
    bytes32 private constant OTHER = keccak256("another");
    bytes private constant SAYS = "0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
    bytes private constant END = hex"0a020801";

    OsReleases private os;

    function setUp() public {
        newDao();
        os = new OsReleases(address(reg));
        clusters.transferOwnership(address(os));
        os.takeOver();
    }

    // ------------------------------------------------------------------------------------------ the road

    function test_what_was_voted_in_counts_after_the_waiting_period() public {
        bytes memory root = _root(SAYS);
        _voteIn(root, 0, 1);
        uint48 from = os.announce(root, OS);
        check(from == block.timestamp + 14 days && clusters.measurementSince(OS) == from, "since");
        vm.warp(from);
        vm.prank(PROVIDER);
        uint256 cluster = clusters.register("");
        vm.prank(PROVIDER);
        clusters.addNode(cluster, address(0xD1), keccak256("key"), OS);
    }

    function test_nothing_counts_that_is_not_live() public {
        bytes memory root = _root(SAYS);
        refused(abi.encodeWithSelector(IOsReleases.OsReleaseNotLive.selector, sha256(root), 0));
        os.announce(root, OS);
        _voteIn(_root("0x\n"), 0, 1);
        refused(IOsReleases.OsReleaseNotLive.selector);
        os.announce(root, OS);
    }

    function test_a_release_says_what_it_measures_with_and_without_secure_boot() public {
        bytes memory secure = "0x1111111111111111111111111111111111111111111111111111111111111111\n";
        bytes32 other = 0x1111111111111111111111111111111111111111111111111111111111111111;
        bytes memory both = bytes.concat(
            _link(0x01551220, SAYS, "measurement"), _link(0x01551220, secure, "measurement.secure-boot"), END
        );
        _voteIn(both, 0, 1);
        check(os.announce(both, OS) == os.announce(both, other), "both");
        refused(abi.encodeWithSelector(IOsReleases.OsMeasurementNotSaid.selector, sha256(both), OTHER));
        os.announce(both, OTHER);
    }

    function test_only_what_its_sources_say_counts() public {
        bytes memory root = _root(SAYS);
        _voteIn(root, 0, 1);
        refused(abi.encodeWithSelector(IOsReleases.OsMeasurementNotSaid.selector, sha256(root), OTHER));
        os.announce(root, OTHER);
    }

    function test_the_release_before_counts_until_it_is_revoked() public {
        bytes memory first = _root(SAYS);
        bytes memory second = _root(bytes.concat(SAYS, "more"));
        _voteIn(first, 0, 1);
        os.announce(first, OS);
        refused(abi.encodeWithSelector(IOsReleases.OsReleaseNotRevoked.selector, sha256(first)));
        os.withdraw(first, OS);
        _voteIn(second, sha256(first), 2);
        check(clusters.measurementSince(OS) != 0, "the release before");
        bytes memory call = abi.encodeCall(IReleaseRegistry.revoke, (sha256(first)));
        decide(anAction(address(reg), call, "Revoke 1.0.0\nWhy: a hole."));
        os.withdraw(first, OS);
        check(clusters.measurementSince(OS) == 0, "withdrawn");
    }

    function test_a_repair_counts_when_it_is_ratified() public {
        _voteIn(_root("0x\n"), 0, 1);
        bytes memory root = _root(SAYS);
        bytes32 bundle = sha256(root);
        publish(bundle, live(), 2);
        attestAll(bundle, 10, 4);
        vm.warp(block.timestamp + 30 days);
        reg.activateEmergency(bundle);
        check(live() == bundle, "it is live");
        refused(IOsReleases.OsReleaseNotRatified.selector);
        os.announce(root, OS);
        decide(anUpdate(bundle));
        os.announce(root, OS);
        check(clusters.measurementSince(OS) != 0, "ratified");
    }

    // ------------------------------------------------------------------------------------------ as the DAO

    function test_only_a_vote_has_the_owner_s_other_powers() public {
        bytes4 no = IOsReleases.OsNotTimelock.selector;
        refused(abi.encodeWithSelector(no, address(this)));
        os.withdrawMeasurement(OS);
        refused(abi.encodeWithSelector(no, address(this)));
        os.nameExpansions(address(1));
        refused(abi.encodeWithSelector(no, address(this)));
        os.handOver(address(this));
    }

    function test_a_vote_withdraws_at_once() public {
        bytes memory root = _root(SAYS);
        _voteIn(root, 0, 1);
        os.announce(root, OS);
        vm.prank(address(timelock));
        os.withdrawMeasurement(OS);
        check(clusters.measurementSince(OS) == 0, "withdrawn");
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementKnown.selector, OS));
        os.announce(root, OS);
    }

    function test_a_vote_hands_the_clusters_on() public {
        vm.prank(address(timelock));
        os.handOver(address(this));
        clusters.acceptOwnership();
        check(clusters.owner() == address(this), "owner");
        vm.prank(address(timelock));
        refused(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(os)));
        os.nameExpansions(address(1));
    }

    // ------------------------------------------------------------------------------------------ the root block

    function test_attack_a_measurement_that_is_no_file_of_the_root_says_nothing() public {
        bytes memory name = bytes.concat("x", _cid(0x01551220, SAYS), hex"120b", "measurement");
        _saysNothing(bytes.concat(_link(0x01551220, "readme", name), END)); // it stands in a name
        _saysNothing(bytes.concat(_link(0x01701220, SAYS, "measurement"), END)); // a directory, or a file in parts
        _saysNothing(bytes.concat(_link(0x01551220, SAYS, "measurements"), END));
        _saysNothing(bytes.concat(_link(0x01551220, SAYS, "Measurement"), END));
        _saysNothing(END);
    }

    function test_attack_what_is_no_directory_is_refused() public {
        bytes memory link = _link(0x01551220, SAYS, "measurement");
        _malformed(link); // no data
        _malformed(bytes.concat(link, hex"0a020805")); // a shard
        _malformed(bytes.concat(link, END, link)); // links behind the data
        _malformed(bytes.concat(link, END, hex"00"));
        _malformed(bytes.concat(link, hex"12ff", END)); // a link that runs past the end
        _malformed(bytes.concat(link, hex"127f", END));
        _malformed(bytes.concat(link, hex"1202", hex"0a24", END)); // without a name
        _malformed("");
        bytes memory cut = _link(0x01551220, SAYS, "measurement");
        cut[41] = 0x7f; // a name that runs past its link
        _malformed(bytes.concat(cut, END));
        cut[41] = 0x0b;
        cut[40] = 0x1a; // no name where it should stand
        _malformed(bytes.concat(cut, END));
        cut[40] = 0x12;
        cut[2] = 0x12; // no CID where it should stand
        _malformed(bytes.concat(cut, END));
    }

    function _saysNothing(bytes memory root) private {
        refused(abi.encodeWithSelector(IOsReleases.OsMeasurementNotSaid.selector, sha256(root), OS));
        os.announce(root, OS);
    }

    function _malformed(bytes memory root) private {
        refused(abi.encodeWithSelector(IOsReleases.OsRootMalformed.selector));
        os.announce(root, OS);
    }

    function _voteIn(bytes memory root, bytes32 parent, uint32 number) private {
        review(sha256(root), parent, number);
        decide(anUpdate(sha256(root)));
        check(live() == sha256(root), "voted in");
    }

    /// @dev A bundle with three entries, of which one says something.
    function _root(bytes memory says) private pure returns (bytes memory) {
        bytes memory os_ = _link(0x01701220, "a directory", "os");
        return bytes.concat(_link(0x01551220, "text", "LICENSE"), _link(0x01551220, says, "measurement"), os_, END);
    }

    function _link(bytes4 kind, bytes memory content, bytes memory name) private pure returns (bytes memory) {
        bytes memory link =
            bytes.concat(hex"0a24", _cid(kind, content), hex"12", bytes1(uint8(name.length)), name, hex"1843");
        return bytes.concat(hex"12", bytes1(uint8(link.length)), link);
    }

    function _cid(bytes4 kind, bytes memory content) private pure returns (bytes memory) {
        return bytes.concat(kind, sha256(content));
    }
}
