"""Between applications, over HTTP: a recipient that pulls what a person has ordered there."""

from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.sharing import Shared
from cyberprivacy.vault.transfer import receipt
from cyberprivacy.vault.transfer.traffic import Traffic
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.problem import BadCall

_SIGNED: Final = signedrequest.HEADERS
_WITH_BODY: Final = signedrequest.WITH_BODY
_KEYS: Final = frozenset({"key", "signer"})
_PATH: Final = "/udi/v1/grants/{grant}/transfers/{transfer}"


class Handing:
    """The endpoints of a source of transfers. `authority` is that at which requests are signed."""

    def __init__(self, traffic: Traffic, *, authority: str) -> None:
        self._traffic, self._authority = traffic, authority

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [
            Endpoint(
                method="PUT", path=_PATH, name="openTransfer", who=Who.HOLDER, run=self._open,
                summary="Begin to pull what was granted, or go on: its signed manifest.",
                body=Media.JSON, limit=512,
                takes=_WITH_BODY, needs=_WITH_BODY, answer=Media.JSON, also=(404,), cost=50,
            ),
            Endpoint(
                method="GET", path=_PATH + "/chunks/{chunk}", name="readChunk", who=Who.HOLDER, run=self._chunk,
                summary="A chunk, sealed to the recipient.", answer=Media.OCTETS, takes=_SIGNED, needs=_SIGNED,
                also=(404,), cost=10,
            ),
            Endpoint(
                method="PUT", path=_PATH + "/receipt", name="signReceipt", who=Who.HOLDER, run=self._receipt,
                summary="Say what arrived; answered with the source's signature beside the recipient's.",
                body=Media.JSON, limit=receipt.LIMIT, answer=Media.JSON, takes=_WITH_BODY, needs=_WITH_BODY,
                also=(404,), cost=50,
            ),
        ]  # fmt: skip

    def _open(self, call: Call) -> Reply:
        shared = self._asked("PUT", call, "", body=True)
        try:
            said = Document(canonical.decode(call.octets, limit=512), "keys", _KEYS)
            keys = (said.octets("key", size=32), said.octets("signer", size=32))
        except BadDocument as error:
            raise BadCall(str(error)) from None
        return Reply(self._traffic.departures.open(shared, _transfer(call), *keys))

    def _chunk(self, call: Call) -> Reply:
        shared = self._asked("GET", call, f"/chunks/{call.path['chunk']}", body=False)
        return Reply(self._traffic.departures.chunk(shared, _transfer(call), int(call.path["chunk"])))

    def _receipt(self, call: Call) -> Reply:
        shared = self._asked("PUT", call, "/receipt", body=True)
        both = self._traffic.departures.received(shared, _transfer(call), call.octets)
        self._traffic.carrier.tidy()  # the ledger is to remember it
        return Reply(both)

    def _asked(self, method: str, call: Call, rest: str, *, body: bool) -> Shared:
        """The grant that whoever signed this request, and its body, uses."""
        path = _PATH.format(grant=call.path["grant"], transfer=call.path["transfer"]) + rest
        signed = call.octets if body else None
        holder = signedrequest.check(method, self._authority, path, call.headers, now=call.now, body=signed)
        shared = self._traffic.sharing.asked(bytes.fromhex(call.path["grant"]), holder)
        self._traffic.sharing.recipients.meet(shared.peer)
        return shared


def _transfer(call: Call) -> bytes:
    return bytes.fromhex(call.path["transfer"])
