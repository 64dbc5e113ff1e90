"""One family of errors; three bases, because a caller can do three different things about them.

* `Untrusted`: do not go on; somebody or something is not what it should be. Exit code 1.
* `Misuse`: you asked for something that cannot be; asking again will not help. Exit code 2.
* `TryLater`: a disk, a network or an engine failed; the same request may succeed later. Exit code 3.
"""


class CyberPrivacyError(Exception):
    """A refusal with a stable code; the text may change, the code may not.

    Attributes:
        code: lower-case words with dots, such as "bundle.hash"; logged, printed by the command line,
            returned by HTTP interfaces, and asserted on in tests. A raiser may narrow it with `code=`.
        hint: what the reader can do next, in one sentence; "" if there is nothing to do.
        facts: the values that explain this refusal, by name; never a secret.
    """

    code = "error"
    hint = ""
    exit_code = 1

    def __init__(self, what: str, *, code: str | None = None, hint: str | None = None, **facts: object) -> None:
        super().__init__(what)
        self.facts = facts
        if code is not None:
            self.code = code
        if hint is not None:
            self.hint = hint

    @property
    def what(self) -> str:
        """What happened, without the facts."""
        return str(self.args[0])

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.what} ({facts})" if facts else self.what


class Untrusted(CyberPrivacyError):
    """Something failed a check: do not use it."""

    code = "untrusted"
    exit_code = 1


class Misuse(CyberPrivacyError):
    """The request itself is wrong; nothing was changed."""

    code = "misuse"
    exit_code = 2


class TryLater(CyberPrivacyError):
    """Something needed is out of reach for now; nothing was lost."""

    code = "later"
    exit_code = 3
