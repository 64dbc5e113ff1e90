"""Trustless gateways as sources: whole graphs as CARs, single blocks as raw bytes, all of it checked.

Source: specs.ipfs.tech/http-gateways/trustless-gateway.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from cyberprivacy.bundle.car import Reader
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.pace import DEFAULT_PACE, Pace
from cyberprivacy.bundle.refusals import BadSource
from cyberprivacy.bundle.wire import Wire
from cyberprivacy.cid import Cid

RAW_TYPE = "application/vnd.ipld.raw"
CAR_TYPE = "application/vnd.ipld.car; version=1; order=dfs; dups=n"


class Gateway:
    """One configured gateway; a `CarSource`."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits = DEFAULT,
        pace: Pace = DEFAULT_PACE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare, without connecting; arguments as for `Wire`.

        Raises:
            Misuse: "bundle.url".
        """
        self._wire = Wire(url, pace=pace, tls=tls)
        self._limits = limits
        self._pace = pace

    @property
    def name(self) -> str:
        """Its URL."""
        return self._wire.name

    def find(self, cid: Cid) -> bytes | None:
        """One block, as `BlockSource` says."""
        with self._wire.ask(
            "GET",
            f"/ipfs/{cid}",
            {"format": "raw"},
            limit=self._limits.block,
            headers={"accept": RAW_TYPE},
            deadline=self._pace.block,
        ) as answer:
            block = None if answer is None else answer.whole()
        return checked(cid, block, self.name)

    @contextmanager
    def car(self, cid: Cid) -> Iterator[Reader | None]:
        """A whole graph, as `CarSource` says."""
        query = {"format": "car", "car-version": "1", "car-order": "dfs", "car-dups": "n"}
        with self._wire.ask(
            "GET", f"/ipfs/{cid}", query, limit=self._limits.transfer, headers={"accept": CAR_TYPE}
        ) as answer:
            yield answer


def checked(cid: Cid, block: bytes | None, source: str) -> bytes | None:
    """The block if it is what the CID names, None for None.

    Raises:
        BadSource: "bundle.hash".
    """
    if block is not None and not cid.matches(block):
        raise BadSource(
            "bytes are not the block that was asked for", code="bundle.hash", cid=str(cid), source=source
        )
    return block
