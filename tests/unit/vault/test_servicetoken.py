"""Service tokens: less than the grant, for five minutes, for one key."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grants import COPY, SCOPE, alice, grant, h
from people import NOW, refusal

from cyberprivacy.vault.receipt import KeySigner
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.servicetoken import Token, check, issue

GRANT = grant(alice())
KEY = KeySigner(Ed25519PrivateKey.from_private_bytes(h("recipient")))
PUBLIC = KEY.public
HOLDER = h("holder")
TOKEN = Token(grant=GRANT.id, scopes=(COPY,), holder=HOLDER, since=NOW, until=NOW + 300)
WIDER = replace(SCOPE, actions=(Action.READ, Action.WRITE))


def judged(data: bytes, **change: object) -> str:
    asked = {"grant": GRANT, "issuer": PUBLIC, "holder": HOLDER, "now": NOW, **change}
    return refusal(lambda: check(data, **asked))  # type: ignore[arg-type]


def test_a_service_gets_a_part_for_five_minutes() -> None:
    for scopes in ((COPY,), (SCOPE,), (replace(COPY, selector=Selector(5)),)):
        data = issue(replace(TOKEN, scopes=scopes), GRANT, KEY)
        assert check(data, GRANT, issuer=PUBLIC, holder=HOLDER, now=NOW).scopes == scopes
        assert judged(data, now=NOW + 299) == ""
        assert judged(data, now=NOW + 300) == "token.time"
        assert judged(data, now=NOW - 121) == "token.time"


def test_nobody_issues_more_than_the_grant() -> None:
    assert refusal(lambda: issue(replace(TOKEN, scopes=(WIDER,)), GRANT, KEY)) == "token.wider"
    assert refusal(lambda: issue(replace(TOKEN, grant=h("other", 16)), GRANT, KEY)) == "token.wider"
    wide = grant(alice(), scopes=(WIDER,))
    assert judged(issue(replace(TOKEN, scopes=(WIDER,)), wide, KEY)) == "token.wider"


def test_a_token_is_of_use_to_its_holder_under_its_grant_only() -> None:
    data = issue(TOKEN, GRANT, KEY)
    assert judged(data, holder=h("thief")) == "token.holder"
    assert judged(data, grant=grant(alice(), id=h("other", 16))) == "token.grant"
    assert judged(data, issuer=Ed25519PrivateKey.generate().public_key().public_bytes_raw()) == "token.signature"
    assert judged(data.replace(HOLDER.hex().encode(), h("thief").hex().encode())) == "token.signature"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"until": NOW + 301}, "token.long"),
        ({"until": NOW}, "token.long"),
        ({"holder": "00"}, "token.form"),
        ({"more": 1}, "token.form"),
        ({"scopes": []}, "scope.form"),
    ],
)
def test_another_form_is_refused(change: dict[str, object], code: str) -> None:
    assert refusal(lambda: Token.read({**TOKEN.as_json(), **change})) == code
    assert judged(b'{"signature":"","token":1}') == "token.form"
    assert judged(b"x" * (33 << 10)) == "json.form"
