"""Values that only one step can make.

Each step of a release hands on a frozen dataclass. Its field `seal` takes a token that the step keeps
private to its package, so that a later step which accepts the value knows that the checks were made:
skipping one is a type error, forging one is an exception.
"""

from cyberprivacy.errors import Misuse


class Seal:
    """A step's private token; `check` refuses every other one."""

    __slots__ = ("_maker",)

    def __init__(self, maker: str) -> None:
        self._maker = maker

    def check(self, token: object) -> None:
        """Refuse a value that was not made by the step that owns this seal.

        Raises:
            Misuse: `token` is not this very seal ("seal.forged").
        """
        if token is not self:
            raise Misuse(f"only {self._maker} can make this value", code="seal.forged")

    def __repr__(self) -> str:
        return f"<seal of {self._maker}>"
