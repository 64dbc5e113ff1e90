"""A new key is born in time, and connections from before it still get true answers."""

import pytest

from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.errors import TryLater
from cyberprivacy.node.identities import LIFETIME, Identities, OldConnection

NOW = 1_800_000_000


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identities(clock: Clock) -> Identities:
    return Identities(["localhost"], clock=clock)


def test_nothing_is_renewed_before_its_time(identities: Identities) -> None:
    used: list[TlsIdentity] = []
    identities.renew(used.append)
    assert used == []


def test_a_connection_keeps_its_identity_over_renewals_until_its_certificate_ends(
    identities: Identities, clock: Clock
) -> None:
    first = identities.current
    used: list[TlsIdentity] = []
    clock.now = NOW + LIFETIME - 1
    identities.renew(used.append)
    assert used == [identities.current]
    assert identities.current.spki != first.spki
    assert identities.of(first.fingerprint) is first
    assert identities.of(identities.current.fingerprint) is identities.current
    clock.now = NOW + LIFETIME + 1
    with pytest.raises(OldConnection):
        identities.of(first.fingerprint)


def test_ended_identities_are_forgotten(identities: Identities, clock: Clock) -> None:
    for _ in range(5):
        clock.now += LIFETIME
        identities.renew(lambda _: None)
    assert len(identities._all) == 2


def test_a_front_that_does_not_take_the_new_key_keeps_the_old_one(identities: Identities, clock: Clock) -> None:
    first = identities.current
    clock.now = NOW + LIFETIME - 1

    def refuse(_: TlsIdentity) -> None:
        raise TryLater("no answer", code="front.silent")

    with pytest.raises(TryLater):
        identities.renew(refuse)
    assert identities.current is first


def test_a_certificate_of_somebody_else_is_not_ours(identities: Identities) -> None:
    with pytest.raises(OldConnection):
        identities.of(bytes(32))
