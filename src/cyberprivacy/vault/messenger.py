"""The thread that tells recipients to erase, again and again, until each has confirmed with a signed receipt."""

import time
from collections.abc import Callable
from typing import Final

import httpx2
import structlog

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.trust import public
from cyberprivacy.vault import orders, receipt
from cyberprivacy.vault.chore import Chore
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.orders import Order

PATH: Final = "/udi/v1/grants:erase"
PATIENCE: Final = 10.0
"""Seconds without a byte, after which a recipient is told later."""
SHORTEST: Final = 0.2
"""Seconds between two looks at the orders."""
LOOK: Final = 30.0
"""Seconds after which the orders are looked at, if nobody says that there is one."""
_log = structlog.get_logger("vault")


class Messenger(Chore):
    """Tells whoever has to be told.

    Args:
        reach: the address behind a host's name, or a refusal; see `outward`.
        clock: POSIX seconds.
    """

    def __init__(
        self, database: Database, reach: Callable[[str, int], str], clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._reach, self._clock = database, reach, clock
        super().__init__("messenger", patience=PATIENCE + 2)

    def _go(self) -> float:
        try:
            return self._tell()
        except CyberPrivacyError as error:  # of the database: looked at again
            _log.warning("telling waits", code=error.code)
            return LOOK

    def _tell(self) -> float:
        """Tell everybody who is due; seconds until somebody is again."""
        with self._database.reading() as connection:
            waiting = orders.due(connection, self._clock())
        with httpx2.Client(verify=public(), timeout=PATIENCE, follow_redirects=False, trust_env=False) as client:
            for each in waiting:
                if self.over:
                    return 0.0
                self._one(client, each)
        with self._database.reading() as connection:
            due = orders.next_due(connection)
        return LOOK if due is None else min(max(due - self._clock(), SHORTEST), LOOK)

    def _one(self, client: httpx2.Client, told: Order) -> None:
        """Tell one recipient, and write down what came of it."""
        why, document = "", None
        try:
            document = orders.receipt_of(self._post(client, told))
            if document is not None:
                told.check(document)
        except CyberPrivacyError as error:
            why, document = error.code, None
        with self._database.transaction() as connection:
            if document is not None:
                orders.confirmed(connection, told, document)
            else:
                orders.later(connection, told, why, now=int(self._clock()))
        _log.info("told to erase", recipient=told.recipient, code=why, confirmed=document is not None)

    def _post(self, client: httpx2.Client, told: Order) -> bytes:
        """What the recipient answers, bounded.

        Raises:
            CyberPrivacyError: its refusal, with its own code; or it is silent ("recipient.silent").
        """
        url = httpx2.URL(told.site + PATH)
        address = self._reach(url.host, url.port or 443)
        try:
            with client.stream(
                "POST",
                url.copy_with(host=address),
                content=told.document,
                headers={"content-type": "application/json", "host": url.netloc.decode()},
                extensions={"sni_hostname": url.host},
            ) as answer:
                body = _bounded(answer)
        except httpx2.HTTPError as error:
            raise TryLater("no answer", code="recipient.silent", why=type(error).__name__) from None
        if not answer.is_success:
            raise TryLater("it refuses", code=_code(body), status=answer.status_code)
        return body


def _bounded(answer: httpx2.Response) -> bytes:
    body = bytearray()
    for part in answer.iter_raw():
        body += part
        if len(body) > 2 * receipt.LIMIT:
            raise TryLater("the answer is too large", code="recipient.silent")
    return bytes(body)


def _code(body: bytes) -> str:
    """The reason code of a refusal; "recipient.silent" where it gives none."""
    try:
        value = httpx2.Response(200, content=body).json() if nested_within(body, 8) else None
    except ValueError:
        value = None
    code = value.get("type") if isinstance(value, dict) else None
    fits = isinstance(code, str) and 0 < len(code) <= 64 and code.isascii() and "." in code
    return str(code) if fits else "recipient.silent"
