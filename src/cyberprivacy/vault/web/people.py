"""Accounts and sessions over HTTP."""

from cyberprivacy.vault.account import State
from cyberprivacy.vault.accounts import Accounts, NoAccount
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import LIMIT
from cyberprivacy.vault.sessions import NONCE_LASTS, Session, Sessions
from cyberprivacy.vault.signing_in import Door
from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who

_SIGNATURE: int = 10
"""What judging a signature and a durable write cost, against reading one record."""

MAX_LOG: int = 1 << 20
"""Bytes of a log that is brought at once."""


class People:
    """The endpoints of accounts and sessions."""

    def __init__(self, accounts: Accounts, sessions: Sessions, door: Door) -> None:
        self._accounts, self._sessions, self._door = accounts, sessions, door

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [*self._of_accounts(), *self._of_sessions()]

    def _of_accounts(self) -> list[Endpoint]:
        path = "/udi/v1/accounts/{account}"
        return [
            Endpoint(
                method="POST", path="/udi/v1/accounts", name="beginAccount", who=Who.SIGNED, run=self._begin,
                summary="Begin an account by its signed inception.",
                body=Media.JSON, limit=LIMIT, answer=wire.AccountHead, status=201, cost=_SIGNATURE,
            ),
            Endpoint(
                method="POST", path="/udi/v1/accounts:bring", name="bringAccount", who=Who.SIGNED, run=self._bring,
                summary="Bring an account that began elsewhere: its whole log, a line for each event.",
                body=Media.LINES, limit=MAX_LOG, answer=wire.AccountHead, status=201, cost=5 * _SIGNATURE,
            ),
            Endpoint(
                method="GET", path=path + "/kel", name="readKeyEvents", who=Who.ANYBODY, run=self._log,
                summary="The key events of an account, a line each, for whoever knows its id.",
                answer=Media.LINES, cost=5,
            ),
            Endpoint(
                method="POST", path=path + "/kel", name="appendKeyEvent", who=Who.SIGNED, run=self._append,
                summary="The next signed key event: keys, guardians, freeze, recovery.",
                body=Media.JSON, limit=LIMIT, answer=wire.AccountHead, cost=_SIGNATURE,
            ),
            Endpoint(
                method="GET", path=path + "/status", name="readAccountStatus", who=Who.OWNER, run=self._status,
                summary="Keys, freeze and recovery of one's own account.", answer=wire.AccountStatus,
            ),
        ]  # fmt: skip

    def _of_sessions(self) -> list[Endpoint]:
        path = "/udi/v1/auth"
        return [
            Endpoint(
                method="POST", path=path + "/nonce", name="askSignIn", who=Who.ANYBODY, run=self._ask,
                summary="Something to sign, good for five minutes and once.",
                body=wire.AskSignIn, answer=wire.SignInAsked, cost=5,
            ),
            Endpoint(
                method="POST", path=path + "/siwe", name="signInWithEthereum", who=Who.SIGNED, run=self._ethereum,
                summary="Open a session by a message of EIP-4361.",
                body=wire.WithEthereum, answer=wire.Opened, status=201, also=(401,), cost=_SIGNATURE,
            ),
            Endpoint(
                method="POST", path=path + "/key", name="signInWithKey", who=Who.SIGNED, run=self._key,
                summary="Open a session by any key: wallet, passkey, device, contract wallet.",
                body=wire.WithKey, answer=wire.Opened, status=201, also=(401,), cost=_SIGNATURE,
            ),
            Endpoint(
                method="GET", path=path + "/session", name="readSession", who=Who.SESSION, run=self._mine,
                summary="This session, and how its application knows the account.", answer=wire.SessionMine,
            ),
            Endpoint(
                method="DELETE", path=path + "/session", name="signOut", who=Who.SESSION, run=self._sign_out,
                summary="End this session.", answer=wire.Ended,
            ),
            Endpoint(
                method="GET", path=path + "/sessions", name="listSessions", who=Who.OWNER, run=self._list,
                summary="The open sessions of one's own account.", answer=wire.SessionList,
            ),
            Endpoint(
                method="DELETE", path=path + "/sessions", name="endSessions", who=Who.OWNER, run=self._end,
                summary="End every session of one's own account, this one too.", answer=wire.Ended,
            ),
        ]  # fmt: skip

    def _begin(self, call: Call) -> Reply:
        return Reply(_head(self._accounts.begin(call.octets, call.now)))

    def _bring(self, call: Call) -> Reply:
        return Reply(_head(self._accounts.bring(call.octets.splitlines(), call.now)))

    def _append(self, call: Call) -> Reply:
        return Reply(_head(self._accounts.append(bytes.fromhex(call.path["account"]), call.octets, call.now)))

    def _log(self, call: Call) -> Reply:
        return Reply(b"".join(each + b"\n" for each in self._accounts.log(bytes.fromhex(call.path["account"]))))

    def _status(self, call: Call) -> Reply:
        account = bytes.fromhex(call.path["account"])
        if account != call.who.account:
            raise NoAccount("no such account here")
        return Reply(_status(self._accounts.state(account), call.now))

    def _ask(self, call: Call) -> Reply:
        asked = self._door.ask(call.sent(wire.AskSignIn).app, call.now)
        return Reply(
            wire.SignInAsked(
                nonce=asked.nonce,
                domain=asked.domain,
                uri=asked.uri,
                chain=asked.chain,
                statement=asked.statement,
                expires=int(call.now) + NONCE_LASTS,
            )
        )

    def _ethereum(self, call: Call) -> Reply:
        sent = call.sent(wire.WithEthereum)
        signature = bytes.fromhex(sent.signature)
        return _opened(
            *self._door.with_ethereum(sent.app, sent.message.encode(), signature, _account(sent.account), call.now)
        )

    def _key(self, call: Call) -> Reply:
        sent = call.sent(wire.WithKey)
        key, signature = Key.parse(sent.key), bytes.fromhex(sent.signature)
        return _opened(
            *self._door.with_key(sent.app, key, signature, sent.nonce, _account(sent.account), call.now)
        )

    def _mine(self, call: Call) -> Reply:
        session = call.who
        owner = session.owner().hex() if session.app else None
        return Reply(wire.SessionMine(app=session.app, owner=owner, expires=session.expires))

    def _sign_out(self, call: Call) -> Reply:
        return Reply(wire.Ended(ended=self._sessions.end(call.who.account, only=call.who.id)))

    def _end(self, call: Call) -> Reply:
        return Reply(wire.Ended(ended=self._sessions.end(call.who.account)))

    def _list(self, call: Call) -> Reply:
        found = self._sessions.of(call.who.account, call.now)
        return Reply(wire.SessionList(sessions=[_shown(each, call.who) for each in found]))


def _account(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _head(state: State) -> wire.AccountHead:
    return wire.AccountHead(account=state.account.hex(), seq=state.seq, head=state.head.hex(), at=state.at)


def _opened(token: str, session: Session) -> Reply:
    app, known = session.app, session.owner() if session.app else session.account
    return Reply(wire.Opened(token=token, account=known.hex(), app=app, expires=session.expires))


def _shown(session: Session, asks: Session) -> wire.SessionShown:
    return wire.SessionShown(
        id=session.id.hex(),
        app=session.app,
        key=session.key.text,
        created=session.created,
        expires=session.expires,
        mine=session.id == asks.id,
    )


def _status(state: State, now: float) -> wire.AccountStatus:
    asked = state.recovery
    recovery = None
    if asked is not None:
        recovery = wire.AskedRecovery(
            id=asked.digest.hex(), key=asked.key.text, approvals=len(asked.approvals), ready=asked.ready
        )
    return wire.AccountStatus(
        account=state.account.hex(),
        seq=state.seq,
        head=state.head.hex(),
        keys=[wire.AccountKey(key=key.text, old=at) for key, at in sorted(state.keys.items())],
        guardians=len(state.helpers(now)),
        frozen=state.is_frozen(now),
        frozen_until=state.frozen_until if state.is_frozen(now) else None,
        recovery=recovery,
        grants_revoked_before=state.revoked_before,
    )
