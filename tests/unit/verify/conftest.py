"""Books with some of everything in them, sealed in several heads, and a copy of them for each test to spoil."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.conftest import Engine
from tests.unit.gateways.native.street import Street, opened

from handfast.domain.heads import Head
from handfast.store.sqlite import copy
from handfast.timers.seal import Seal, publish
from handfast_verify import Result, verify

KEY = bytes(range(32))


class Sealed(Street):
    """A street on which all kinds of trade were done."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.seal = Seal(KEY)
        self.heads: list[Head] = []
        self.trade()

    def trade(self) -> None:
        """Payments paid at once, by lines, in parts and not at all; refunds, transfers, payouts, a suspense line."""
        api, fang = self.api, self.id("fang")
        cart = [{"seller": self.id("shop"), "amount": 900}, {"seller": self.id("other"), "amount": 333}]
        order = {"currency": "CNY", "amount": 1233, "payer": fang, "lines": cart}
        paid = api.post("market", "/v1/payments", order)
        self.payment = paid["id"]
        self.trades = [line["trade"] for line in paid["lines"]]
        api.post("market", "/v1/refunds", {"payment": paid["id"], "trade": self.trades[0], "amount": 100})
        api.post("shop", f"/v1/trades/{self.trades[0]}/ship", {})
        api.post("fang", f"/v1/trades/{self.trades[0]}/confirm", {})
        self.direct = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 4_999, "payer": fang})["id"]
        api.post("shop", "/v1/refunds", {"payment": self.direct, "amount": 999})
        manual = {"currency": "CNY", "amount": 700, "payer": fang, "capture": "manual"}
        part = api.post("market", "/v1/payments", manual)["id"]
        api.post("market", f"/v1/payments/{part}/capture", {"amount": 300})
        api.post("market", f"/v1/payments/{api.post('market', '/v1/payments', manual)['id']}/void", {})
        api.post("market", "/v1/payments", {"currency": "USD", "amount": 5})
        self.transfer = api.post("fang", "/v1/transfers", {"payee": self.id("shop"), "currency": "CNY", "amount": 5})[
            "id"
        ]
        api.post("shop", "/v1/payouts", {"currency": "USD", "amount": 100})
        api.post(
            "shop", f"/v1/payouts/{api.post('shop', '/v1/payouts', {'currency': 'USD', 'amount': 7})['id']}/cancel"
        )
        api.post("house", "/v1/payout_files", {"currency": "USD"})
        api.post("house", "/v1/deals", self.deal())
        quote = api.post("fang", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})["id"]
        asked = api.post("other", "/v1/payments", {"currency": "USD", "amount": 77})["id"]
        api.post("fang", f"/v1/payments/{asked}/pay", {"quote": quote})
        self.pay_in("fang", "CNY", 12_345)

    def deal(self) -> dict[str, Any]:
        return {"sell_currency": "CNY", "sell_amount": 7, "buy_currency": "USD", "buy_amount": 1, "reference": "FX1"}

    def seal_some(self, limit: int = 60) -> None:
        """Seal in heads of at most so many leaves."""
        while (request := self.seal.next(self.reader, self.now, limit)) is not None:
            self.heads.append(self.desk.call(request))


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Sealed]:
    path = tmp_path_factory.mktemp("books") / "handfast.db"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}", Sealed) as street:
        for _ in range(6):
            street.trade()
        street.seal_some()
        publish(path.with_name("heads.jsonl"), street.heads)
        street.path = path  # type: ignore[attr-defined]
        yield street


class Copy:
    """A copy of the books, whose triggers are gone."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.heads = folder / "heads.jsonl"
        self.heads.write_bytes(source.with_name("heads.jsonl").read_bytes())
        self.path = folder / "copy.db"
        copy(source, self.path)
        self.db = apsw.Connection(str(self.path))
        self.whole = apsw.Connection(":memory:")
        for (name,) in self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            self.db.execute(f"DROP TRIGGER {name}")
        self.db.execute("PRAGMA ignore_check_constraints = ON")
        self._copy(self.db, self.whole)

    @staticmethod
    def _copy(source: apsw.Connection, target: apsw.Connection) -> None:
        with target.backup("main", source, "main") as copying:
            copying.step()

    def restore(self) -> None:
        """As it was."""
        self._copy(self.whole, self.db)

    def rows(self, sql: str, *params: Any) -> list[Any]:
        return self.db.execute(sql, params).fetchall()

    def verify(self, *, heads: bool = True, **more: Any) -> Result:
        return verify(f"sqlite:///{self.path}", heads=self.heads if heads else None, **more)


@pytest.fixture
def spoil(street: Sealed, tmp_path: Path) -> Iterator[Copy]:
    path: Path = street.path  # type: ignore[attr-defined]
    spoilt = Copy(path, tmp_path)
    yield spoilt
    spoilt.db.close()
    spoilt.whole.close()


NewCopy = Callable[[], Copy]
