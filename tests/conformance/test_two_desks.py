"""Several databases over one cluster: the same ids in each, and nobody meets."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conformance.books import ANN, BANK, BOB, Books, entry, moved
from tests.conftest import Engine, NewDatabase, open_engine

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, account_id
from handfast.ledger import Mode, Outcome, Posting, Purpose
from handfast.ledger.agreement import disagreements
from handfast.ledger.chains import Books as Numbers
from handfast.ledger.cluster import Cluster
from handfast.ledger.engines.tigerbeetle import TigerBeetleLedger
from handfast.store.outside import KEY
from handfast.store.rows import INTENTIONS
from handfast.store.sqlite import SqliteReader


@pytest.fixture
def two(new_sqlite: NewDatabase, cluster: Cluster) -> Iterator[tuple[Books, Books]]:
    engines = [open_engine(new_sqlite(), cluster) for _ in range(2)]
    yield Books(engines[0]), Books(engines[1])
    for engine in engines:
        engine.store.close()


def differences(engine: Engine, cluster: Cluster) -> list[str]:
    engine.store.begin()
    (kept,) = engine.store.load({INTENTIONS: [KEY]})[INTENTIONS]
    engine.store.rollback()
    with closing(SqliteReader(Path(engine.url.removeprefix("sqlite:///")))) as reader, reader.snapshot():
        return list(disagreements(reader, cluster, kept.books))


def test_equal_ids_in_two_databases_are_two_things(two: tuple[Books, Books], cluster: Cluster) -> None:
    first, second = two
    assert first.one(entry(1, moved(BANK, ANN, 100))) is Outcome.CREATED
    assert second.one(entry(1, moved(BANK, ANN, 30))) is Outcome.CREATED
    assert first.one(entry(2, moved(ANN, BOB, 60))) is Outcome.CREATED
    assert second.one(entry(2, moved(ANN, BOB, 60))) is Outcome.EXCEEDS_CREDITS
    assert first.posted(BANK, ANN, BOB) == [-100, 40, 60]
    assert second.posted(BANK, ANN, BOB) == [-30, 30, 0]
    assert differences(first.engine, cluster) == []
    assert differences(second.engine, cluster) == []


def test_what_was_posted_and_never_copied_is_found_and_healed(two: tuple[Books, Books], cluster: Cluster) -> None:
    first, _ = two
    first.fund(ANN, 100)
    paid = entry(1, moved(ANN, BOB, 60), Posting(ANN, BOB, 60, Mode.UP_TO))
    first.engine.store.begin()
    assert first.engine.ledger.post([paid], 5) == [Outcome.CREATED]
    first.engine.store.rollback()
    lost = differences(first.engine, cluster)
    assert [line.split(":")[0] for line in lost] == [f"account {account.hex()}" for account in (ANN, BOB)]
    assert first.post(entry(2, moved(BOB, ANN, 1)), paid) == [Outcome.CREATED, Outcome.EXISTS]
    assert first.posted(ANN, BOB) == [1, 99]
    assert differences(first.engine, cluster) == []
    assert first.rows("SELECT at FROM entries ORDER BY seq")[-1] == (5,), "as of when it was posted"


def test_ids_come_back_and_stay_apart() -> None:
    numbers, others = Numbers(0x123456789ABCDE), Numbers(0xEDCBA987654321)
    keys = [account_id((7 << n).to_bytes(13, "big") + bytes(3), Purpose.WALLET, "USD") for n in range(0, 90, 7)]
    assert [numbers.back(numbers.out(key)) for key in keys] == keys
    told: set[bytes] = set()
    for key in keys:
        told |= {books.transfer(key, number) for books in (numbers, others) for number in range(4_000)}
    assert len(told) == len(keys) * 2 * 4_000
    in_time: list[Id] = [(1_414_454_400_000 + n).to_bytes(6, "big") + bytes(10) for n in range(100)]
    assert [int.from_bytes(numbers.out(key), "little") for key in in_time] == sorted(
        int.from_bytes(numbers.out(key), "little") for key in in_time
    )


def test_what_leaves_for_the_bank_is_covered(two: tuple[Books, Books], cluster: Cluster) -> None:
    first, _ = two
    fees, out = account_id(bytes(16), Purpose.COMMISSION, "USD"), account_id(bytes(16), Purpose.PAYOUT, "USD")
    assert first.one(entry(1, moved(BANK, fees, 50), moved(fees, out, 30))) is Outcome.CREATED
    assert first.one(entry(2, moved(fees, out, 21))) is Outcome.EXCEEDS_CREDITS
    assert first.one(entry(2, moved(fees, out, 20))) is Outcome.ID_ALREADY_REFUSED
    assert first.one(entry(3, Posting(fees, out, 21, Mode.UP_TO))) is Outcome.CREATED
    assert first.one(entry(4, moved(fees, ANN, 5))) is Outcome.CREATED
    assert first.posted(fees, out) == [-5, 50]
    assert first.one(entry(5, moved(fees, out, 1))) is Outcome.EXCEEDS_CREDITS
    assert differences(first.engine, cluster) == []


def test_books_that_lie_in_another_cluster_are_not_begun_anew(two: tuple[Books, Books], cluster: Cluster) -> None:
    first, _ = two
    first.fund(ANN, 100)
    strange = TigerBeetleLedger(first.engine.inside, cluster, 4_711_000_000_000 + id(first) % 1_000_000_000)
    first.engine.store.begin()
    with pytest.raises(Unavailable, match="ledger_foreign"):
        strange.post([entry(9, moved(ANN, BOB, 1))], 0)
    first.engine.store.rollback()
    assert first.posted(ANN, BOB) == [100, 0]
