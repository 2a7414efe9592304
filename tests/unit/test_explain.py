"""explain: all that happened to an object and what belongs to it, in words that an accountant reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import json
from tests.conftest import Engine
from tests.unit.domain.conftest import START, Market

from handfast.app import database
from handfast.app.explain import Life, explain
from handfast.cli import main
from handfast.core.clocks import DAY
from handfast.core.errors import NotFound
from handfast.core.ids import Id
from handfast.domain.notifications import CreateEndpoint, FanOut
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.trades import ShipTrade
from handfast.gateways.native.prefixes import show
from handfast.store.reader import Reader
from handfast.store.rows import EVENTS


@pytest.fixture
def reader(engine: Engine) -> Iterator[Reader]:
    reader = database(engine.url).read()
    yield reader
    reader.close()


@pytest.fixture
def market(engine: Engine) -> Market:
    return Market(engine)


def sale(market: Market) -> tuple[Id, Id, Id]:
    """A parcel that was paid and shipped, and of which a part was refunded: its payment, its trade, its buyer."""
    shop, buyer = market.party("merchant", commission_bps=350), market.party("customer")
    market.fund(buyer, "USD", 100_000)
    lines = (NewLine(shop, 10_000, title="two cups"),)
    payment = market.do(CreatePayment(shop, "USD", 10_000, lines=lines))
    (line,) = lines_of(market.do(PayPayment(buyer, payment.id)))
    market.wait(1)
    market.do(ShipTrade(shop, line.trade))
    market.do(RefundPayment(shop, payment.id, line.trade, 2_500))
    market.desk.run([market.request(RefundPayment(shop, payment.id, line.trade, 90_000), key=b"too much........")])
    return payment.id, line.trade, buyer


def test_a_payments_life(market: Market, reader: Reader) -> None:
    payment, trade, buyer = sale(market)
    life = explain(reader, show("payment", payment))
    assert life.object == show("payment", payment)
    assert life.parts[0] == show("trade", trade)
    assert life.parts[1].startswith("ref_")
    assert [(line.at, line.verb, line.outcome) for line in life.asked] == [
        (START, "payments.create", "done"),
        (START, "payments.pay", "done"),
        (START + DAY, "trades.ship", "done"),
        (START + DAY, "payments.refund", "done"),
        (START + DAY, "payments.refund", "refund_exceeds_captured"),
    ]
    wallet, held = f"wallet {show('party', buyer)}", f"held {show('trade', trade)}"
    assert [(line.debit, line.credit, line.amount, line.currency, line.mode) for line in life.postings] == [
        (wallet, held, 10_000, "USD", "posted"),
        (held, wallet, 2_500, "USD", "posted"),
    ]
    assert [(line.type, line.object) for line in life.events] == [
        ("payment.created", life.object),
        ("trade.held", life.parts[0]),
        ("payment.captured", life.object),
        ("trade.shipped", life.parts[0]),
        ("trade.refunded", life.parts[0]),
        ("refund.created", life.parts[1]),
        ("payment.refunded", life.object),
    ]
    assert [line.place for line in life.events] == sorted(line.place for line in life.events)
    assert {line.operation for line in life.events} <= {line.operation for line in life.asked}
    assert life.deliveries == []


def test_a_payments_story(market: Market, reader: Reader) -> None:
    payment, _, _ = sale(market)
    life = explain(reader, show("payment", payment))
    assert [(step.who, step.says, [leg.says for leg in step.legs]) for step in life.story] == [
        ("test", ["A payment was asked for."], []),
        (
            "test",
            ["100.00 USD were paid, and are held for the trade.", "The payment was taken, or a part of it."],
            ["the buyer → held"],
        ),
        ("test", ["The seller shipped."], []),
        (
            "test",
            ["25.00 USD went back to the buyer; the trade is shipped.", "A refund of 25.00 USD."],
            ["held → the buyer"],
        ),
        ("test", ["Refused: refund_exceeds_captured, 7500 minor units are left to refund."], []),
    ]
    assert life.facts[0] == "payment of 100.00 USD: captured"
    assert "two cups, 100.00 USD: shipped" in life.facts
    assert explain(reader, show("party", market.party("customer"))).story == []


def test_a_trades_life_begins_with_the_money_that_was_set_aside_for_it(market: Market, reader: Reader) -> None:
    _, trade, _ = sale(market)
    life = explain(reader, show("trade", trade))
    assert [line.kind for line in life.postings] == ["payment.pay", "payment.refund"]
    assert [line.verb for line in life.asked] == ["payments.pay", "trades.ship", "payments.refund"]


def test_deliveries_are_told(market: Market, reader: Reader) -> None:
    shop = market.party("merchant")
    endpoint = market.do(CreateEndpoint(shop, "https://shop.example/hook", b"sealed"))
    payment = market.do(CreatePayment(shop, "USD", 10_000))
    ((last, event),) = reader.rows(f"SELECT seq, id FROM {EVENTS.name} ORDER BY seq DESC LIMIT 1")
    market.do(FanOut(0, last, ((event, endpoint.id, endpoint.url),), market.now))
    (line,) = explain(reader, show("payment", payment.id)).deliveries
    assert (line.url, line.type, line.state, line.tries) == ("https://shop.example/hook", "payment.created", "due", 0)


@pytest.mark.parametrize("unknown", ["pay_" + "0" * 26, "pay_12", "nonsense", "", "pay_" + "g" * 26, "operation"])
def test_what_is_not_known_is_said(reader: Reader, unknown: str) -> None:
    with pytest.raises(NotFound):
        explain(reader, unknown)


def test_the_command_prints_tables_or_json(market: Market, engine: Engine, tmp_path: Path) -> None:
    payment, trade, buyer = sale(market)
    words = ["explain", show("payment", payment), "--data", str(tmp_path), "--database", engine.url]
    told = CliRunner().invoke(main, [*words, "--json"])
    assert told.exit_code == 0
    assert json.decode(told.stdout, type=Life).object == show("payment", payment)
    tables = CliRunner().invoke(main, words)
    assert tables.exit_code == 0
    rows = [line.split() for line in tables.stdout.splitlines()]
    when = ["2014-10-28", "00:00:00.000"]
    assert [*when, "payments.create", "done"] in [row[:4] for row in rows]
    paid = ["wallet", show("party", buyer), "held", show("trade", trade), "100.00", "USD", "posted"]
    assert paid in [row[4:] for row in rows]
    assert "What was sent (wall time, UTC; in vendors' protocols market time): nothing" in tables.stdout
    unknown = CliRunner().invoke(main, ["explain", "pay_1", "--data", str(tmp_path), "--database", engine.url])
    assert (unknown.exit_code, unknown.stderr) == (1, "object_not_found: nothing is known of pay_1 (id)\n")
