"""Books with some of everything in them, sealed in several heads, and a copy of them for each test to spoil."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import line
from tests.unit.gateways.native.street import Street, opened

from handfast.core.clocks import DAY, SECOND
from handfast.domain.heads import Head
from handfast.domain.parties import HOUSE, ChangeDetails
from handfast.domain.payouts import BookPayout, ReturnPayout
from handfast.domain.policies import preset_text
from handfast.gateways.native.prefixes import read
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

    def quarrel(self) -> None:
        """What guaranteed trades come to: milestones, parts, a reserve, claims and disputes, a debt written off."""
        api = self.api
        self.pay_in("fang", "USD", 500_000)
        freight = [{"kind": "freight", "payee": self.id("ming"), "amount": 777}]
        work = self.sell(delivery="service", shares=freight)
        for who, step in (("shop", "ship"), ("fang", "confirm"), ("shop", "ship")):
            api.post(who, f"/v1/trades/{work}/{step}")
        api.post_raw("house", "/v1/policies", preset_text("amazon-like"))
        reserved, open_, part = (self.sell(shares=freight) for _ in range(3))
        api.post("fang", f"/v1/trades/{part}/release", {"amount": 3_333})
        api.post("shop", f"/v1/trades/{part}/propose", {"kind": "cancel"})
        for trade in (reserved, open_):
            api.post("shop", f"/v1/trades/{trade}/ship", {"tracking": "SF1"})
        self.now += SECOND
        api.post("shop", f"/v1/trades/{open_}/deliver")
        api.post("fang", f"/v1/trades/{reserved}/confirm")
        owing = self._claim(reserved, amount=4_001)
        api.post("shop", f"/v1/claims/{owing}/agree")
        answered = self._claim(open_, amount=2_000)
        api.post("shop", f"/v1/claims/{answered}/refuse", {"answer": "It was whole."})
        self._dispute(open_)
        self._dispute(self.sell(60_000), appealed=True)
        self._claim(self.sell(), "shop")
        order = {"currency": "CNY", "amount": 700, "payer": self.id("fang"), "capture": "manual"}
        api.post("market", f"/v1/payments/{api.post('market', '/v1/payments', order)['id']}/capture", {"amount": 300})
        asked = api.post("shop", "/v1/payout_plans", {"currency": "USD", "every": "week", "day": 5})
        assert asked["due"] > self.now // SECOND

    def _claim(self, trade: str, shipper: str = "", **more: Any) -> str:
        if shipper:
            self.api.post(shipper, f"/v1/trades/{trade}/ship")
        body = {"trade": trade, "reason": "not_as_described", "words": "Half is missing."}
        claim: str = self.api.post("fang", "/v1/claims", body | more)["id"]
        return claim

    def _dispute(self, trade: str, *, appealed: bool = False) -> None:
        """One that is decided at once; an appealed one in two rounds, and by others."""
        api = self.api
        if appealed:
            api.post("shop", f"/v1/trades/{trade}/ship")
        path = f"/v1/disputes/{api.post('fang', '/v1/disputes', {'trade': trade})['id']}"
        api.post("fang", f"{path}/evidence", {"kind": "message", "text": "Look."})
        for who in ("fang", "shop"):
            api.post(who, f"{path}/rest")
        api.post("house", f"{path}/decide", {"outcome": "split", "amount": 1_500, "reasons": "Half each."})
        if appealed:
            api.post("lead", f"{path}/approve")
            api.post("shop", f"{path}/appeal", {"reasons": "No."})
        else:
            for who in ("fang", "shop"):
                api.post(who, f"{path}/accept")

    def pay_out(self) -> None:
        """Bank files rejected and approved, payouts booked, returned and refused, plans, a debt netted and let go."""
        api = self.api
        self.do(ChangeDetails(HOUSE, HOUSE, self.parties["other"], b"sealed", "match"))
        order = {"currency": "USD", "amount": 30_000, "payer": self.id("fang")}
        api.post("shop", "/v1/payments", order)
        asked = [api.post("shop", "/v1/payouts", {"currency": "USD", "amount": n})["id"] for n in (400, 300, 200)]
        first = api.post("house", "/v1/payout_files", {"currency": "USD"})["file"]
        api.post("lead", f"/v1/payout_files/{first}/reject", {"reason": "Too late"})
        second = api.post("house", "/v1/payout_files", {"currency": "USD"})["file"]
        api.post("lead", f"/v1/payout_files/{second}/approve")
        for n, payout in zip((400, 300), asked, strict=False):
            self.do(BookPayout(read("payout", payout), line("USD", -n, f"out {n}")))
        self.do(ReturnPayout(read("payout", asked[1]), line("USD", 300, "back"), "AC04"))
        api.post("house", f"/v1/payouts/{asked[2]}/reject", {"reason": "AC06"})
        api.post("house", f"/v1/parties/{self.id('shop')}/accept_payee", {"reason": "It is theirs."})
        api.post("shop", "/v1/payout_plans", {"currency": "USD", "every": "day", "minimum": 100})
        api.post("other", "/v1/payout_plans", {"currency": "USD", "every": "manual"})
        self.now += DAY
        self.silence()
        sold = self.sell(20_000)
        for who, step in (("shop", "ship"), ("fang", "confirm")):
            api.post(who, f"/v1/trades/{sold}/{step}")
        self.now += 2 * DAY
        self.silence()
        (left,) = (each["available"] for each in api.get("shop", "/v1/balances")["data"] if each["currency"] == "USD")
        if left:
            api.post("shop", "/v1/transfers", {"payee": self.id("ming"), "currency": "USD", "amount": left})
        api.post("shop", f"/v1/claims/{self._claim(sold)}/agree")
        api.post("fang", "/v1/transfers", {"payee": self.id("shop"), "currency": "USD", "amount": 50})
        debt = {"party": self.id("shop"), "currency": "USD"}
        api.post("house", "/v1/receivables/net", debt)
        api.post("house", "/v1/write_offs", {**debt, "amount": 1, "reason": "A cent."})
        self.deposit("CNY", 777, "for the nice people")
        statement = self.statement("CNY")
        api.post_raw("house", "/v1/statements", statement, "application/xml")

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
        for _ in range(5):
            street.trade()
        street.pay_out()
        street.quarrel()
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
