"""Read-only connections for coroutines: short queries where that is cheapest, long ones in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

from handfast.core.errors import Unavailable
from handfast.store.reader import Reader

Value = TypeVar("Value")
_SHORT = 4
_LONG = 2


class ReaderPool:
    """Fills the Readers port. `inline` runs short queries on the loop: right where a query is a function call away."""

    def __init__(
        self, connect: Callable[[], Reader], unavailable: Callable[[Exception], Unavailable | None], *, inline: bool
    ) -> None:
        self._connect = connect
        self._unavailable = unavailable
        self._inline = inline
        self._idle: SimpleQueue[Reader] = SimpleQueue()
        self._short = ThreadPoolExecutor(_SHORT, "read")
        self._long = ThreadPoolExecutor(_LONG, "read-long")

    async def short(self, query: Callable[[Reader], Value]) -> Value:
        """See Readers.short."""
        if self._inline:
            return self.run(query)
        return await asyncio.get_running_loop().run_in_executor(self._short, self.run, query)

    async def long(self, query: Callable[[Reader], Value]) -> Value:
        """See Readers.long."""
        return await asyncio.get_running_loop().run_in_executor(self._long, self.run, query)

    def run(self, query: Callable[[Reader], Value]) -> Value:
        """Run a query here and now. Raises Unavailable(store_unavailable) while the database is away."""
        reader: Reader | None = None
        try:
            try:
                reader = self._idle.get_nowait()
            except Empty:
                reader = self._connect()
            value = query(reader)
        except Exception as fault:
            away = self._unavailable(fault)
            if reader is not None:
                self._give_back(reader, broken=away is not None)
            if away is None:
                raise
            raise away from fault
        self._idle.put(reader)
        return value

    def _give_back(self, reader: Reader, *, broken: bool) -> None:
        if broken:
            reader.close()
        else:
            self._idle.put(reader)

    def close(self) -> None:
        """Wait for what runs and close the connections."""
        for pool in (self._short, self._long):
            pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()
