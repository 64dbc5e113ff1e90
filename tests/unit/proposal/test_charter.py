"""A founding file says what a founder decides; nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.proposal.charter import BadCharter, parse
from cyberprivacy.proposal.founding import DEMO, PRODUCTION

PEOPLE = [f"0x{number:040x}" for number in range(1, 12)]  # digits only: no checksum to get wrong
GOOD = f"""
name = "guestbook"
symbol = "GUEST"
members = {PEOPLE[:3]}
publishers = {PEOPLE[3:4]}
providers = {PEOPLE[4:5]}
auditors = {PEOPLE[5:7]}
organisations = {PEOPLE[7:10]}
""".replace("'", '"').replace(
    "0x000000000000000000000000000000000000000a", "0x000000000000000000000000000000000000000A"
)


@pytest.mark.parametrize("least", [DEMO, PRODUCTION])
def test_a_founding_has_the_shortest_laps_that_its_factory_allows(least) -> None:
    founding = parse(GOOD.encode(), least)
    assert (founding.policy.floor, founding.deployment_lap) == (least.review_floor, least.deployment_lap)


@pytest.mark.parametrize("least", [DEMO, PRODUCTION])
def test_a_longer_vote_gives_repairs_longer_to_be_ratified(least) -> None:
    period = least.voting_period * 3
    founding = parse(f"voting_period = {period}\n{GOOD}".encode(), least)
    road = founding.voting_delay + period + founding.late_extension + founding.deployment_lap
    assert founding.policy.vote_allowance > road


def test_what_a_founder_says_of_it_is_kept() -> None:
    founding = parse(f"{GOOD}\n[policy]\nvote_allowance = 77\n".encode(), DEMO)
    assert founding.policy.vote_allowance == 77


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "guestbook"', 'name = "guestbook"\nsurprise = 1'),
        ('name = "guestbook"', ""),
        ("members", "votes"),
        ("0x0000000000000000000000000000000000000001", "0x01"),
        ("0x0000000000000000000000000000000000000001", "0x0000000000000000000000000000000000000002"),
        ('symbol = "GUEST"', 'symbol = "GUEST"\nvoting_period = -1'),
        ('symbol = "GUEST"', 'symbol = "GUEST"\nvoting_period = true'),
    ],
)
def test_anything_else_is_refused(old: str, new: str) -> None:
    with pytest.raises(BadCharter):
        parse(GOOD.replace(old, new, 1).encode(), DEMO)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with pytest.raises(BadCharter):
        parse(data, DEMO)
