"""A byte of a finished database, or of its log, is turned: refused, or found, or harmless; never a wrong balance."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import apsw
import pytest
from tests.conftest import open_engine
from tests.faults.points import audit, state
from tests.unit.gateways.native.street import Street

from handfast.core.errors import Refusal
from handfast.store.sqlite import connect

FLIPS = 1000 if os.environ.get("HANDFAST_LONG") else 100
SEED = 20141027


class Finished(NamedTuple):
    """A database as closing leaves it, and with its log as a crash does; what it holds, and what it held before."""

    closed: Path
    crashed: Path
    balances: list[Any]
    before: list[list[Any]]


def busy(street: Street, path: Path) -> list[list[Any]]:
    """Payments, refunds and transfers; the balances after each."""
    api = street.api
    seen = [balances(path)]
    for number in range(12):
        asked = {"currency": "USD", "amount": 1_000 + number, "payer": street.id("fang")}
        payment = api.post("shop", "/v1/payments", asked)
        seen.append(balances(path))
        api.post("shop", f"/v1/payments/{payment['id']}/refund", {"amount": 10 + number})
        seen.append(balances(path))
        api.post("fang", "/v1/transfers", {"payee": street.id("ming"), "currency": "USD", "amount": 100 + number})
        seen.append(balances(path))
    return seen


def balances(path: Path) -> list[Any]:
    db = connect(path, read_only=True)
    try:
        sql = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts ORDER BY id"
        return list(db.execute(sql).fetchall())
    finally:
        db.close()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Finished:
    """Copied while it was open, and after it was closed."""
    place = tmp_path_factory.mktemp("finished")
    path = place / "handfast.db"
    shutil.copyfile(sqlite_template, path)
    engine = open_engine(f"sqlite:///{path}")
    street = Street(engine)
    engine.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    seen = busy(street, path)
    kept = tmp_path_factory.mktemp("kept")
    for name in ("handfast.db", "handfast.db-wal"):
        shutil.copyfile(place / name, kept / name)
    street.api.close()
    street.reader.close()
    engine.store.close()
    return Finished(place, kept, seen.pop(), seen)


def turn(path: Path, dice: Random) -> str:
    """Change one byte of a file; where."""
    offset = dice.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(offset)
        (before,) = file.read(1)
        file.seek(offset)
        file.write(bytes([before ^ dice.randrange(1, 256)]))
    return f"{path.name} at {offset}"


def fate(data: Path, finished: Finished) -> str:
    """What becomes of a damaged database: refused, found, harmless, shortened or wrong.

    Shortened: as if the last commits had never been. SQLite ends its log where a checksum is wrong, since a crash
    leaves it so, too; that something is missing only what was published outside can tell.
    """
    path = data / "handfast.db"
    try:
        engine = open_engine(f"sqlite:///{path}")
        engine.store.close()
        seen = balances(path)
    except (apsw.Error, Refusal):
        return "refused"
    try:
        state(data)
        audit(data)
    except Exception:  # noqa: BLE001 -- whatever the check stumbles over, it has found it
        return "found"
    if seen == finished.balances:
        return "harmless"
    return "shortened" if seen in finished.before else "wrong"


@pytest.mark.parametrize("name", ["handfast.db", "handfast.db-wal"])
def test_a_byte_is_turned(finished: Finished, name: str, tmp_path: Path, tell: Callable[[str], None]) -> None:
    dice = Random(f"{SEED} {name}")
    fates: dict[str, list[str]] = {}
    for _ in range(FLIPS // 2):
        data = tmp_path / "data"
        shutil.copytree(finished.crashed if name == "handfast.db-wal" else finished.closed, data)
        where = turn(data / name, dice)
        fates.setdefault(fate(data, finished), []).append(where)
        shutil.rmtree(data)
    tell(", ".join(f"{len(each)} {name}" for name, each in sorted(fates.items())))
    assert "wrong" not in fates, fates["wrong"]
    if name == "handfast.db":  # whole without a log, so nothing of it can go missing
        assert "shortened" not in fates
        assert FLIPS < 1000 or {"found", "refused"} <= fates.keys()
