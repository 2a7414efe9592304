"""What is frozen at the sale: each line's commission, shares, rates and policy, so that nothing changes the bargain."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.clocks import DAY
from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.money import check_amount, half_even
from handfast.domain.exchange import QUOTES, Quote, rate
from handfast.domain.parties import HOUSE, PARTIES, Party, active
from handfast.domain.payments.model import Line, Payment
from handfast.domain.payments.tables import CONSENTS, consent_id, lines_of
from handfast.domain.policies import (
    BOOK,
    BOOKS,
    DELIVERIES,
    POLICIES,
    BookRow,
    Policy,
    choose,
    end_of,
    policy_of,
    settling,
)
from handfast.domain.trades import (
    SHARE_KINDS,
    Frozen,
    Share,
    Trade,
    commission_of,
    converted_down,
    converted_up,
    step_end,
)
from handfast.store.verb import Key, Tx

MOST_LINES = 100
MOST_SHARES = 10
LONGEST_SETTLE = 365
"""The longest time (days) for which a platform may let money be held."""
STAYS_OPEN = 5 * DAY
"""How long a payment without lines, and so without a policy, waits to be paid (1688's period)."""


class NewLine(Struct, frozen=True):
    """A line as it is asked for: `amount` minor units of the payment's currency, `tax` and `shares` included in it.

    With `settle` there is nothing to ship: a platform says when the seller is paid, who is after so many days anyway.
    """

    seller: Id
    amount: int
    tax: int = 0
    shares: tuple[Share, ...] = ()
    category: str = "general"
    delivery: str = "express"
    title: str = ""
    settle: int = 0


class CreatePayment(Struct, frozen=True):
    """Ask for `amount` minor units of `currency` (with lines: their sum); with a payer who consented it is paid now.

    `capture` is "automatic" or "manual". A `quote` fixes the payer's currency and rate.
    """

    merchant: Id
    currency: str
    amount: int
    payer: Id | None = None
    capture: str = "automatic"
    quote: Id | None = None
    lines: tuple[NewLine, ...] = ()
    reference: str = ""
    description: str = ""
    metadata: bytes = b"{}"


def check_lines(lines: Sequence[NewLine]) -> int:
    """The sum of the lines' amounts. Raises Invalid(lines_invalid, amount_invalid, amount_too_large)."""
    if len(lines) > MOST_LINES:
        raise Invalid("lines_invalid", f"a payment has at most {MOST_LINES} lines", "lines")
    for n, line in enumerate(lines):
        check_amount(line.amount, f"lines[{n}].amount")
        if not 0 <= line.tax <= line.amount:
            raise Invalid("lines_invalid", "the tax is a part of the amount", f"lines[{n}].tax")
        if line.delivery not in DELIVERIES:
            raise Invalid("lines_invalid", f"delivery is one of {', '.join(DELIVERIES)}", f"lines[{n}].delivery")
        if not 0 <= line.settle <= LONGEST_SETTLE:
            raise Invalid("lines_invalid", f"settled after 1 to {LONGEST_SETTLE} days", f"lines[{n}].settle")
        _check_shares(line, f"lines[{n}].shares")
    return check_amount(sum(line.amount for line in lines))


def _check_shares(line: NewLine, path: str) -> None:
    if len(line.shares) > MOST_SHARES:
        raise Invalid("lines_invalid", f"a line has at most {MOST_SHARES} shares", path)
    for n, part in enumerate(line.shares):
        check_amount(part.amount, f"{path}[{n}].amount")
        if part.kind not in SHARE_KINDS:
            raise Invalid("lines_invalid", f"a share is one of {', '.join(SHARE_KINDS)}", f"{path}[{n}].kind")
        if part.payee in (line.seller, HOUSE):
            words = "the seller has the rest, and the operator its commission: a share is somebody else's"
            raise Invalid("lines_invalid", words, f"{path}[{n}].payee")
    if line.tax + sum(part.amount for part in line.shares) > line.amount:
        raise Invalid("lines_invalid", "tax and shares are parts of the amount", path)


def must_differ(payer: Id | None, merchant: Id, lines: Sequence[Line | NewLine]) -> None:
    """Raises Invalid(field_invalid) where the payer would pay itself."""
    if payer == merchant or (lines and any(payer in (line.seller, *payees_of(line)) for line in lines)):
        raise Invalid("field_invalid", "the payer is the merchant, a seller, or has a share", "payer")


def payees_of(line: Line | NewLine) -> tuple[Id, ...]:
    """Who has a share of a line."""
    return tuple(part.payee for part in line.shares)


def policies_of(book: BookRow | None, lines: Sequence[NewLine]) -> tuple[Id, ...]:
    """The policies in force for the lines, in their order. Raises Invalid(lines_invalid) where a line has none."""
    found = []
    for n, line in enumerate(lines):
        policy = choose(book, line.category, line.delivery)
        if policy is None:
            raise Invalid("lines_invalid", "no policy is in force for this category and delivery", f"lines[{n}]")
        found.append(policy)
    return tuple(found)


async def chosen(tx: Tx, book: BookRow | None, lines: Sequence[NewLine]) -> tuple[tuple[Id, ...], dict[Id, Policy]]:
    """The lines' policies in their order, and by id; its own for a line that a platform settles. Raises Invalid."""
    policies = list(policies_of(book, lines))
    known = await policies_by_id(tx, policies)
    for n, line in enumerate(lines):
        if line.settle:
            policies[n], policy = await settling(tx, known[policies[n]], line.settle)
            known[policies[n]] = policy
    return tuple(policies), known


async def policies_by_id(tx: Tx, keys: Iterable[Id]) -> dict[Id, Policy]:
    """Published policies by id, read in one round."""
    wanted = tuple(dict.fromkeys(keys))
    rows = await tx.get_all(*((POLICIES, key) for key in wanted)) if wanted else []
    return {row.id: policy_of(row) for row in rows}


def pay_by(tx: Tx, policies: Iterable[Policy]) -> int:
    """Until when a payment waits to be paid: the shortest period of its lines' policies."""
    return min((end_of(policy, policy.pay.within, tx.now) for policy in policies), default=tx.now + STAYS_OPEN)


def paid_part(before: int, amount: int, quote: Quote) -> tuple[int, int]:
    """What the payer gives for an amount that comes after `before` of the same payment, and the position's part of it.

    Rounded up once for the whole payment, not once a line.
    """
    num, den = quote.numerator, quote.denominator
    pay_amount = converted_up(before + amount, num, den) - converted_up(before, num, den)
    return pay_amount, half_even(amount * num, den)


def freeze(
    tx: Tx,
    seller: Party,
    currency: str,
    before: int,
    amount: int,
    quote: Quote | None,
    line: NewLine | None = None,
) -> Frozen:
    """The terms of an amount, a line's or a direct payment's, that comes after `before` of the same payment.

    Raises Invalid(rate_unknown, amount_too_large).
    """
    tax = line.tax if line else 0
    most = amount - tax - (sum(part.amount for part in line.shares) if line else 0)
    commission = commission_of(seller, currency, amount, most, listed=line is not None)
    earned = most - commission
    settle_currency, settle_amount, settle_position = currency, earned, earned
    if seller.settle_currency not in ("", currency):
        settle_currency = seller.settle_currency
        numerator, denominator, _ = rate(currency, settle_currency, tx.now)
        settle_amount = converted_down(earned, numerator, denominator)
        settle_position = half_even(earned * numerator, denominator)
    pay_currency, pay_amount, pay_position = currency, amount, amount
    if quote is not None:
        pay_currency = quote.pay_currency
        pay_amount, pay_position = paid_part(before, amount, quote)
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
        settle_position=settle_position,
    )


def freeze_lines(
    tx: Tx,
    lines: Sequence[NewLine],
    policies: Sequence[Id],
    sellers: Mapping[Id, Party],
    currency: str,
    quote: Quote | None,
) -> tuple[Line, ...]:
    """The lines with their terms and policies; each gets the id of the trade that its capture will open."""
    frozen = []
    before = 0
    for line, policy in zip(lines, policies, strict=True):
        terms = freeze(tx, sellers[line.seller], currency, before, line.amount, quote, line)
        before += line.amount
        frozen.append(
            Line(
                trade=tx.new_id(),
                seller=line.seller,
                title=line.title,
                category=line.category,
                delivery=line.delivery,
                policy=policy,
                amount=line.amount,
                tax=line.tax,
                commission=terms.commission,
                shares=line.shares,
                pay_amount=terms.pay_amount,
                pay_position=terms.pay_position,
                settle_currency=terms.settle_currency,
                settle_amount=terms.settle_amount,
                settle_position=terms.settle_position,
                settled=line.settle > 0,
            )
        )
    return tuple(frozen)


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


def open_trade(payment: Payment, line: Line, policy: Policy, now: int) -> Trade:
    """The guaranteed trade that a captured line becomes; its seller's time to ship begins."""
    assert payment.payer is not None
    trade = Trade(
        id=line.trade,
        payment=payment.id,
        merchant=payment.merchant,
        seller=line.seller,
        buyer=payment.payer,
        state="held",
        title=line.title,
        category=line.category,
        delivery=line.delivery,
        policy=line.policy,
        currency=payment.currency,
        amount=line.amount,
        tax=line.tax,
        commission=line.commission,
        shares=msgpack.encode(line.shares) if line.shares else b"",
        pay_currency=payment.pay_currency,
        pay_amount=line.pay_amount,
        pay_position=line.pay_position,
        settle_currency=line.settle_currency,
        settle_amount=line.settle_amount,
        settle_position=line.settle_position,
        reserve_bps=policy.reserve.share_bps if policy.reserve else 0,
        refunded=0,
        released=0,
        returned=0,
        reserved=0,
        milestone=0,
        due=None,
        paused=None,
        extended_by_buyer=0,
        extended_by_seller=0,
        extended_by_silence=0,
        in_vain=0,
        claim=None,
        dispute=None,
        proposal=b"",
        tracking="",
        shipped_at=None,
        delivered_at=None,
        released_at=None,
        version=0,
        created=now,
    )
    if line.settled:
        trade = replace(trade, state="shipped", shipped_at=now)
    return replace(trade, due=step_end(policy, trade, now))


def concerned(command: CreatePayment, named: Iterable[Id]) -> list[Key]:
    """The keys of merchant, payer and consent, quote, book and the named parties, as far as the payment has them."""
    keys: list[Key] = [(PARTIES, command.merchant)]
    if command.payer is not None:
        keys += (PARTIES, command.payer), (CONSENTS, consent_id(command.payer, command.merchant))
    if command.quote is not None:
        keys.append((QUOTES, command.quote))
    if command.lines:
        keys.append((BOOKS, BOOK))
        keys += [(PARTIES, party) for party in named]
    return keys


def named_in(lines: Sequence[NewLine], merchant: Id) -> dict[Id, str]:
    """The parties that the lines name beside the merchant, by what they are called."""
    names: dict[Id, str] = {}
    for n, line in enumerate(lines):
        names.setdefault(line.seller, "seller")
        for payee in payees_of(line):
            names.setdefault(payee, f"lines[{n}].shares")
    names.pop(merchant, None)
    return names


def sellers_of(
    lines: Sequence[NewLine], merchant: Party, named: Mapping[Id, str], rows: Iterable[Party | None]
) -> dict[Id, Party]:
    """The merchant and the named parties by id. All must be active, and whoever sells beside the merchant one, too.

    Raises NotFound, Forbidden, Invalid(lines_invalid).
    """
    parties = {party: active(row, name) for (party, name), row in zip(named.items(), rows, strict=True)}
    parties[merchant.id] = merchant
    if any(parties[line.seller].kind != "merchant" and line.seller != merchant.id for line in lines):
        raise Invalid("lines_invalid", "a line's seller is a merchant", "lines")
    return parties


def price(
    tx: Tx,
    command: CreatePayment,
    amount: int,
    quote: Quote | None,
    merchant: Party,
    lines: tuple[Line, ...],
    key: Id | None,
) -> Payment:
    """The payment with its terms frozen, in version 0, under the given id or a fresh one."""
    if lines:
        merchant = replace(merchant, settle_currency="")  # each line settles with its own seller
    terms = freeze(tx, merchant, command.currency, 0, amount, quote)
    return Payment(
        id=key or tx.new_id(),
        merchant=command.merchant,
        payer=command.payer,
        state="open",
        capture=command.capture,
        currency=command.currency,
        amount=amount,
        captured=0,
        refunded=0,
        freed=0,
        tax=sum([line.tax for line in lines]) if lines else 0,
        commission=sum([line.commission for line in lines]) if lines else terms.commission,
        pay_currency=terms.pay_currency,
        pay_amount=terms.pay_amount,
        pay_position=terms.pay_position,
        settle_currency=terms.settle_currency,
        settle_amount=0 if lines else terms.settle_amount,
        settle_position=0 if lines else terms.settle_position,
        quote=command.quote,
        reference=command.reference,
        description=command.description,
        metadata=command.metadata,
        lines=msgpack.encode(lines) if lines else b"",
        pending=None,
        attempt=0,
        due=None,
        paid=None,
        version=0,
        created=tx.now,
    )
