"""Asks vendors, politely: one at a time, ever more slowly while they are busy, and never for long.

Source: RFC 9110, section 10.2.3 (Retry-After); RFC 6585, section 4 (429).
"""

import random
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote_to_bytes

import httpx2

from cyberprivacy.attest.collateral.cache import Copy, Queue
from cyberprivacy.attest.collateral.resource import Form, Resource
from cyberprivacy.build.web import answer, body
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import Misuse, TryLater, Untrusted

ATTEMPTS: Final = 5
FIRST_DELAY: Final = 1.0
"""Seconds before the second attempt, more or less; each further one waits twice as long."""

MAX_CHAIN: Final = 32 << 10
PACE: Final = Pace(deadline=30.0, first=15.0, connect=10.0, silence=10.0, grace=5.0, rate=2 << 10)

_BUSY: Final = frozenset({429, 503})
_ABSENT: Final = frozenset({400, 404, 410})
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class NoCollateral(TryLater):
    """A vendor does not answer, and there is no copy of what it said before."""

    code = "collateral.unreachable"
    hint = "Try again later, or let the machine that made the evidence send certificates and collateral along."


class BadSource(Untrusted):
    """A source answered something that cannot be what was asked for."""

    code = "collateral.form"
    hint = "Look at who answers there; a proxy may stand in between."


class _Busy(Exception):
    """The source may answer another time."""

    def __init__(self, problem: str, after: float = 0.0) -> None:
        super().__init__(problem)
        self.after = after


class Source:
    """Fetches over https. The certificates of web servers are checked as everywhere; redirects are refused."""

    def __init__(
        self,
        *,
        authorities: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        pace: Pace = PACE,
    ) -> None:
        """Ask with this patience.

        Args:
            authorities: who certifies web servers; None = those of this system.
            clock: seconds since 1970.
            sleep: waits for so many seconds.
            jitter: 0 to 1, so that many who were refused at one time do not come back at one time.
            pace: of one answer.
        """
        limits = httpx2.Timeout(pace.silence, connect=pace.connect)
        trusted = ssl.create_default_context() if authorities is None else authorities
        self._client = httpx2.Client(verify=trusted, timeout=limits, follow_redirects=False)
        self._clock, self._sleep, self._jitter, self._pace = clock, sleep, jitter, pace

    def fetch(self, resource: Resource, queue: Queue, *, until: float) -> Copy:
        """The answer, after as many attempts as there is time for.

        Args:
            resource: what to ask for.
            queue: the right to ask there; it is told how long the source wants to be left alone.
            until: seconds since 1970, when patience ends.

        Raises:
            NoCollateral: out of reach ("collateral.unreachable"), or too many have asked ("collateral.throttled").
            BadSource: an answer of another form ("collateral.form") or size ("collateral.size"), a redirect
                ("collateral.redirect"), a web server that nobody certifies ("collateral.tls"), or it knows
                nothing of this hardware ("collateral.unknown").
            Misuse: it does not talk to us ("collateral.refused").
        """
        problem = _Busy("not asked yet")
        for attempt in range(ATTEMPTS):
            self._wait(resource, queue, until)
            try:
                return self._once(resource)
            except _Busy as busy:
                problem = busy
                backoff = FIRST_DELAY * 2**attempt * (0.5 + self._jitter() / 2)
                queue.leave_alone(max(backoff, busy.after))
        code = "collateral.throttled" if problem.after else "collateral.unreachable"
        raise NoCollateral("no answer", code=code, url=resource.url, problem=str(problem), attempts=ATTEMPTS)

    def _wait(self, resource: Resource, queue: Queue, until: float) -> None:
        left = queue.until - self._clock()
        if queue.until > until:
            raise NoCollateral(
                "the source wants to be left alone for now",
                code="collateral.throttled",
                url=resource.url,
                seconds=int(left) + 1,
            )
        if left > 0:
            self._sleep(left)

    def _once(self, resource: Resource) -> Copy:
        headers = {"accept-encoding": "identity"}  # so that no few bytes unfold into many
        request = self._client.build_request("GET", resource.url, headers=headers)
        try:
            with answer(self._client, request, self._pace) as response:
                self._judge(response, resource)
                found = body(response, resource.limit)
                said = response.headers.get(resource.header, "") if resource.header else ""
        except httpx2.HTTPError as error:
            if _uncertified(error):
                raise BadSource(
                    "nobody certifies this web server", code="collateral.tls", url=resource.url
                ) from None
            raise _Busy(f"{type(error).__name__}: {error}"[:200]) from error
        chain = unquote_to_bytes(said)
        if found is None or len(chain) > MAX_CHAIN:
            raise BadSource(
                "the answer is too large", code="collateral.size", url=resource.url, limit=resource.limit
            )
        if resource.header and not Form.PEM.fits(chain):
            raise BadSource("no certificates of who signed it", url=resource.url, header=resource.header)
        return Copy(_formed(found, resource), chain, int(self._clock()))

    def _judge(self, response: httpx2.Response, resource: Resource) -> None:
        """Go on with an answer of status 200 only."""
        status = response.status_code
        if status in _BUSY:
            raise _Busy(f"status {status}", self._asked_to_wait(response))
        if status >= 500:
            raise _Busy(f"status {status}")
        if 300 <= status < 400:
            raise BadSource("a redirect", code="collateral.redirect", url=resource.url, status=status)
        if status in _ABSENT:
            what = "the vendor knows nothing of this hardware"
            hint = "The evidence names a chip, a firmware or a family that its vendor does not know."
            raise BadSource(what, code="collateral.unknown", url=resource.url, status=status, hint=hint)
        if status != 200:
            what = "the source does not talk to us"
            raise Misuse(what, code="collateral.refused", url=resource.url, status=status)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadSource("a compressed answer, which nobody asked for", url=resource.url)

    def _asked_to_wait(self, response: httpx2.Response) -> float:
        """Seconds, from a header that is a number or a date; 1 when it says nothing that can be read."""
        said = response.headers.get("retry-after", "")
        if said.isascii() and said.isdigit():
            return float(said[:6])
        try:
            return max(1.0, parsedate_to_datetime(said).timestamp() - self._clock())
        except (ValueError, TypeError, OverflowError):
            return 1.0


def _formed(data: bytes, resource: Resource) -> bytes:
    """The answer, if it has the form that it should have. A PCCS writes lists of revoked certificates in hex."""
    if resource.form is Form.DER and data and _HEX.issuperset(data) and len(data) % 2 == 0:
        data = bytes.fromhex(data.decode("ascii"))
    if not resource.form.fits(data):
        raise BadSource("an answer of another form", url=resource.url, wanted=resource.form.value)
    return data


def _uncertified(error: BaseException | None) -> bool:
    """Whether the web server's certificate is the reason."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
