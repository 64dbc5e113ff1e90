"""One JSON-RPC endpoint over HTTP: bounded in size and time, never redirected, never believed."""

import time
from collections.abc import Iterable
from itertools import count
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from weakref import finalize

import httpx2

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.chain import Reverted, RpcError, Unreachable
from cyberprivacy.proposal.wire import BadAnswer, document, mapping
from cyberprivacy.trust import public

LIMIT: Final = 16 << 20
"""Largest answer in bytes; a page of logs is the largest thing that we ask for."""

_REVERTED: Final = 3
"""Error code of a call that the contract refused. Source: EIP-1474, and what geth, reth and anvil send."""


class Endpoint:
    """A JSON-RPC 2.0 endpoint. Its URL may hold an access key, so only host and port are ever shown.

    Args:
        url: http or https.
        room: first word of the codes of its refusals: "chain" or "signer".
        timeout: seconds for a whole answer, however slowly it drips.
        limit: bytes of a whole answer.
    """

    def __init__(self, url: str, *, room: str = "chain", timeout: float = 20.0, limit: int = LIMIT) -> None:
        self.name = _host(url, room)
        self._url, self._room, self._timeout, self._limit = url, room, timeout, limit
        self._ids = count(1)
        # trust_env: a proxy set for a developer's shell must not sit between a node and its chain.
        self._client = httpx2.Client(verify=public(), timeout=timeout, follow_redirects=False, trust_env=False)
        self.close = finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"<endpoint {self.name}>"

    @property
    def place(self) -> str:
        """Where it is, in one spelling whatever the URL's was: whoever asks two places must not ask one twice."""
        parts = urlsplit(self._url)
        host = (parts.hostname or "").removesuffix(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return urlunsplit((parts.scheme, f"{host}:{port}", parts.path.rstrip("/"), parts.query, ""))

    def ask(self, method: str, *params: object) -> object:
        """The `result` of one request.

        Raises:
            Unreachable: no whole answer in time, or an HTTP status that asks to come back.
            RpcError: the endpoint answered with an error.
            Reverted: the error is that a contract refused.
            BadAnswer: too large, redirected, malformed, or the answer to something else.
        """
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer = mapping(document(self._post(request)), "the answer")
        if answer.get("jsonrpc") != "2.0":
            raise BadAnswer("not a JSON-RPC 2.0 answer", endpoint=self.name)
        if type(answer.get("id")) is not int or answer["id"] != number:
            raise BadAnswer("the answer to another request", endpoint=self.name, method=method)
        if ("result" in answer) == ("error" in answer):
            raise BadAnswer("neither result nor error, or both", endpoint=self.name, method=method)
        if "error" in answer:
            self._refuse(method, answer["error"])
        return answer["result"]

    def _post(self, request: object) -> bytes:
        until = time.monotonic() + self._timeout
        try:
            with self._client.stream("POST", self._url, json=request) as answer:
                self._check_status(answer.status_code)
                return self._read(answer.iter_raw(), answer.headers, until)
        except httpx2.HTTPError as error:
            raise self._unreachable(type(error).__name__) from None

    def _read(self, parts: Iterable[bytes], headers: httpx2.Headers, until: float) -> bytes:
        if headers.get("content-encoding", "identity") != "identity":
            raise BadAnswer("a compressed answer that nobody asked for", endpoint=self.name)
        body = bytearray()
        for part in parts:
            body += part
            if len(body) > self._limit:
                raise BadAnswer("the answer is too large", endpoint=self.name, limit=self._limit)
            if time.monotonic() > until:
                raise self._unreachable("answer drips too slowly")
        return bytes(body)

    def _check_status(self, status: int) -> None:
        if 300 <= status < 400:
            raise BadAnswer("the endpoint sends us elsewhere", endpoint=self.name, status=status)
        if status != 200:
            raise self._unreachable(f"HTTP {status}")

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"{self._room} endpoint does not answer",
            code=f"{self._room}.unreachable",
            endpoint=self.name,
            why=why,
        )

    def _refuse(self, method: str, error: object) -> None:
        said = mapping(error, "the error")
        code, message, data = said.get("code"), said.get("message"), said.get("data")
        if type(code) is not int or not isinstance(message, str):
            raise BadAnswer("an error without code or message", endpoint=self.name, method=method)
        if code == _REVERTED or "revert" in message.lower():
            raise Reverted("a contract refused the call", data=_revert_data(data), said=message[:200])
        raise RpcError(
            "the endpoint answers with an error",
            rpc_code=code,
            code=f"{self._room}.refused",
            endpoint=self.name,
            method=method,
            said=message[:200],
        )


def _revert_data(data: object) -> bytes:
    """The bytes with which a contract refused; b"" where the endpoint keeps them to itself."""
    text = data.removeprefix("Reverted ") if isinstance(data, str) else ""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""


def _host(url: str, room: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise Misuse(
            "an endpoint is an http:// or https:// address",
            code=f"{room}.url",
            hint="Such as http://127.0.0.1:8545.",
        )
    return f"{host}:{port}" if port else host
