// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {ILogAnchor} from "./interfaces/ILogAnchor.sol";
import {IProviders} from "./interfaces/IProviders.sol";
import {IValidators} from "./interfaces/IValidators.sol";

/// @title Validators
/// @notice People who go and look. See `IValidators`.
contract Validators is IValidators {
    using SafeERC20 for IERC20;

    struct Setup {
        address providers;
        uint32 challengeWindow;
        uint32 validity;
        uint256 leastBond;
        uint256 challengeBond;
    }

    /// @dev digests of each kind in one report
    uint256 private constant MOST_DIGESTS = 64;

    /// @inheritdoc IValidators
    address public immutable providers;
    /// @inheritdoc IValidators
    address public immutable clusters;
    /// @inheritdoc IValidators
    address public immutable token;
    /// @inheritdoc IValidators
    uint32 public immutable challengeWindow;
    /// @inheritdoc IValidators
    uint32 public immutable validity;
    /// @inheritdoc IValidators
    uint256 public immutable leastBond;
    /// @inheritdoc IValidators
    uint256 public immutable challengeBond;

    Visit[] private _visits; // visit i + 1
    mapping(address account => Validator) private _validators;
    mapping(uint256 cluster => address[]) private _visitors; // who ever came; only accredited ones can
    mapping(uint256 cluster => mapping(address validator => uint256)) private _lastVisit;
    /// @inheritdoc IValidators
    mapping(address account => uint256) public owed;

    constructor(Setup memory s) {
        if (
            s.challengeWindow == 0 || s.validity <= 2 * uint256(s.challengeWindow) || s.challengeBond == 0
                || s.leastBond < s.challengeBond || s.challengeWindow >= IProviders(s.providers).unbondingPeriod()
        ) revert ValidatorSetupMalformed();
        providers = s.providers;
        token = IProviders(s.providers).token();
        clusters = ILogAnchor(IProviders(s.providers).anchor()).clusters();
        (challengeWindow, validity) = (s.challengeWindow, s.validity);
        (leastBond, challengeBond) = (s.leastBond, s.challengeBond);
    }

    // ------------------------------------------------------------------------------------------- as a validator

    /// @inheritdoc IValidators
    function register(string calldata uri) external {
        (_validators[msg.sender].registered, _validators[msg.sender].retiringAt) = (true, 0);
        emit ValidatorRegistered(msg.sender, uri);
    }

    /// @inheritdoc IValidators
    function bond(uint256 amount) external {
        Validator storage v = _known(msg.sender);
        if (amount == 0) revert ValidatorNothing();
        v.bond += amount;
        emit BondAdded(msg.sender, amount, v.bond);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IValidators
    function retire() external {
        Validator storage v = _known(msg.sender);
        v.retiringAt = uint48(block.timestamp);
        emit ValidatorRetiring(msg.sender, v.retiringAt + challengeWindow);
    }

    /// @inheritdoc IValidators
    function withdraw() external {
        Validator storage v = _known(msg.sender);
        uint48 until = v.retiringAt + challengeWindow;
        // slither-disable-next-line incorrect-equality  0 = it stays; no balance is compared
        if (v.retiringAt == 0 || block.timestamp < until || v.challenges != 0) {
            revert ValidatorStillLiable(until, v.challenges);
        }
        uint256 amount = v.bond;
        if (amount == 0) revert ValidatorNothing();
        v.bond = 0;
        emit BondWithdrawn(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IValidators
    function report(
        uint256 cluster,
        uint48 visitedAt,
        bool suspicious,
        bytes32[] calldata hardware,
        bytes32[] calldata media
    ) external returns (uint256 visit) {
        if (!counts(msg.sender)) revert ValidatorNotCounted(msg.sender);
        address provider = IClusters(clusters).providerOf(cluster);
        if (
            provider == address(0) || provider == msg.sender || hardware.length == 0 || hardware.length > MOST_DIGESTS
                || media.length > MOST_DIGESTS || visitedAt > block.timestamp
                || block.timestamp >= visitedAt + challengeWindow
        ) revert VisitMalformed();
        _visits.push();
        visit = _visits.length;
        Visit storage v = _visits[visit - 1];
        (v.cluster, v.validator, v.visitedAt) = (cluster, msg.sender, visitedAt);
        (v.reportedAt, v.status, v.suspicious) = (uint48(block.timestamp), Status.STANDING, suspicious);
        v.hardware = keccak256(abi.encodePacked(hardware));
        if (_lastVisit[cluster][msg.sender] == 0) _visitors[cluster].push(msg.sender);
        _lastVisit[cluster][msg.sender] = visit;
        emit VisitReported(visit, cluster, msg.sender, visitedAt, suspicious, hardware, media);
    }

    // ------------------------------------------------------------------------------- as anybody, and as the court

    /// @inheritdoc IValidators
    function challenge(uint256 visit, bytes32 reason) external {
        Visit storage v = _visit(visit, Status.STANDING);
        if (block.timestamp >= v.reportedAt + challengeWindow) revert VisitRefused(visit, v.status);
        (v.status, v.challenger) = (Status.CHALLENGED, msg.sender);
        ++_validators[v.validator].challenges;
        emit VisitChallenged(visit, msg.sender, reason);
        IERC20(token).safeTransferFrom(msg.sender, address(this), challengeBond);
    }

    /// @inheritdoc IValidators
    function rule(uint256 visit, bool upheld, bytes32 case_) external {
        if (msg.sender != IProviders(providers).court()) revert ValidatorNotCourt(msg.sender);
        Visit storage v = _visit(visit, Status.CHALLENGED);
        Validator storage loser = _validators[v.validator];
        --loser.challenges;
        emit VisitRuled(visit, upheld, case_);
        if (!upheld) {
            v.status = Status.STANDING;
            _split(challengeBond, v.validator);
            return;
        }
        v.status = Status.VOID;
        owed[v.challenger] += challengeBond;
        uint256 lost = loser.bond < challengeBond ? loser.bond : challengeBond;
        loser.bond -= lost;
        _split(lost, v.challenger);
    }

    /// @inheritdoc IValidators
    function lapse(uint256 visit) external {
        Visit storage v = _visit(visit, Status.CHALLENGED);
        if (!_old(v.visitedAt)) revert VisitRefused(visit, v.status);
        v.status = Status.LAPSED;
        --_validators[v.validator].challenges;
        owed[v.challenger] += challengeBond;
        emit VisitLapsed(visit);
    }

    /// @inheritdoc IValidators
    function collect() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert ValidatorNothing();
        owed[msg.sender] = 0;
        emit Collected(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IValidators
    function accredit(address validator, uint48 until) external {
        if (msg.sender != IProviders(providers).registrar()) revert ValidatorNotRegistrar(msg.sender);
        _known(validator).accreditedUntil = until;
        emit ValidatorAccredited(validator, until);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IValidators
    function validatorOf(address account) external view returns (Validator memory) {
        return _validators[account];
    }

    /// @inheritdoc IValidators
    function counts(address account) public view returns (bool) {
        Validator storage v = _validators[account];
        return v.registered && v.retiringAt == 0 && v.bond >= leastBond && block.timestamp < v.accreditedUntil;
    }

    /// @inheritdoc IValidators
    function visitOf(uint256 visit) external view returns (Visit memory none) {
        return visit == 0 || visit > _visits.length ? none : _visits[visit - 1];
    }

    /// @inheritdoc IValidators
    function vouches(uint256 visit) public view returns (bool) {
        if (visit == 0 || visit > _visits.length) return false;
        Visit storage v = _visits[visit - 1];
        return v.status == Status.STANDING && !_old(v.visitedAt) && counts(v.validator);
    }

    /// @inheritdoc IValidators
    function visitors(uint256 cluster, uint32 within) external view returns (uint256 good, uint256 suspicious) {
        address[] storage came = _visitors[cluster];
        for (uint256 i = 0; i < came.length; ++i) {
            uint256 visit = _lastVisit[cluster][came[i]];
            Visit storage v = _visits[visit - 1];
            if (v.visitedAt + within <= block.timestamp || !vouches(visit)) continue;
            if (v.suspicious) ++suspicious;
            else ++good;
        }
    }

    // --------------------------------------------------------------------------------------------------- private

    /// @dev Half to the winner, the rest burned; what does not divide burns too.
    function _split(uint256 amount, address winner) private {
        owed[winner] += amount / 2;
        ERC20Burnable(token).burn(amount - amount / 2);
    }

    function _old(uint48 visitedAt) private view returns (bool) {
        return block.timestamp >= uint256(visitedAt) + validity;
    }

    function _visit(uint256 visit, Status status) private view returns (Visit storage v) {
        if (visit == 0 || visit > _visits.length) revert VisitRefused(visit, Status.NONE);
        v = _visits[visit - 1];
        if (v.status != status) revert VisitRefused(visit, v.status);
    }

    function _known(address account) private view returns (Validator storage v) {
        v = _validators[account];
        if (!v.registered) revert ValidatorUnknown(account);
    }
}
