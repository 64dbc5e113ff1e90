"""The list of intermediate certificates that AMD has taken back, signed by the root. Pure: time is an input.

It covers what the root has signed: ASK and ASVK. Leaves all have serial number 0 and are never in it; a chip's key
is left behind by raising the TCB.

Source: AMD 57230 1.00, "Certificate revocation list"; RFC 5280, section 5.
"""

from typing import Final

from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.der import INTEGER, SEQUENCE, Der, extensions
from cyberprivacy.attest.snp.chain import Chain, authority_key, issued, signed_parts, usage

MAX_CRL: Final = 64 << 10
CRL_NUMBER: Final = "2.5.29.20"
_SIGNS_CRLS: Final = 0x02
_WHAT: Final = "a revocation list"


def check_revocation(data: bytes, chain: Chain, *, now: int) -> None:
    """Check that the root's list is genuine and of this time, and names none of the two authorities.

    Raises:
        BadChain: of another form, or not signed by the root ("snp.crl"); not of this time ("snp.crl-expired"); it
            names an authority of the chain ("evidence.revoked").
    """
    try:
        since, until, revoked = _read(data, chain)
    except BadChain as error:
        raise BadChain(str(error), code="snp.crl") from None
    if not since <= now <= until:
        raise BadChain("the revocation list is not of this time", code="snp.crl-expired", since=since, until=until)
    for authority in (chain.middle, chain.root):
        if authority.serial in revoked:
            raise BadChain("AMD has taken back a certificate", code="evidence.revoked", serial=authority.serial)


def _read(data: bytes, chain: Chain) -> tuple[int, int, frozenset[int]]:
    """From when and until when it holds, and the serial numbers in it."""
    if len(data) > MAX_CRL:
        raise BadChain("the revocation list is too large", size=len(data), limit=MAX_CRL)
    signed, algorithm, signature = signed_parts(data, _WHAT)
    fields = Der(signed, _WHAT).inside()
    version, same, issuer = fields.natural(), fields.whole(SEQUENCE)[0], fields.whole(SEQUENCE)[0]
    if version != 1 or same != algorithm or issuer != chain.root.subject:
        raise BadChain("a revocation list of another version or issuer")
    since, until = fields.time(), fields.time()
    revoked = _entries(fields.inside()) if fields.peek() == SEQUENCE else frozenset[int]()
    listed = fields.inside(0xA0)
    fields.end()
    for name, (critical, _) in extensions(listed.inside()).items():
        if critical:
            raise BadChain("a revocation list with an unknown critical extension", oid=name)
    listed.end()
    if not usage(chain.root, _SIGNS_CRLS) or not issued(authority_key(chain.root), signed, signature):
        raise BadChain("a revocation list that the root has not signed")
    return since, until, revoked


def _entries(listed: Der) -> frozenset[int]:
    """Serial numbers; an entry with an extension of any kind (a hold, another issuer) is revoked all the same."""
    made: set[int] = set()
    for entry in listed.each():
        if entry.peek() != INTEGER:
            raise BadChain("a revocation list with an entry of another form")
        made.add(entry.natural())
        entry.time()
        if entry:
            extensions(entry.inside())
        entry.end()
    return frozenset(made)
