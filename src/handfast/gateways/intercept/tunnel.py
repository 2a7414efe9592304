"""A tunnel: bytes both ways between two streams, until both ends are done or nothing moves any more."""

import anyio
from anyio.abc import ByteStream

from handfast.gateways.intercept.wire import LOST, PATIENCE

IDLE_LIMIT = 300
"""Seconds without a byte either way after which a tunnel is closed."""


async def tunnel(near: ByteStream, far: ByteStream, early: bytes = b"") -> None:
    """Hand through; `early` is what has come from the near side already. The caller closes both."""
    async with anyio.create_task_group() as both:
        idle = anyio.CancelScope(deadline=anyio.current_time() + IDLE_LIMIT)

        async def hand(source: ByteStream, sink: ByteStream, first: bytes = b"") -> None:
            try:
                if first:
                    await _send(sink, first)
                async for data in source:
                    idle.deadline = anyio.current_time() + IDLE_LIMIT
                    await _send(sink, data)
                await sink.send_eof()
            except LOST:
                both.cancel_scope.cancel()

        async def watch() -> None:
            with idle:
                await anyio.sleep_forever()
            both.cancel_scope.cancel()

        both.start_soon(watch)
        async with anyio.create_task_group() as hands:
            hands.start_soon(hand, near, far, early)
            hands.start_soon(hand, far, near)
        both.cancel_scope.cancel()


async def _send(sink: ByteStream, data: bytes) -> None:
    with anyio.fail_after(PATIENCE):
        await sink.send(data)
