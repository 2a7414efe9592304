"""A load of keep-alive HTTP connections that each send the next request when the last is answered; prints JSON.

Runs in a process of its own beside the server: `python -m bench.load PORT CONNECTIONS SECONDS FILE [ITEMS]`, where the
file holds JSON lines of [api key, payer] to choose from. With ITEMS, a request is a batch of so many payments.
"""

import asyncio
import json
import random
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvloop


class Connection(asyncio.Protocol):
    """One connection; counts answers by status and keeps their latencies."""

    def __init__(self, load: "Load", key: str, payer: str) -> None:
        self.load = load
        path = "/v1/payments/batch" if load.items else "/v1/payments"
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\n"
        )
        self.payer = payer
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first payment."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self.send()

    def payment(self) -> dict[str, Any]:
        """The next full payment."""
        self.load.number += 1
        return {
            "amount": random.randrange(100, 10_000),
            "currency": "USD",
            "payer": self.payer,
            "reference": f"order {self.load.number}",
            "description": "two cups and a pot",
            "metadata": {"basket": "17"},
        }

    def send(self) -> None:
        """The next payment, or batch of them, under keys of their own."""
        load = self.load
        if load.items:
            many = [{**self.payment(), "idempotency_key": f"{load.name}-{load.number}"} for _ in range(load.items)]
            body, key = json.dumps({"payments": many}), ""
        else:
            body = json.dumps(self.payment())
            key = f"Idempotency-Key: {load.name}-{load.number}\r\n"
        self.sent = time.perf_counter()
        self.transport.write(f"{self.head}{key}Content-Length: {len(body)}\r\n\r\n{body}".encode())

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
        made = 1
        if load.items and status == 200:
            made = rest.count(b'{"status":200', 0, length)
            load.statuses[0] = load.statuses.get(0, 0) + load.items - made
        load.statuses[status] = load.statuses.get(status, 0) + made
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

    def __init__(self, seconds: float, connections: int, items: int) -> None:
        self.items = items
        self.name = f"{time.time_ns():x}"
        self.number = 0
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []
        self.until = time.perf_counter() + seconds
        self.open = connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def run(port: int, connections: int, seconds: float, people: list[list[str]], items: int = 0) -> Load:
    """Load the server until the time is over and every connection has its last answer."""
    load = Load(seconds, connections, items)
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
    items = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    start = time.perf_counter()
    load = uvloop.run(run(port, connections, seconds, people, items))
    wall = time.perf_counter() - start
    latencies = sorted(load.latencies)
    sys.stdout.write(
        json.dumps(
            {
                "statuses": {status: count for status, count in load.statuses.items() if count},
                "count": sum(load.statuses.values()),
                "load_cpu": time.process_time(),
                "wall": wall,
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
