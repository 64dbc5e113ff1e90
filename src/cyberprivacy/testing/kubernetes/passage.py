"""A way from a cluster's pods to programs of this machine that listen on 127.0.0.1 alone."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self


class Passage:
    """Passes on what reaches some ports of one address to the same ports of 127.0.0.1, as a context manager.

    Args:
        address: of this machine, where the pods' connections arrive.
        ports: the ports.
    """

    def __init__(self, address: str, ports: Sequence[int]) -> None:
        self._address, self._ports = address, ports
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="passage", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        for port in self._ports:
            asyncio.run_coroutine_threadsafe(self._listen(port), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, port: int) -> None:
        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection("127.0.0.1", port)
            except OSError:  # nobody is there: as the one who asks would see it
                writer.close()
                return
            with suppress(asyncio.CancelledError):  # the block is over
                await asyncio.gather(_flow(reader, back), _flow(there, writer))
            back.close()
            writer.close()

        self._servers.append(await asyncio.start_server(met, self._address, port))

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _flow(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # the other end sees that it is over
        while part := await source.read(1 << 16):
            to.write(part)
            await to.drain()
        to.write_eof()
