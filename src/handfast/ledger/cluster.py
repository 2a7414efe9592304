"""A session with a TigerBeetle cluster: packed records there and back, each answer waited for at most so long.

The client library retries for ever and merges nothing that we need merged, so its C functions are called as they are: a
request is handed over, and its answer is put down by the library's own thread.
"""

import ctypes
import logging
import socket
import time
from collections.abc import Sequence
from threading import Condition
from typing import Any, Protocol

import structlog
from tigerbeetle import bindings as tb
from tigerbeetle.lib import c_uint128

from handfast.core.errors import Invalid, Unavailable

PATIENCE = 5.0
"""Seconds that an answer is waited for; a change of the primary takes less than one."""

BRIEF = 0.05
"""Seconds that are waited for answers that have been given up before: who asks meanwhile is told at once."""

Call = tuple[tb.Operation, bytes]

_log = structlog.get_logger("handfast.cluster")
logging.getLogger("tigerbeetle").setLevel(logging.CRITICAL)  # it tells of every try to connect


class TooMuch(Exception):
    """A request has more records than the cluster takes at once."""


class Asks(Protocol):
    """What the engine needs of a cluster."""

    def ask(self, calls: Sequence[Call]) -> list[bytes]:
        """See Cluster.ask."""


class _Sent:
    """A request on its way. The library reads packet and data until it is answered, so both are kept till then."""

    __slots__ = ("answer", "data", "packet", "status")

    def __init__(self, number: int, operation: tb.Operation, data: bytes) -> None:
        self.data = data
        self.packet = tb.CPacket()
        self.packet.user_data = number
        self.packet.operation = operation
        self.packet.data_size = len(data)
        self.packet.data = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
        self.status: int | None = None
        self.answer = b""


class Cluster:
    """One client session, opened when it is needed, for one thread; a cluster has room for 64.

    `addresses` are host:port, one for each replica, in the replicas' order.
    """

    def __init__(self, number: int, addresses: Sequence[str], patience: float = PATIENCE) -> None:
        self._number = number
        self._addresses = addresses
        self._patience = patience
        self._client: tb.CClient | None = None
        self._landed = Condition()
        self._sent: dict[int, _Sent] = {}
        self._count = 0
        self._on_completion = tb.OnCompletion(self._complete)

    def ask(self, calls: Sequence[Call]) -> list[bytes]:
        """Send requests, which the cluster executes in order, and return their answers.

        Raises Unavailable(ledger_unavailable) where nothing was sent, since earlier ones are still on their way or the
        cluster cannot be called; Unavailable(outcome_unknown) where they were and no answer came in time; TooMuch.
        """
        if not self._wait(list(self._sent.values()), time.monotonic() + BRIEF):
            raise Unavailable("ledger_unavailable", "the ledger does not answer; nothing was done")
        client = self._client or self._open()
        deadline = time.monotonic() + self._patience
        sent: list[_Sent] = []
        for operation, data in calls:
            self._count += 1
            one = _Sent(self._count, operation, data)
            with self._landed:
                self._sent[self._count] = one
            if tb.tb_client_submit(ctypes.byref(client), ctypes.byref(one.packet)) != tb.ClientStatus.OK:
                with self._landed:
                    del self._sent[self._count]
                one.status = tb.PacketStatus.CLIENT_SHUTDOWN
            sent.append(one)
        if not self._wait(sent, deadline):
            _log.warning("the ledger does not answer", requests=len(sent), seconds=self._patience)
            raise unknown()
        statuses = {one.status for one in sent}
        if tb.PacketStatus.TOO_MUCH_DATA in statuses:
            raise TooMuch
        if statuses != {tb.PacketStatus.OK}:
            # Evicted, by too many other clients, or shut down: a new session asks again.
            _log.warning("the ledger ended the session", statuses=sorted(map(str, statuses)))
            self.close()
            raise unknown()
        return [one.answer for one in sent]

    def close(self) -> None:
        """End the session; what is under way is given up, its outcome unknown."""
        client, self._client = self._client, None
        if client is not None:
            tb.tb_client_deinit(ctypes.byref(client))

    def _open(self) -> tb.CClient:
        client = tb.CClient()
        number = c_uint128.from_param(self._number)
        addresses = ",".join(map(_numeric, self._addresses)).encode()
        status = tb.tb_client_init(
            ctypes.byref(client),
            ctypes.cast(ctypes.byref(number), ctypes.POINTER(ctypes.c_uint8 * 16)),
            addresses,
            len(addresses),
            None,
            self._on_completion,
        )
        if status != tb.InitStatus.SUCCESS:
            raise Unavailable("ledger_unavailable", f"no session with the ledger: {tb.InitStatus(status).name}")
        self._client = client
        return client

    def _wait(self, sent: Sequence[_Sent], deadline: float) -> bool:
        """Whether all have been answered by the deadline."""
        with self._landed:
            return self._landed.wait_for(
                lambda: all(one.status is not None for one in sent), max(0.0, deadline - time.monotonic())
            )

    def _complete(self, _context: Any, packet: Any, _timestamp: int, data: Any, size: int) -> None:
        """Put an answer down; called in the library's thread, whose memory is gone when this returns."""
        with self._landed:
            one = self._sent.pop(packet[0].user_data)
            one.answer = ctypes.string_at(data, size) if size else b""
            one.status = packet[0].status
            self._landed.notify_all()


def unknown() -> Unavailable:
    """What is said of a request whose answer did not come."""
    return Unavailable("outcome_unknown", "the ledger's answer did not come; ask again with the same key")


def _numeric(address: str) -> str:
    """The address with its host's number, which is all that the client library understands."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError, UnicodeError):
        raise Unavailable("ledger_unavailable", f"there is no address {address!r}") from None
    name = str(found[0][4][0])
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def parse(url: str) -> tuple[int, list[str]]:
    """Number and addresses in tigerbeetle://host:port,host:port/NUMBER; without a number, cluster 0.

    Raises Invalid(settings_invalid).
    """
    scheme, _, rest = url.partition("://")
    hosts, _, number = rest.partition("/")
    addresses = hosts.split(",")
    whole = all(host and port.isdecimal() for host, _, port in (a.rpartition(":") for a in addresses))
    if scheme != "tigerbeetle" or not whole or not (number or "0").isdecimal() or int(number or 0) >= 2**128:
        no = "a ledger is tigerbeetle://host:port,host:port,…/number, every replica in order"
        raise Invalid("settings_invalid", no, "ledger")
    return int(number or 0), addresses
