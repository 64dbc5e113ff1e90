"""The refusals of this room. Each leaves everything as it was, unless its sentence says otherwise."""

from cyberprivacy.errors import Misuse, TryLater, Untrusted


class BadRequest(Misuse):
    """A request is not what this door takes.

    Codes: admin.form (not the one spelling of a request), admin.size, admin.dao, admin.chain, admin.release (made
    for another DAO, chain or release), admin.unknown (nothing of this name is declared for this act), admin.value
    (outside the declared bounds), admin.why, admin.nothing (the release declares no administration).
    """

    code = "admin.form"
    hint = "`cyberprivacy admin show` lists what may be turned and asked, and within which bounds."


class NotAdministrator(Untrusted):
    """Whoever signed is not somebody whom the DAO has voted in.

    Codes: admin.signature (not a signature, or a second spelling of one), admin.signer (not an administrator).
    """

    code = "admin.signer"
    hint = "The release's manifest names its administrators; only a vote changes them."


class Replayed(Untrusted):
    """A signed request came too late or twice. Codes: admin.expired, admin.expiry (too far ahead), admin.nonce."""

    code = "admin.nonce"
    hint = "Sign a new request; an old one is never taken again."


class BudgetSpent(TryLater):
    """What this period may tell about the users has been told."""

    code = "admin.spent"
    hint = "Ask again when the next period begins."


class NotReady(TryLater):
    """The door is closed for now. Codes: admin.closed (no release runs), admin.many (too many requests)."""

    code = "admin.closed"
    hint = "`status` says what the node waits for."


class BadContributions(TryLater):
    """The application did not give its numbers as it should; the entry and the budget are spent.

    Codes: admin.silent (no answer), admin.contributions (not a list of distinct users with one number each).
    """

    code = "admin.contributions"
    hint = "Report it to the authors: docs/reference/administration.md says what the application must answer."
