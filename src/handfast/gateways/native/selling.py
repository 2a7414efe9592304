"""Payments, refunds, quotes and consents: from what a client wrote to the domain's commands, and back."""

from collections.abc import Mapping
from typing import Any

from msgspec import json
from msgspec.structs import replace

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.domain import exchange, parties, payments, trades
from handfast.domain.payments import PAYMENTS, REFUNDS, Payment, Refund
from handfast.domain.trades import TRADES
from handfast.gateways.native import objects, sales, wire
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import Query, RefundPage, cursor, listed
from handfast.gateways.native.prefixes import parse_kind, read, read_some, unknown
from handfast.gateways.native.reports import List
from handfast.store.reader import Reader, get, page

PAYMENTS_PATH = "/v1/payments"
_encode = json.Encoder().encode


class Expand(Query, frozen=True, kw_only=True, rename={"expand": "expand[]"}):
    """What else to show: "trades", "refunds"."""

    expand: tuple[str, ...] = ()


def create_payment(call: Call[wire.NewPayment]) -> payments.CreatePayment:
    """Ask for a payment."""
    return new_payment(call.caller.party, call.given)


def new_payment(merchant: Id, given: wire.NewPayment) -> payments.CreatePayment:
    """The command that a payment's body means. Raises NotFound."""
    return payments.CreatePayment(
        merchant=merchant,
        currency=given.currency,
        amount=given.amount,
        payer=read_some("party", given.payer, "payer"),
        capture=given.capture,
        quote=read_some("quote", given.quote),
        lines=tuple(_new_line(line, n) for n, line in enumerate(given.lines)),
        reference=given.reference,
        description=given.description,
        metadata=_encode(given.metadata),
    )


def _new_line(line: wire.NewLine, n: int) -> payments.NewLine:
    return payments.NewLine(
        seller=read("party", line.seller, f"lines[{n}].seller"),
        amount=line.amount,
        tax=line.tax,
        shares=tuple(
            trades.Share(part.kind, read("party", part.payee, f"lines[{n}].shares[{m}].payee"), part.amount)
            for m, part in enumerate(line.shares)
        ),
        category=line.category,
        delivery=line.delivery,
        title=line.title,
    )


def _payment_owners(row: Payment) -> tuple[Id | None, ...]:
    return (row.merchant, row.payer)


async def see_payment(call: Call[Expand]) -> sales.Payment:
    """See a payment, with its trades and refunds if they are asked for."""
    for word in call.given.expand:
        if word not in ("trades", "refunds"):
            raise Invalid("field_invalid", 'what can be expanded is "trades" and "refunds"', "expand[]")
    row = await call.find(PAYMENTS, _payment_owners, "payment")
    shown: sales.Payment = await call.show(row)
    more: dict[str, Any] = {}
    if "trades" in call.given.expand:
        found = await call.look(lambda reader: trades.trades_of(reader, row.id))
        places = {line.trade: place for place, line in enumerate(payments.lines_of(row))}
        more["trades"] = await call.show_all(sorted(found, key=lambda trade: places[trade.id]))
    if "refunds" in call.given.expand:
        given_back = await call.look(lambda reader: payments.refunds_of(reader, row.id))
        more["refunds"] = await call.show_all(given_back)
    return replace(shown, **more) if more else shown


def pay_payment(call: Call[wire.Pay]) -> payments.PayPayment:
    """Pay an open payment from one's own wallet."""
    return payments.PayPayment(call.caller.party, call.id, read_some("quote", call.given.quote))


def capture_payment(call: Call[wire.Capture]) -> payments.CapturePayment:
    """Take a part or all of what is authorised."""
    given = call.given
    chosen = tuple(read("trade", trade, "trades") for trade in given.trades)
    return payments.CapturePayment(call.caller.party, call.id, given.amount, chosen, given.final)


def void_payment(call: Call[wire.Nothing]) -> payments.EndPayment:
    """Free what is authorised and not captured."""
    return payments.EndPayment(call.caller.party, call.id)


def cancel_payment(call: Call[wire.Nothing]) -> payments.EndPayment:
    """Ask no longer for an open payment."""
    return payments.EndPayment(call.caller.party, call.id)


def refund_payment(call: Call[wire.RefundOf]) -> payments.RefundPayment:
    """Give back a part or all of a payment, or of one of its trades."""
    return _refund(call, call.id, call.given)


def create_refund(call: Call[wire.NewRefund]) -> payments.RefundPayment:
    """Give back a part or all of a payment, or of one of its trades."""
    return _refund(call, read("payment", call.given.payment), call.given)


def _refund(call: Call[Any], payment: Id, given: wire.RefundOf) -> payments.RefundPayment:
    # A trade whose id is no id is nobody's, which the verb says after it has seen whose the payment is.
    trade = None if given.trade is None else parse_kind("trade", given.trade) or bytes(16)
    return payments.RefundPayment(call.caller.party, payment, trade, given.amount, given.reason)


async def see_refund(call: Call[Any]) -> sales.Refund:
    """See a refund."""

    def find(reader: Reader) -> tuple[Refund | None, tuple[Id | None, ...]]:
        refund = get(reader, REFUNDS, call.id)
        return (None, ()) if refund is None else (refund, _refund_owners(reader, refund))

    refund, owners = await call.look(find)
    if refund is None or not call.caller.sees(*owners):
        raise unknown("refund")
    shown: sales.Refund = await call.show(refund)
    return shown


def _refund_owners(reader: Reader, refund: Refund) -> tuple[Id | None, ...]:
    payment = get(reader, PAYMENTS, refund.payment)
    trade = None if refund.trade is None else get(reader, TRADES, refund.trade)
    return refund.merchant, payment.payer if payment else None, trade.seller if trade else None


async def list_refunds(call: Call[RefundPage]) -> List:
    """List refunds: one's own as a merchant, or those of a payment or trade that one may see."""
    given, caller = call.given, call.caller
    below, above = cursor(given, "refund")
    payment = None if given.payment is None else parse_kind("payment", given.payment) or bytes(16)
    trade = None if given.trade is None else parse_kind("trade", given.trade) or bytes(16)
    equal = {name: value for name, value in (("payment", payment), ("trade", trade)) if value is not None}

    def rows(reader: Reader) -> list[Refund]:
        paid = None if payment is None else get(reader, PAYMENTS, payment)
        sold = None if trade is None else get(reader, TRADES, trade)
        shared = (paid and caller.sees(*_payment_owners(paid))) or (sold and caller.sees(sold.seller, sold.buyer))
        owners = None if shared or caller.operates else (("merchant",), caller.party)
        return page(reader, REFUNDS, given.limit + 1, owners=owners, equal=equal, below=below, above=above)

    return await listed(call, await call.look(rows), given.limit)


def create_quote(call: Call[wire.NewQuote]) -> exchange.CreateQuote:
    """Lock today's rate for half an hour, or for the life of the payment that uses it."""
    return exchange.CreateQuote(call.caller.party, call.given.price_currency, call.given.pay_currency)


def give_consent(call: Call[wire.NewConsent]) -> payments.GiveConsent:
    """Let a merchant charge one's wallet, up to a ceiling a payment."""
    given = call.given
    payer = call.caller.acting_for(read_some("party", given.payer, "payer"), "payer")
    return payments.GiveConsent(payer, read("party", given.merchant, "merchant"), given.currency, given.ceiling)


async def withdraw_consent(call: Call[wire.Nothing]) -> objects.Consent:
    """End a consent."""
    known = await call.find(payments.CONSENTS, lambda row: (row.payer,), "consent")
    command = payments.WithdrawConsent(known.payer, known.merchant)
    shown: objects.Consent = await call.show(await call.do(payments.withdraw, command))
    return shown


def own_payments(
    reader: Reader, party: Id, limit: int, *, below: Id | None, above: Id | None, equal: Mapping[str, Any]
) -> list[payments.Payment] | None:
    """What a customer paid, or what a merchant was paid."""
    row = get(reader, parties.PARTIES, party)
    own = payments.paid_by if row is not None and row.kind == "customer" else payments.sold_by
    return own(reader, party, limit, below=below, above=above, equal=equal)
