"""What is frozen at the sale: each line's commission, rates and periods, so that nothing later changes the bargain."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.money import check_amount, half_even
from handfast.domain.exchange import Quote, rate
from handfast.domain.parties import Party
from handfast.domain.payments.model import Line, Payment
from handfast.domain.trades import PERIODS, Frozen, Trade, commission_of, converted_down, converted_up
from handfast.store.verb import Tx

MOST_LINES = 100
_decode = msgpack.Decoder(tuple[Line, ...]).decode


class NewLine(Struct, frozen=True):
    """A line as it is asked for: `amount` minor units of the payment's currency, `tax` included in it."""

    seller: Id
    amount: int
    tax: int = 0
    category: str = "general"
    delivery: str = "express"
    title: str = ""


def check_lines(lines: Sequence[NewLine]) -> int:
    """The sum of the lines' amounts. Raises Invalid(lines_invalid, amount_invalid, amount_too_large)."""
    if len(lines) > MOST_LINES:
        raise Invalid("lines_invalid", f"a payment has at most {MOST_LINES} lines", "lines")
    for n, line in enumerate(lines):
        check_amount(line.amount, f"lines[{n}].amount")
        if not 0 <= line.tax <= line.amount:
            raise Invalid("lines_invalid", "the tax is a part of the amount", f"lines[{n}].tax")
        if line.delivery not in PERIODS:
            raise Invalid("lines_invalid", f"delivery is one of {', '.join(PERIODS)}", f"lines[{n}].delivery")
    return check_amount(sum(line.amount for line in lines))


def must_differ(payer: Id | None, merchant: Id, lines: Sequence[Line | NewLine]) -> None:
    """Raises Invalid(field_invalid) where the payer would pay itself."""
    if payer == merchant or any(payer == line.seller for line in lines):
        raise Invalid("field_invalid", "the payer is the merchant, or a seller", "payer")


def paid_part(before: int, amount: int, quote: Quote) -> tuple[int, int]:
    """What the payer gives for an amount that comes after `before` of the same payment, and the position's part of it.

    Rounded up once for the whole payment, not once a line.
    """
    num, den = quote.numerator, quote.denominator
    pay_amount = converted_up(before + amount, num, den) - converted_up(before, num, den)
    return pay_amount, half_even(amount * num, den)


def freeze(tx: Tx, seller: Party, currency: str, before: int, amount: int, tax: int, quote: Quote | None) -> Frozen:
    """The terms of an amount that comes after `before` of the same payment.

    Raises Invalid(lines_invalid, rate_unknown, amount_too_large).
    """
    commission = commission_of(seller, currency, amount)
    earned = amount - commission - tax
    if earned < 0:
        raise Invalid("lines_invalid", "commission and tax exceed the amount", "tax")
    settle_currency, settle_num, settle_den = currency, 1, 1
    if seller.settle_currency not in ("", currency):
        settle_currency = seller.settle_currency
        settle_num, settle_den, _ = rate(currency, settle_currency, tx.now)
    pay_currency, pay_amount, pay_position = currency, amount, amount
    if quote is not None:
        pay_currency = quote.pay_currency
        pay_amount, pay_position = paid_part(before, amount, quote)
    settle_amount = converted_down(earned, settle_num, settle_den)
    check_amount(max(amount, pay_amount, settle_amount))
    return Frozen(
        currency=currency,
        amount=amount,
        tax=tax,
        commission=commission,
        pay_currency=pay_currency,
        pay_amount=pay_amount,
        pay_position=pay_position,
        settle_currency=settle_currency,
        settle_amount=settle_amount,
        settle_position=half_even(earned * settle_num, settle_den),
    )


def freeze_lines(
    tx: Tx, lines: Sequence[NewLine], sellers: Mapping[Id, Party], currency: str, quote: Quote | None
) -> tuple[Line, ...]:
    """The lines with their terms; each gets the id of the trade that its capture will open."""
    frozen = []
    before = 0
    for line in lines:
        terms = freeze(tx, sellers[line.seller], currency, before, line.amount, line.tax, quote)
        before += line.amount
        frozen.append(
            Line(
                trade=tx.new_id(),
                seller=line.seller,
                title=line.title,
                category=line.category,
                delivery=line.delivery,
                amount=line.amount,
                tax=line.tax,
                commission=terms.commission,
                pay_amount=terms.pay_amount,
                pay_position=terms.pay_position,
                settle_currency=terms.settle_currency,
                settle_amount=terms.settle_amount,
                settle_position=terms.settle_position,
            )
        )
    return tuple(frozen)


def lines_of(payment: Payment) -> tuple[Line, ...]:
    """The payment's lines; none for a direct payment."""
    return _decode(payment.lines) if payment.lines else ()


def reprice(payment: Payment, quote: Quote) -> Payment:
    """The same bargain, paid at the payer's quote: what sellers get was frozen before and stays."""
    lines = []
    before = 0
    for line in lines_of(payment):
        pay_amount, pay_position = paid_part(before, line.amount, quote)
        lines.append(replace(line, pay_amount=pay_amount, pay_position=pay_position))
        before += line.amount
    pay_amount, pay_position = paid_part(0, payment.amount, quote)
    check_amount(pay_amount)
    return replace(
        payment,
        quote=quote.id,
        pay_currency=quote.pay_currency,
        pay_amount=pay_amount,
        pay_position=pay_position,
        lines=msgpack.encode(tuple(lines)) if lines else b"",
    )


def open_trade(payment: Payment, line: Line, now: int) -> Trade:
    """The guaranteed trade that a captured line becomes; its seller's time to ship begins."""
    assert payment.payer is not None
    periods = PERIODS[line.delivery]
    return Trade(
        id=line.trade,
        payment=payment.id,
        merchant=payment.merchant,
        seller=line.seller,
        buyer=payment.payer,
        state="held",
        title=line.title,
        category=line.category,
        delivery=line.delivery,
        currency=payment.currency,
        amount=line.amount,
        tax=line.tax,
        commission=line.commission,
        pay_currency=payment.pay_currency,
        pay_amount=line.pay_amount,
        pay_position=line.pay_position,
        settle_currency=line.settle_currency,
        settle_amount=line.settle_amount,
        settle_position=line.settle_position,
        refunded=0,
        released=0,
        returned=0,
        ship_within=periods.ship_within,
        confirm_within=periods.confirm_within,
        due=now + periods.ship_within,
        tracking="",
        version=0,
        created=now,
    )
