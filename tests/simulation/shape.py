"""A market's shape run scaled down: so many payments a batch, of such a kind, and what each leaves in rows and bytes.

A capacity model multiplies: what a payment leaves (entries, events, operations, bytes) times payments. `run` counts
what so many payments of a shape leave, and `predicted` says what a larger run must leave then.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from msgspec import Struct
from tests.simulation import town
from tests.simulation.machine import Machine, Office, quiet
from tests.simulation.town import Town

from handfast.core.clocks import SECOND
from handfast.core.ids import digest_id
from handfast.domain.payments import CreatePayment, GiveConsent, NewLine
from handfast.store.verb import Answer, Request


class Shape(Struct, frozen=True):
    """Payments a batch, how many in a thousand are guaranteed trades, and the bytes of metadata that each carries."""

    batch: int = 64
    trades: int = 0
    metadata: int = 2


class Left(Struct, frozen=True):
    """What a run left: rows by table, bytes of the database, and commits."""

    payments: int
    entries: int
    events: int
    operations: int
    bytes: int
    commits: int


def run(shape: Shape, payments: int, seed: int = 1) -> Left:
    """Charge so many payments of that shape over the desk in batches, and count what they leave."""
    folder = Path(tempfile.mkdtemp(prefix="handfast-"))
    try:
        with quiet():
            return _run(shape, payments, Machine(folder, town.opened().template, seed), Random(seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def predicted(small: Left, payments: int, shape: Shape) -> Left:
    """What so many payments leave, if each leaves what each of the small run left."""

    def times(each: int) -> int:
        return each * payments // small.payments

    commits = -(-payments // shape.batch)
    return Left(
        payments, times(small.entries), times(small.events), times(small.operations), times(small.bytes), commits
    )


def _run(shape: Shape, payments: int, machine: Machine, dice: Random) -> Left:
    def refused(_requests: Sequence[Request]) -> list[Answer]:
        raise NotImplementedError

    office, cast = Office(machine, lambda store: store, refused, None), town.opened()
    try:
        for seller in cast.sellers:
            consent = GiveConsent(cast.buyers[0], seller, "USD", 15_000)
            office.desk.call(Request("consents.give", consent, "shape", machine.new_id(machine.wall)))
        before = _count(office)
        for start in range(0, payments, shape.batch):
            machine.wall += SECOND // 10
            size = min(shape.batch, payments - start)
            requests = [_charge(shape, cast, machine, dice, start + n) for n in range(size)]
            for answer in office.desk.run(requests):
                answer.unwrap()
        return Left(payments, *(now - was for now, was in zip(_count(office), before, strict=True)))
    finally:
        office.close()


def _charge(shape: Shape, cast: Town, machine: Machine, dice: Random, number: int) -> Request:
    seller = cast.sellers[number % len(cast.sellers)]
    lines = (NewLine(seller, 10),) if dice.randrange(1000) < shape.trades else ()
    metadata = b'{"n":"' + b"x" * max(0, shape.metadata - 8) + b'"}' if shape.metadata > 8 else b"{}"
    command = CreatePayment(seller, "USD", 10, cast.buyers[0], lines=lines, metadata=metadata)
    key = digest_id(b"shape", number.to_bytes(8, "big"))
    return Request("payments.create", command, "shape", key, key, key)


def _count(office: Office) -> tuple[int, int, int, int, int]:
    office.store.connection.wal_checkpoint(mode=3)
    ((entries, events, operations, commits),) = office.reader.rows(
        "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM events), (SELECT count(*) FROM operations),"
        " (SELECT commits FROM desk)"
    )
    return entries, events, operations, office.machine.path.stat().st_size, commits
