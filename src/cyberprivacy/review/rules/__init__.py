"""Every rule of the gate: one stable code, what it says, and what to do about it.

Codes are for ever: a rule may go, its code never comes back with another meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cyberprivacy.review.rules.administration import ADMINISTRATION
from cyberprivacy.review.rules.data import DATA
from cyberprivacy.review.rules.dockerfile import DOCKERFILE
from cyberprivacy.review.rules.kubernetes import KUBERNETES
from cyberprivacy.review.rules.rule import Rule
from cyberprivacy.review.rules.tree import TREE

RULES: Final[Mapping[str, Rule]] = MappingProxyType({**TREE, **DOCKERFILE, **KUBERNETES, **ADMINISTRATION, **DATA})
"""By code, in the order in which `cyberprivacy lint --rules` prints them."""

__all__ = ["RULES", "Rule"]
