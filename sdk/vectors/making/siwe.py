"""Sign-in messages: the grammar, and what a place accepts."""

from dataclasses import asdict
from typing import Final

from eth_utils.address import to_checksum_address

from cyberprivacy import wallet
from cyberprivacy.vault.signin import Expected, SignIn, parse, write
from making.layout import Case, Group, Json
from making.people import NOW, key, secret

ANNA: Final = to_checksum_address(key("anna").material)
HERE: Final = Expected(
    "shop.example", "https://shop.example/sign-in", 1, "0123456789abcdef", "Sign in to the shop."
)
Rows = list[tuple[str, str]]
BASE: Final = write(HERE, ANNA, now=NOW).decode()


def _with(old: str, new: str) -> str:
    """The base message with one change, which must be one."""
    if BASE.count(old) != 1:
        raise ValueError(old)
    return BASE.replace(old, new)


def _swapped(address: str) -> str:
    """The address with the case of its first letter turned."""
    place = next(at for at, char in enumerate(address) if at > 1 and char.isalpha())
    return address[:place] + address[place].swapcase() + address[place + 1 :]


def parsing() -> list[Group]:
    """What the grammar takes, and what it does not."""
    good = [Case(what, {"message": text}, _fields(parse(text.encode()))) for what, text in _READABLE]
    bad = [
        Case(what, {"message": text}, code="siwe.form")
        for what, text in (*_MALFORMED, *_bad_times(), *_bad_uris())
    ]
    size = [
        Case("exactly 4,096 bytes", {"message": _sized(4_096)}, _fields(parse(_sized(4_096).encode()))),
        Case("4,097 bytes", {"message": _sized(4_097)}, code="siwe.size"),
        Case("too large comes before malformed", {"message": "x" * 5_000}, code="siwe.size"),
    ]
    return [Group("SiweParse", {}, [*good, *bad, *size])]


def _fields(said: SignIn) -> Json:
    return {name: str(value) if name == "chain" else value for name, value in asdict(said).items()}


def _sized(size: int) -> str:
    uri = "https://shop.example/sign-in"
    return _with(uri, uri + "a" * (size - len(BASE)))


_READABLE: Final[Rows] = [
    ("the base", BASE),
    ("with a scheme", "https://" + BASE),
    ("with a port", "shop.example:8443" + BASE[12:]),
    ("with a user", "anna:x@shop.example" + BASE[12:]),
    ("an IPv6 address", "[::1]:80" + BASE[12:]),
    ("a percent-encoded host", "%41bc" + BASE[12:]),
    ("no statement", _with("Sign in to the shop.\n\n", "\n")),
    ("every character of a statement", _with("Sign in to the shop.", "aZ09-._~!$&'()*+,;=:/?#[]@ ")),
    ("a statement of 1,024 bytes", _with("Sign in to the shop.", "s" * 1_024)),
    ("a statement of a blank", _with("Sign in to the shop.", " ")),
    ("chain 0", _with("Chain ID: 1", "Chain ID: 0")),
    ("chain of 19 digits", _with("Chain ID: 1", "Chain ID: 9999999999999999999")),
    ("nonce of 8", _with("0123456789abcdef", "aZ09bY18")),
    ("nonce of 128", _with("0123456789abcdef", "n" * 128)),
    ("a fraction of a second is dropped", _with("08:00:00Z\nExp", "08:00:00.999999999Z\nExp")),
    ("a time east of Greenwich", _with("08:00:00Z\nExp", "10:30:00+02:30\nExp")),
    ("a time west of Greenwich", _with("08:00:00Z\nExp", "08:00:00-23:59\nExp")),
    ("minus zero o'clock", _with("08:00:00Z\nExp", "08:00:00-00:00\nExp")),
    ("the first year", _with("2027-01-15T08:00:00Z\nExp", "0001-01-01T00:00:00Z\nExp")),
    ("the last year", _with("2027-01-15T08:00:00Z\nExp", "9999-12-31T23:59:59Z\nExp")),
    ("before 1970, with a fraction", _with("2027-01-15T08:00:00Z\nExp", "1969-12-31T23:59:58.5Z\nExp")),
    ("a leap day", _with("2027-01-15T08:00:00Z\nExp", "2028-02-29T08:00:00Z\nExp")),
    ("a leap day of 2000", _with("2027-01-15T08:00:00Z\nExp", "2000-02-29T08:00:00Z\nExp")),
    ("no expiry", BASE.partition("\nExpiration")[0]),
    ("not before", BASE + "\nNot Before: 2027-01-15T08:00:00Z"),
    ("a request id", BASE + "\nRequest ID: aZ9-._~!$&'()*+,;=:@%20"),
    ("an empty request id", BASE + "\nRequest ID: "),
    ("no resources", BASE + "\nResources:"),
    ("two resources", BASE + "\nResources:\n- https://a.example/x?y#z\n- ipfs://bafy"),
    ("32 resources", BASE + "\nResources:" + "\n- urn:a" * 32),
    ("everything", BASE + "\nNot Before: 2027-01-15T08:00:00Z\nRequest ID: 1\nResources:\n- urn:a"),
    ("a URI without authority", _with("https://shop.example/sign-in", "did:key:z6Mk")),
    (
        "a URI with everything",
        _with("https://shop.example/sign-in", "a+b-1.c://u@[2001:db8::1]:1/p;q/%2F?a=/?#f?/"),
    ),
    ("a URI of a scheme only", _with("https://shop.example/sign-in", "a:")),
]


_MALFORMED: Final[Rows] = [
    ("nothing", ""),
    ("a line feed after", BASE + "\n"),
    ("a line feed before", "\n" + BASE),
    ("carriage returns", BASE.replace("\n", "\r\n")),
    ("an address without checksum", _with(ANNA, ANNA.lower())),
    ("an address in capitals", _with(ANNA, "0x" + ANNA[2:].upper())),
    ("a wrong checksum", _with(ANNA, _swapped(ANNA))),
    ("an address with 0X", _with(ANNA, "0X" + ANNA[2:])),
    ("an address of 39 digits", _with(ANNA, ANNA[:-1])),
    ("version 2", _with("Version: 1", "Version: 2")),
    ("version 01", _with("Version: 1", "Version: 01")),
    ("a chain with a leading zero", _with("Chain ID: 1", "Chain ID: 01")),
    ("a chain of 20 digits", _with("Chain ID: 1", "Chain ID: 10000000000000000000")),
    ("a chain with a sign", _with("Chain ID: 1", "Chain ID: +1")),
    ("a chain in hex", _with("Chain ID: 1", "Chain ID: 0x1")),
    ("a chain in other digits", _with("Chain ID: 1", "Chain ID: \u0661")),
    ("a nonce of 7", _with("0123456789abcdef", "0123456")),
    ("a nonce of 129", _with("0123456789abcdef", "n" * 129)),
    ("a nonce with a sign", _with("0123456789abcdef", "0123456789-abcdef")),
    ("a nonce with a letter outside ASCII", _with("0123456789abcdef", "0123456789\u00e4bcdef")),
    ("a statement of 1,025 bytes", _with("Sign in to the shop.", "s" * 1_025)),
    ("an empty statement", _with("Sign in to the shop.", "")),
    ("a statement outside ASCII", _with("Sign in to the shop.", "Sign in to the sh\u00f6p.")),
    ("a statement of two lines", _with("Sign in to the shop.", "Sign in\nto the shop.")),
    ("a statement with quotes", _with("Sign in to the shop.", 'Sign in to "the shop".')),
    ("a statement with a tab", _with("Sign in to the shop.", "Sign in\tto the shop.")),
    ("other words", _with("sign in with your Ethereum account", "log in with your Ethereum account")),
    ("one empty line less after the address", _with(f"{ANNA}\n\n", f"{ANNA}\n")),
    ("one empty line less after the statement", _with("shop.\n\n", "shop.\n")),
    ("two blanks", _with("Nonce: 0", "Nonce:  0")),
    ("a blank after", BASE + " "),
    ("a small letter in a label", _with("Chain ID", "Chain Id")),
    ("lines in another order", _with("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1")),
    ("a line twice", _with("Version: 1\n", "Version: 1\nVersion: 1\n")),
    ("no nonce", _with("Nonce: 0123456789abcdef\n", "")),
    ("no time of issue", _with("Issued At: 2027-01-15T08:00:00Z\n", "")),
    ("an unknown line", BASE + "\nMore: 1"),
    ("a request id before not before", BASE + "\nRequest ID: 1\nNot Before: 2027-01-15T08:00:00Z"),
    ("a request id with a solidus", BASE + "\nRequest ID: a/b"),
    ("a request id with half an escape", BASE + "\nRequest ID: %2"),
    ("33 resources", BASE + "\nResources:" + "\n- urn:a" * 33),
    ("a resource without dash", BASE + "\nResources:\nurn:a"),
    ("an empty resource", BASE + "\nResources:\n- "),
    ("a blank after resources", BASE + "\nResources: \n- urn:a"),
    ("a resource that is no URI", BASE + "\nResources:\n- no uri"),
]


def _bad_times() -> list[tuple[str, str]]:
    times = (
        *(
            "2027-01-15t08:00:00Z",
            "2027-01-15T08:00:00z",
            "2027-01-15 08:00:00Z",
            "2027-01-15T08:00:00",
            "2027-01-15",
        ),
        *("2027-02-29T08:00:00Z", "1900-02-29T08:00:00Z", "2027-04-31T08:00:00Z", "2027-13-01T08:00:00Z"),
        *("2027-00-15T08:00:00Z", "2027-01-00T08:00:00Z", "2027-01-32T08:00:00Z", "2027-01-15T24:00:00Z"),
        *("2027-01-15T08:60:00Z", "2027-01-15T08:00:60Z", "2027-01-15T08:00:00.Z", "2027-01-15T08:00:00,5Z"),
        *("2027-01-15T08:00:00.0123456789Z", "2027-01-15T08:00:00+24:00", "2027-01-15T08:00:00+02:60"),
        *("2027-01-15T08:00:00+0200", "2027-01-15T08:00:00+02", "20270115T080000Z", "0000-01-01T00:00:00Z"),
        *("02027-01-15T08:00:00Z", "-2027-01-15T08:00:00Z", "2027-W02-5T08:00:00Z", "1800000000", "", "now"),
        *("2027-01-15T08:00Z", "2027-1-15T08:00:00Z", "2027-01-15T8:00:00Z"),
    )
    old = "Issued At: 2027-01-15T08:00:00Z"
    made = [(f"time {text!r}", _with(old, f"Issued At: {text}")) for text in times]
    return [*made, ("an expiry that is no time", BASE[: BASE.index("Time: ") + 6] + "soon")]


def _bad_uris() -> list[tuple[str, str]]:
    uris = (
        *("", "shop.example", "//shop.example", "https//shop.example", "1a:b", "https://", "https:///path"),
        *(
            "https://shop.example/a b",
            "https://shop.example/%zz",
            "https://shop.example/%4",
            "https://shop.example/\u00f6",
        ),
        *(
            "https://shop.example/a#b#c",
            "https://shop.example:123456/",
            "https://shop.example:/",
            "https://[::1",
            "https://[v1.a]/",
        ),
        *(
            "https://[::g]/",
            "https://[:]/",
            "https://a@b@c/",
            "https://shop.example/<",
            "https://shop.example/[",
            "https://shop\\example/",
            "https://shop.example:x/",
        ),
        *("https://shop.example/a\tb", "a://b c", ":a", "a_b:c"),
    )
    made = [(f"URI {uri!r}", _with("URI: https://shop.example/sign-in", f"URI: {uri}")) for uri in uris]
    domains = (
        "",
        "shop example",
        "shop.example/",
        "shop.example:",
        "shop.example:123456",
        "[::1",
        "shop.\u00e9xample",
        "a@b@c",
        "%4",
        "[1]",
        "https://",
    )
    return [*made, *((f"domain {domain!r}", domain + BASE[12:]) for domain in domains)]


def verifying() -> list[Group]:
    """What one place accepts at one time."""
    shared: Json = {
        "expected": {**asdict(HERE), "chain": str(HERE.chain)},
        "address": ANNA,
        "secret": secret("anna").hex(),
    }
    return [Group("SiweVerify", shared, [*_accepted(), *_refused()])]


def _signed(
    what: str, text: str, code: str = "", *, now: int = NOW, by: str = "anna", signature: str = ""
) -> Case:
    made = signature or wallet.sign(secret(by), wallet.personal(text.encode())).hex()
    return Case(what, {"message": text, "signature": made, "now": now}, code=code)


def _accepted() -> list[Case]:
    longest = write(HERE, ANNA, now=NOW, lasts=900).decode()
    return [
        _signed("just now", BASE),
        _signed("the scheme may be said", "https://" + BASE),
        _signed("120 seconds ago", BASE, now=NOW + 120),
        _signed("a clock that is 120 seconds slow", BASE, now=NOW - 120),
        _signed("for 900 seconds", longest),
        _signed("begins now", BASE + "\nNot Before: 2027-01-15T08:00:00Z"),
        _signed("a time in another zone", _with("08:00:00Z\nExp", "09:00:00+01:00\nExp")),
        _signed("the last second", write(HERE, ANNA, now=NOW, lasts=60).decode(), now=NOW + 59),
        _signed("a fraction does not make it late", _with("08:00:00Z\nExp", "08:00:00.9Z\nExp"), now=NOW - 120),
    ]


def _refused() -> list[Case]:
    good = wallet.sign(secret("anna"), wallet.personal(BASE.encode()))
    r, s, v = good[:32], int.from_bytes(good[32:64]), good[64]
    high = (r + (wallet.ORDER - s).to_bytes(32) + bytes([55 - v])).hex()
    unsaid = BASE.partition("\nExpiration")[0]
    return [
        _signed("another domain", "evil.example" + BASE[12:], "siwe.domain"),
        _signed("a domain in capitals", "SHOP.example" + BASE[12:], "siwe.domain"),
        _signed("a subdomain", "www." + BASE, "siwe.domain"),
        _signed("a port that is not expected", "shop.example:443" + BASE[12:], "siwe.domain"),
        _signed("another scheme", "http://" + BASE, "siwe.domain"),
        _signed("another URI", _with("/sign-in", "/"), "siwe.uri"),
        _signed("another chain", _with("Chain ID: 1", "Chain ID: 2"), "siwe.chain"),
        _signed("a chain that loses digits", _with("Chain ID: 1", "Chain ID: 9007199254740993"), "siwe.chain"),
        _signed("another nonce", _with("0123456789abcdef", "0123456789abcdeF"), "siwe.nonce"),
        _signed("another statement", _with("to the shop.", "to the bank."), "siwe.statement"),
        _signed("without a statement", _with("Sign in to the shop.\n\n", "\n"), "siwe.statement"),
        _signed("with a request id", BASE + "\nRequest ID: 1", "siwe.extra"),
        _signed("with an empty request id", BASE + "\nRequest ID: ", "siwe.extra"),
        _signed("with a resource", BASE + "\nResources:\n- urn:a", "siwe.extra"),
        _signed("with an empty list", BASE + "\nResources:", "siwe.extra"),
        _signed("121 seconds ago", BASE, "siwe.issued", now=NOW + 121),
        _signed("121 seconds to come", BASE, "siwe.issued", now=NOW - 121),
        _signed("without an end", unsaid, "siwe.expiry"),
        _signed("for 901 seconds", write(HERE, ANNA, now=NOW, lasts=901).decode(), "siwe.expiry"),
        _signed("ended this second", write(HERE, ANNA, now=NOW, lasts=60).decode(), "siwe.expired", now=NOW + 60),
        _signed("ended before it was issued", write(HERE, ANNA, now=NOW, lasts=-1).decode(), "siwe.expired"),
        _signed("begins in a second", BASE + "\nNot Before: 2027-01-15T08:00:01Z", "siwe.early"),
        _signed("somebody else signed", BASE, "siwe.signer", by="bert"),
        _signed("another message was signed", BASE, "siwe.signer", signature=_for("https://" + BASE)),
        _signed("the bare text was hashed", BASE, "siwe.signer", signature=_bare(BASE)),
        _signed("high s", BASE, "signature.high-s", signature=high),
        _signed("v as 0 or 1", BASE, "signature.v", signature=good[:64].hex() + f"{v - 27:02x}"),
        _signed("a signature of 64 bytes", BASE, "signature.form", signature=good[:64].hex()),
        _signed("the signature comes before the grammar", "no message", "signature.form", signature="00"),
        _signed("the grammar comes before the signer", "no message", "siwe.form"),
        _signed("the size comes before the signature", "x" * 4_097, "siwe.size", signature="00"),
        _signed("the signer comes before the domain", "evil.example" + BASE[12:], "siwe.signer", by="bert"),
        _signed("the domain comes before the time", "evil.example" + BASE[12:], "siwe.domain", now=NOW + 9_999),
    ]


def _for(text: str) -> str:
    return wallet.sign(secret("anna"), wallet.personal(text.encode())).hex()


def _bare(text: str) -> str:
    from eth_utils.crypto import keccak

    return wallet.sign(secret("anna"), keccak(text.encode())).hex()
