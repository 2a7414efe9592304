"""A load of requests that were signed beforehand, over keep-alive connections; prints JSON.

`python -m bench.signed PORT CONNECTIONS FILE FROM TO`: the file holds a msgpack list of whole HTTP requests, of which
those from FROM on and before TO are sent, each once. It says `ready` once it is connected, and begins at a line of
standard input.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import uvloop

YES = b'"code":"10000"'


class Connection(asyncio.Protocol):
    """One connection, which sends the next request when the last is answered."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the start."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class

    def send(self) -> None:
        """Send the next request; the last connection that finds none ends the load."""
        request = next(self.load.requests, None)
        if request is not None:
            self.sent = time.perf_counter()
            self.transport.write(request)
            return
        self.load.open -= 1
        if not self.load.open:
            self.load.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take an answer that is complete, and send the next request."""
        self.buffer += data
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.buffer = b""
        self.load.latencies.append(time.perf_counter() - self.sent)
        if YES not in rest:
            self.load.refused.append(rest.decode())
        self.send()


class Load:
    """What all connections share."""

    def __init__(self, requests: Iterator[bytes], connections: int) -> None:
        self.requests = requests
        self.open = connections
        self.latencies: list[float] = []
        self.refused: list[str] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def run(port: int, connections: int, requests: list[bytes]) -> Load:
    """Connect, wait for the word, and send them all."""
    load = Load(iter(requests), connections)
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(partial(Connection, load), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for connection in opened:
        connection.send()
    await load.done
    return load


def main() -> None:
    """Run, and print what was answered and how soon."""
    port, connections, start, end = (int(sys.argv[n]) for n in (1, 2, 4, 5))
    requests = msgspec.msgpack.decode(Path(sys.argv[3]).read_bytes(), type=list[bytes])[start:end]
    before = time.process_time()
    load = uvloop.run(run(port, connections, requests))
    cpu = time.process_time() - before
    told = {"latencies": load.latencies, "refused": load.refused[:1], "cpu": cpu}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
