"""A body for each shape that clients may write, with every field, of values that would do."""

from typing import Any

from msgspec import Struct
from msgspec.structs import fields
from tests.unit.gateways.native.street import Street

from handfast.gateways.native import wire, wire_trades

NOBODY = {"party": "pty_" + "0" * 26, "trade": "trd_" + "0" * 26, "quote": "quo_" + "0" * 26}
KINDS: dict[type[Struct], str] = {
    wire.NewShare: "freight",
    wire_trades.NewProposal: "amend",
    wire_trades.NewEvidence: "message",
}
REASONS: dict[type[Struct], str] = {wire_trades.NewClaim: "not_received"}
VALUES: dict[str, Any] = {
    "account": "",
    "amount": 100,
    "answer": "",
    "at": 0,
    "bic": "",
    "buy_amount": 100,
    "buy_currency": "CNY",
    "capture": "automatic",
    "category": "general",
    "ceiling": 100,
    "commission_bps": 0,
    "commission_cap": 0,
    "commission_minimum": 0,
    "confidential": False,
    "commission_currency": "USD",
    "country": "US",
    "currency": "USD",
    "day": 1,
    "delivery": "express",
    "description": "",
    "due": 0,
    "email": "",
    "events": ["evt_" + "0" * 32],
    "every": "week",
    "file": "",
    "final": False,
    "goods": "keep",
    "holder": "",
    "iban": "",
    "idempotency_key": "k",
    "listing_fee": 0,
    "media_type": "",
    "metadata": {},
    "minimum": 0,
    "name": "x",
    "outcome": "part",
    "pay_currency": "CNY",
    "payment": "pay_" + "0" * 26,
    "policy": "pol_" + "0" * 32,
    "price_currency": "USD",
    "quote": NOBODY["quote"],
    "reasons": "r",
    "reference": "r",
    "routing": "",
    "scopes": ["read"],
    "sell_amount": 100,
    "sell_currency": "USD",
    "settle_currency": "USD",
    "source": "commission",
    "tax": 0,
    "text": "t",
    "title": "",
    "tracking": "SF1",
    "trade": NOBODY["trade"],
    "trades": [NOBODY["trade"]],
    "types": ["*"],
    "url": "https://shop.example/hook",
    "words": "",
}


def sample(shape: type[Struct], street: Street) -> dict[str, Any]:
    """A body with every field of the struct."""
    values = VALUES | {
        "kind": KINDS.get(shape, "customer"),
        "merchant": street.id("shop"),
        "party": street.id("ming"),
        "payee": street.id("shop"),
        "payer": street.id("fang"),
        "reason": REASONS.get(shape, "r"),
        "seller": street.id("shop"),
    }
    body = {}
    for field in fields(shape):
        if field.name == "lines":
            body["lines"] = [sample(wire.NewLine, street)]
        elif field.name == "shares":
            body["shares"] = [sample(wire.NewShare, street)]
        elif field.name == "payments":
            body["payments"] = [sample(wire.KeyedPayment, street)]
        else:
            body[field.name] = values[field.name]
    return body
