"""How one event changes an account: every rule of accounts in one place, and no clock, no disk, no signature.

Source: docs/spec/udi-1.md, "Accounts", which numbers the rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NoReturn, TypeVar

from cyberprivacy.vault.account import (
    CANCELS,
    COOLDOWN,
    NEW_GUARDIANS,
    THAW,
    YOUNG,
    EventRefused,
    Recovery,
    State,
    majority,
)
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import MAX_KEYS, NOTHING, Event, Kind, Opening

_Field = TypeVar("_Field")


def advance(state: State | None, event: Event, key: Key, digest: bytes) -> State:
    """The account after one more event.

    Args:
        state: before it; None before the first.
        event: what is to happen.
        key: who signed it; that the signature is good was checked before.
        digest: of the event, 32 bytes.

    Raises:
        EventRefused: the event does not continue this log ("account.link"), is older than the one before
            ("account.time"), or breaks a rule (its own code).
    """
    if state is None:
        return _incept(event, key, digest)
    if (event.account, event.seq, event.prior) != (state.account, state.seq + 1, state.head):
        raise EventRefused(
            "not the next event of this account", code="account.link", seq=event.seq, next=state.seq + 1
        )
    if event.kind is Kind.INCEPT:
        raise EventRefused("an account begins once", code="account.link", seq=event.seq, next=state.seq + 1)
    if event.at < state.at:
        raise EventRefused("older than the event before", code="account.time", at=event.at, before=state.at)
    if state.coming is not None and event.at >= state.coming[1]:
        state = replace(state, guardians=state.coming[0], coming=None)
    after = _CHANGES[event.kind](state, event, key, digest)
    return replace(after, seq=event.seq, head=digest, at=event.at)


def _incept(event: Event, key: Key, digest: bytes) -> State:
    if event.kind is not Kind.INCEPT or event.seq != 0 or event.prior != NOTHING or event.account != NOTHING:
        raise EventRefused("an account begins with its inception", code="account.link", seq=event.seq, next=0)
    keys, guardians = _field(event.body.keys), _field(event.body.guardians)
    if key not in keys:
        raise EventRefused("not signed by a key of the account", code="account.key", key=key.text)
    return State(
        account=digest, seq=0, head=digest, at=event.at, keys=dict.fromkeys(keys, event.at), guardians=guardians
    )


def _add(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _active(state, key)
    _thawed(state, event)
    new = _field(event.body.key)
    _new(state, new)
    if len(state.keys) >= MAX_KEYS:
        raise EventRefused("an account has at most 16 keys", code="account.full")
    return replace(state, keys={**state.keys, new: event.at + YOUNG})


def _remove(state: State, event: Event, key: Key, _digest: bytes) -> State:
    old = _field(event.body.key)
    _may_push_out(state, event, key, old)
    if len(state.keys) == 1:
        raise EventRefused("the last key stays", code="account.last-key")
    return replace(state, keys={each: since for each, since in state.keys.items() if each != old})


def _rotate(state: State, event: Event, key: Key, _digest: bytes) -> State:
    old, new = _field(event.body.old), _field(event.body.key)
    _thawed(state, event)
    _may_push_out(state, event, key, old)
    _new(state, new)
    kept = {each: since for each, since in state.keys.items() if each != old}
    return replace(state, keys={**kept, new: event.at + YOUNG})


def _guardians(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _active(state, key)
    _thawed(state, event)
    _old_enough(state, event, key)
    return replace(state, coming=(_field(event.body.guardians), event.at + NEW_GUARDIANS))


def _freeze(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _active_or_guardian(state, event, key)
    return replace(state, frozen=event.at)


def _unfreeze(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _active(state, key)
    _old_enough(state, event, key)
    if state.frozen is None or not state.is_frozen(event.at):
        raise EventRefused("the account is not frozen", code="account.not-frozen")
    if event.at < state.frozen + THAW:
        raise EventRefused("a freeze holds for 48 hours", code="account.thaw", until=state.frozen + THAW)
    return replace(state, frozen=None)


def _revoke_grants(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _active(state, key)
    before = _field(event.body.before)
    if not state.revoked_before <= before <= event.at:
        raise EventRefused("neither into the future nor back", code="account.before", least=state.revoked_before)
    return replace(state, revoked_before=before)


def _recover(state: State, event: Event, key: Key, digest: bytes) -> State:
    helper = _guardian(state, event, key)
    new = _field(event.body.key)
    _new(state, new)
    if state.recovery is not None:
        raise EventRefused(
            "a recovery is under way", code="account.recovery", recovery=state.recovery.digest.hex()
        )
    if event.at < state.calm:
        raise EventRefused("too many recoveries were cancelled", code="account.calm", until=state.calm)
    enough = event.at if majority(len(state.guardians)) <= 1 else None
    return replace(state, recovery=Recovery(digest, new, frozenset({helper}), enough, None))


def _approve(state: State, event: Event, key: Key, _digest: bytes) -> State:
    recovery = _recovery(state, event)
    if event.body.guardian is None:
        _active(state, key)
        if recovery.device is not None:
            raise EventRefused("an old key approved already", code="account.approved")
        return replace(state, recovery=replace(recovery, device=event.at))
    helper = _guardian(state, event, key)
    if helper in recovery.approvals:
        raise EventRefused("this guardian approved already", code="account.approved")
    approvals = recovery.approvals | {helper}
    # Whoever ceased to be a guardian meanwhile no longer counts.
    counted = approvals & {each.commitment for each in state.guardians}
    enough = recovery.enough
    if enough is None and len(counted) >= majority(len(state.guardians)):
        enough = event.at
    return replace(state, recovery=replace(recovery, approvals=approvals, enough=enough))


def _cancel(state: State, event: Event, key: Key, _digest: bytes) -> State:
    _recovery(state, event)
    _active_or_guardian(state, event, key)
    if state.cancels + 1 < CANCELS:
        return replace(state, recovery=None, cancels=state.cancels + 1)
    return replace(state, recovery=None, cancels=0, calm=event.at + COOLDOWN)


def _execute(state: State, event: Event, key: Key, _digest: bytes) -> State:
    recovery = _recovery(state, event)
    _thawed(state, event)
    if key != recovery.key:
        raise EventRefused("only the new key itself takes over", code="account.key", key=key.text)
    if recovery.ready is None:
        raise EventRefused("approvals are missing", code="account.approvals", have=len(recovery.approvals))
    if event.at < recovery.ready:
        raise EventRefused("the waiting time is not over", code="account.wait", until=recovery.ready)
    # Guardians that a thief asked for meanwhile never come.
    return replace(state, keys={key: event.at + YOUNG}, recovery=None, cancels=0, coming=None)


_CHANGES: Final[Mapping[Kind, Callable[[State, Event, Key, bytes], State]]] = {
    Kind.ADD: _add,
    Kind.REMOVE: _remove,
    Kind.ROTATE: _rotate,
    Kind.GUARDIANS: _guardians,
    Kind.FREEZE: _freeze,
    Kind.UNFREEZE: _unfreeze,
    Kind.REVOKE_GRANTS: _revoke_grants,
    Kind.RECOVER: _recover,
    Kind.APPROVE: _approve,
    Kind.CANCEL: _cancel,
    Kind.EXECUTE: _execute,
}


def _active(state: State, key: Key) -> None:
    if key not in state.keys:
        raise EventRefused("not a key of this account", code="account.key", key=key.text)


def _thawed(state: State, event: Event) -> None:
    if state.is_frozen(event.at):
        raise EventRefused("the account is frozen", code="account.frozen", since=state.frozen)


def _old_enough(state: State, event: Event, key: Key) -> None:
    if event.at < state.keys[key]:
        raise EventRefused("this key is too new for that", code="account.young", until=state.keys[key])


def _may_push_out(state: State, event: Event, key: Key, old: Key) -> None:
    """A young key pushes out itself or a younger one only: who just stole a way in must not lock out the owner."""
    _active(state, key)
    _active(state, old)
    if state.keys[old] < state.keys[key]:
        _old_enough(state, event, key)


def _new(state: State, key: Key) -> None:
    if key in state.keys:
        raise EventRefused("a key of this account already", code="account.key-twice", key=key.text)


def _recovery(state: State, event: Event) -> Recovery:
    if state.recovery is None or state.recovery.digest != event.body.recovery:
        raise EventRefused("no such recovery", code="account.no-recovery")
    return state.recovery


def _guardian(state: State, event: Event, key: Key) -> bytes:
    """The commitment of the guardian who signed."""
    opening: Opening | None = event.body.guardian
    if opening is None or opening.key != key:
        _no_guardian(key)
    if opening.commitment not in {each.commitment for each in state.guardians}:
        _no_guardian(key)
    return opening.commitment


def _active_or_guardian(state: State, event: Event, key: Key) -> None:
    if event.body.guardian is None:
        _active(state, key)
    else:
        _guardian(state, event, key)


def _no_guardian(key: Key) -> NoReturn:
    raise EventRefused("not a guardian of this account", code="account.guardian", key=key.text)


def _field(value: _Field | None) -> _Field:
    """A field that the kind of the event requires, as `keyevent.parse_body` made sure."""
    if value is None:
        raise EventRefused("a field is missing", code="event.form")
    return value
