"""The scripted flows that are broken at every write: what people, bank and clock do with a street, step by step."""

from collections.abc import Callable
from typing import Any

from tests.faults.quarrels import QUARRELS
from tests.faults.stepped import Play
from tests.unit.timers.bank_day import BUYER, BUYER_IBAN, CUSTODY, MONDAY, TUESDAY

Flow = Callable[[Play], None]


def _direct(play: Play, **more: Any) -> Any:
    return play.post("shop", "/v1/payments", {"currency": "USD", "amount": 10_000, "payer": play.id["fang"]} | more)


def _cart(play: Play, **more: Any) -> Any:
    lines = [
        {"seller": play.id["shop"], "amount": 10_000, "title": "Lamp"},
        {"seller": play.id["other"], "amount": 5_000, "tax": 400, "title": "Shade"},
    ]
    asked = {"currency": "USD", "amount": 15_000, "lines": lines} | more
    payment = play.post("market", "/v1/payments", asked)
    return payment if payment["state"] == "captured" else play.post("fang", f"/v1/payments/{payment['id']}/pay")


def _trades(payment: Any) -> list[str]:
    return [line["trade"] for line in payment["lines"]]


def _deposit(play: Play, amount: int, text: str, on: str = MONDAY) -> None:
    play.bank.deposit(CUSTODY["USD"], amount, on=on, remittance=text, name=BUYER, account=BUYER_IBAN)


def first_start(_play: Play) -> None:
    """An empty data directory becomes a database with its schema, wholly or not at all."""


def topup_by_statement(play: Play) -> None:
    topup = play.post("ming", "/v1/topups", {"currency": "USD", "amount": 7_000})
    open_amount = play.post("fang", "/v1/topups", {"currency": "USD"})
    _deposit(play, 7_000, topup["reference"])
    _deposit(play, 123, f"thanks {open_amount['reference']}")
    play.statement("USD")
    assert play.get("ming", f"/v1/topups/{topup['id']}").json()["credited"] == 7_000


def transfers(play: Play) -> None:
    for amount in (100, 250, 5):
        play.post("fang", "/v1/transfers", {"payee": play.id["ming"], "currency": "USD", "amount": amount})
    play.post("ming", "/v1/transfers", {"payee": play.id["fang"], "currency": "USD", "amount": 355})
    more = {"payee": play.id["fang"], "currency": "USD", "amount": 1}
    play.post("ming", "/v1/transfers", more, refused="balance_insufficient")


def direct_payment(play: Play) -> None:
    payment = _direct(play)
    back = play.post("shop", f"/v1/payments/{payment['id']}/refund", {"amount": 3_333})
    play.post("shop", "/v1/refunds", {"payment": payment["id"]})
    assert back["amount"] == 3_333


def authorise_capture_void(play: Play) -> None:
    payment = _direct(play, capture="manual")
    path = f"/v1/payments/{payment['id']}"
    play.post("shop", f"{path}/capture", {"amount": 3_000})
    play.post("shop", f"{path}/capture", {"amount": 2_000})
    ended = play.post("shop", f"{path}/void")
    assert (ended["state"], ended["captured"]) == ("captured", 5_000)


def cart_shipped_and_confirmed(play: Play) -> None:
    lamp, shade = _trades(_cart(play))
    play.post("shop", f"/v1/trades/{lamp}/ship", {"tracking": "1Z-42"})
    play.post("fang", f"/v1/trades/{lamp}/confirm")
    play.post("other", f"/v1/trades/{shade}/ship", {})
    play.post("fang", f"/v1/trades/{shade}/confirm")


def released_by_clock(play: Play) -> None:
    for trade, seller in zip(_trades(_cart(play)), ("shop", "other"), strict=True):
        play.post(seller, f"/v1/trades/{trade}/ship", {"tracking": seller})
    play.advance(45)


def unshipped_closed_by_clock(play: Play) -> None:
    lamp, _ = _trades(_cart(play))
    play.post("shop", f"/v1/trades/{lamp}/ship", {})
    play.advance(9)
    play.advance(45)


def refund_before_release(play: Play) -> None:
    payment = _cart(play)
    lamp, shade = _trades(payment)
    play.post("market", "/v1/refunds", {"payment": payment["id"], "trade": lamp, "amount": 3_333, "reason": "scratch"})
    play.post("market", "/v1/refunds", {"payment": payment["id"], "trade": shade})
    play.post("shop", f"/v1/trades/{lamp}/ship", {})
    play.post("fang", f"/v1/trades/{lamp}/confirm")


def refund_after_release(play: Play) -> None:
    payment = _cart(play)
    lamp, _ = _trades(payment)
    play.post("shop", f"/v1/trades/{lamp}/ship", {})
    play.post("fang", f"/v1/trades/{lamp}/confirm")
    play.post("market", "/v1/refunds", {"payment": payment["id"], "trade": lamp, "amount": 4_000})
    play.post("market", "/v1/refunds", {"payment": payment["id"], "trade": lamp})


def abroad_at_a_quote(play: Play) -> None:
    quote = play.post("market", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})
    payment = _cart(play, payer=play.id["fang"], quote=quote["id"])
    play.post("market", "/v1/refunds", {"payment": payment["id"], "trade": _trades(payment)[0], "amount": 3_001})
    own = play.post("fang", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})
    asked = play.post("shop", "/v1/payments", {"currency": "USD", "amount": 777})
    play.post("fang", f"/v1/payments/{asked['id']}/pay", {"quote": own["id"]})


def payout_paid_and_returned(play: Play) -> None:
    _direct(play)
    payout = play.post("shop", "/v1/payouts", {"currency": "USD", "amount": 6_000})
    play.order_payouts("USD")
    file = play.get("shop", f"/v1/payouts/{payout['id']}").json()["file"]
    play.post("lead", f"/v1/payout_files/{file}/approve")
    content = play.get("house", f"/v1/payout_files/{file}/content").content
    (booking,) = play.bank.execute(content, on=TUESDAY)
    assert booking.transactions[0].end_to_end_id == payout["end_to_end"]
    play.statement("USD", TUESDAY)
    play.bank.give_back(CUSTODY["USD"], payout["end_to_end"], on="2014-10-29")
    play.statement("USD", "2014-10-29")
    assert play.get("shop", f"/v1/payouts/{payout['id']}").json()["state"] == "returned"


def payout_cancelled(play: Play) -> None:
    _direct(play)
    first = play.post("shop", "/v1/payouts", {"currency": "USD", "amount": 1_000})
    play.post("shop", "/v1/payouts", {"currency": "USD", "amount": 2_000})
    play.post("shop", f"/v1/payouts/{first['id']}/cancel")


def consent_given_and_withdrawn(play: Play) -> None:
    given = play.post("fang", "/v1/consents", {"merchant": play.id["other"], "currency": "USD", "ceiling": 900})
    asked = {"currency": "USD", "amount": 900, "payer": play.id["fang"]}
    play.post("other", "/v1/payments", asked)
    play.post("other", "/v1/payments", asked | {"amount": 901}, refused="consent_exceeded")
    play.post("fang", f"/v1/consents/{given['id']}/withdraw")


def webhooks_delivered(play: Play) -> None:
    endpoint = play.post("shop", "/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook", "types": ["*"]})
    payment = _direct(play)
    play.deliver()
    play.post("shop", f"/v1/payments/{payment['id']}/refund", {"amount": 10})
    play.post("shop", f"/v1/webhook_endpoints/{endpoint['id']}/rotate_secret")
    play.deliver()
    play.post("shop", f"/v1/webhook_endpoints/{endpoint['id']}/disable")


def party_and_key(play: Play) -> None:
    new = {"kind": "merchant", "country": "US", "name": "Lanterns", "iban": "NL91ABNA0417164300"}
    party = play.post("house", "/v1/parties", new)
    key = play.post("house", "/v1/api_keys", {"party": party["id"], "name": "till", "scopes": ["read", "payments"]})
    play.post("house", f"/v1/parties/{party['id']}/suspend")
    play.post("house", f"/v1/parties/{party['id']}/resume")
    play.post("house", f"/v1/api_keys/{key['id']}/revoke")


def party_erased(play: Play) -> None:
    party = play.post("house", "/v1/parties", {"kind": "customer", "country": "CN", "name": "Lei"})
    play.post("fang", "/v1/transfers", {"payee": party["id"], "currency": "USD", "amount": 1})
    play.post("house", f"/v1/parties/{party['id']}/erase")


def clock_advanced(play: Play) -> None:
    """Time-outs of payments and trades at several moments."""
    for amount in (100, 200):
        play.post("shop", "/v1/payments", {"currency": "USD", "amount": amount})
        _direct(play, amount=amount, capture="manual")
    _cart(play)
    for days in (1, 3, 10, 45):
        play.advance(days)


def deal_agreed_and_booked(play: Play) -> None:
    deal = {"sell_currency": "USD", "sell_amount": 10_000, "buy_currency": "CNY", "buy_amount": 61_135}
    play.post("house", "/v1/deals", deal | {"reference": "FX-2014-10-27"})
    play.bank.exchange(CUSTODY["USD"], 10_000, CUSTODY["CNY"], 61_135, on=MONDAY, reference="FX-2014-10-27")
    play.statement("USD")
    play.statement("CNY")


def commission_swept(play: Play) -> None:
    _direct(play)
    play.post("house", "/v1/sweeps", {"source": "commission", "currency": "USD", "amount": 200})
    more = {"source": "commission", "currency": "USD", "amount": 51}
    play.post("house", "/v1/sweeps", more, refused="balance_insufficient")


def unknown_money_in_suspense(play: Play) -> None:
    _deposit(play, 4_200, "for the lamp")
    _deposit(play, 99, "")
    play.statement("USD")


def batch_of_payments(play: Play) -> None:
    items = [
        {"currency": "USD", "amount": amount, "payer": play.id["fang"], "idempotency_key": f"item-{amount}"}
        for amount in (100, 200, 60_000, 300)
    ]
    play.post("shop", "/v1/payments/batch", {"payments": items})


def asked_and_cancelled(play: Play) -> None:
    asked = play.post("shop", "/v1/payments", {"currency": "USD", "amount": 500})
    play.post("shop", f"/v1/payments/{asked['id']}/cancel")
    play.post("fang", f"/v1/payments/{asked['id']}/pay", refused="state_conflict")


def log_copied_often(play: Play) -> None:
    """The write-ahead log is copied into the database in the midst of it, and begun anew."""
    play.copy_log_after(pages=12)
    for amount in range(1, 13):
        play.post("fang", "/v1/transfers", {"payee": play.id["ming"], "currency": "USD", "amount": amount})


FRESH = {"first_start"}
"""The flows that begin without a database; the others begin on a street (see Street)."""

FLOWS: dict[str, Flow] = {
    flow.__name__: flow
    for flow in (
        first_start,
        topup_by_statement,
        transfers,
        direct_payment,
        authorise_capture_void,
        cart_shipped_and_confirmed,
        released_by_clock,
        unshipped_closed_by_clock,
        refund_before_release,
        refund_after_release,
        abroad_at_a_quote,
        payout_paid_and_returned,
        payout_cancelled,
        consent_given_and_withdrawn,
        webhooks_delivered,
        party_and_key,
        party_erased,
        clock_advanced,
        deal_agreed_and_booked,
        commission_swept,
        unknown_money_in_suspense,
        batch_of_payments,
        asked_and_cancelled,
        log_copied_often,
        *QUARRELS,
    )
}
"""By name, in the order in which they are run. A movement that is added to Handfast adds its own."""
