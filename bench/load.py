"""A load of keep-alive HTTP connections that each send the next request when the last is answered; prints JSON.

Runs in a process of its own beside the server: `python -m bench.load PORT CONNECTIONS SECONDS FILE`, where the file
holds JSON lines of [api key, payer] to choose from.
"""

import asyncio
import json
import random
import sys
import time
from functools import partial
from pathlib import Path
from typing import cast

import uvloop


class Connection(asyncio.Protocol):
    """One connection; counts answers by status and keeps their latencies."""

    def __init__(self, load: "Load", key: str, payer: str) -> None:
        self.load = load
        self.head = (
            "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\n"
        )
        self.payer = payer
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first payment."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self.send()

    def send(self) -> None:
        """The next full payment, under a key of its own."""
        load = self.load
        load.number += 1
        body = json.dumps(
            {
                "amount": random.randrange(100, 10_000),
                "currency": "USD",
                "payer": self.payer,
                "reference": f"order {load.number}",
                "description": "two cups and a pot",
                "metadata": {"basket": "17"},
            }
        )
        self.sent = time.perf_counter()
        head = f"{self.head}Idempotency-Key: {load.name}-{load.number}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write((head + body).encode())

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and send the next payment."""
        self.buffer += data
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        load = self.load
        status = int(head[9:12])
        load.statuses[status] = load.statuses.get(status, 0) + 1
        load.latencies.append(time.perf_counter() - self.sent)
        if time.perf_counter() < load.until:
            self.send()
        else:
            self.transport.close()
            load.open -= 1
            if not load.open:
                load.done.set_result(None)


class Load:
    """What all connections of a run share."""

    def __init__(self, seconds: float, connections: int) -> None:
        self.name = f"{time.time_ns():x}"
        self.number = 0
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []
        self.until = time.perf_counter() + seconds
        self.open = connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def run(port: int, connections: int, seconds: float, people: list[list[str]]) -> Load:
    """Load the server until the time is over and every connection has its last answer."""
    load = Load(seconds, connections)
    loop = asyncio.get_running_loop()
    for n in range(connections):
        key, payer = people[n % len(people)]
        await loop.create_connection(partial(Connection, load, key, payer), "127.0.0.1", port)
    await load.done
    return load


def main() -> None:
    """Run, and print counts and latencies."""
    port, connections, seconds, file = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    people = [json.loads(line) for line in file.read_text().splitlines()]
    start = time.perf_counter()
    load = uvloop.run(run(port, connections, seconds, people))
    wall = time.perf_counter() - start
    latencies = sorted(load.latencies)
    sys.stdout.write(
        json.dumps(
            {
                "statuses": load.statuses,
                "count": len(latencies),
                "wall": wall,
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
