"""A founding file: what a founder decides, as people write it.

```toml
name = "guestbook"
symbol = "GUEST"
members = ["0x…", "0x…", "0x…"]        # one member, one vote, not transferable
publishers = ["0x…"]                    # who may publish bundles
providers = ["0x…"]                     # operators that may run the application
auditors = ["0x…", "0x…"]               # named by the DAO: a minority of the seats
organisations = ["0x…", "0x…", "0x…"]   # independent auditors, known to the chain's AuditorRegistry

# Optional. Seconds; the shortest that the factory allows where nothing is said.
deployment_lap = 172800
voting_period = 259200

[votes]                                 # instead of `members`: transferable votes, in whole votes
"0x…" = 1000

[policy]                                # optional, like the laps above
floor = 604800
```
"""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from eth_utils.address import is_checksum_address

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.founding import Founding, Minimums, Policy, allowance, founding_from
from cyberprivacy.proposal.release import Address

MAX_CHARTER: Final = 64 << 10
_LISTS: Final = ("members", "publishers", "providers", "auditors", "organisations")
_NUMBERS: Final = (
    "voting_delay",
    "voting_period",
    "late_extension",
    "proposal_threshold",
    "quorum_percent",
    "deployment_lap",
    "seat_term",
)
_VOTE: Final = 10**18


class BadCharter(Misuse):
    """A founding file cannot be used as it is."""

    code = "dao.charter"
    hint = "See `cyberprivacy dao create --help` for a file that works."


def parse(data: bytes, least: Minimums) -> Founding:
    """The founding that a TOML file describes, on a factory with these floors.

    Raises:
        BadCharter: too large, not TOML, or a key is missing, unknown or of the wrong form.
    """
    if len(data) > MAX_CHARTER:
        raise BadCharter("the founding file is too large", limit=MAX_CHARTER)
    try:
        value = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadCharter("the founding file is not TOML", why=str(error)[:200]) from None
    _known(value, {"name", "symbol", "votes", "policy", *_LISTS, *_NUMBERS})
    if ("members" in value) == ("votes" in value):
        raise BadCharter("say who votes: either `members` or `votes`")
    lists = {name: _addresses(value.get(name, []), name) for name in _LISTS}
    founding = founding_from(least, name=_text(value, "name"), symbol=_text(value, "symbol"), **lists)
    if "votes" in value:
        holders = _table(value, "votes")
        founding = replace(
            founding,
            soulbound=False,
            holders=tuple(_addresses(list(holders), "votes")),
            amounts=tuple(_number(holders, holder) * _VOTE for holder in holders),
            proposal_threshold=_VOTE,
        )
    told: dict[str, Any] = {name: _number(value, name) for name in _NUMBERS if name in value}
    founding = replace(founding, **told)
    road = founding.voting_delay + founding.voting_period + founding.late_extension + founding.deployment_lap
    # A DAO that votes longer than its factory asks for needs longer to ratify a repair, or every repair would die.
    quickest = replace(founding.policy, vote_allowance=max(founding.policy.vote_allowance, allowance(road)))
    return replace(founding, policy=_policy(_table(value, "policy"), quickest))


def _policy(value: Mapping[str, Any], default: Policy) -> Policy:
    names = {each.name for each in fields(Policy)}
    _known(value, names)
    return replace(default, **{name: _number(value, name) for name in value})


def _known(value: Mapping[str, Any], names: set[str]) -> None:
    if unknown := sorted(set(value) - names):
        raise BadCharter("unknown key", key=unknown[0], known=sorted(names))


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = value.get(key, {})
    if not isinstance(table, dict):
        raise BadCharter("not a table", key=key)
    return table


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not 0 < len(text.encode()) <= 64 or not text.isprintable():
        raise BadCharter("missing, or not a short text", key=key)
    return text


def _number(value: Mapping[str, Any], key: str) -> int:
    number = value[key]
    if type(number) is not int or not 0 <= number < 1 << 48:
        raise BadCharter("not a whole number of a usable size", key=key)
    return number


def _addresses(value: object, key: str) -> list[Address]:
    if not isinstance(value, list) or len(set(map(str, value))) != len(value):
        raise BadCharter("not a list of different addresses", key=key)
    for each in value:
        if not isinstance(each, str) or not is_checksum_address(each):
            raise BadCharter("not an address with its checksum (EIP-55)", key=key, value=str(each)[:60])
    return [Address(each) for each in value]
