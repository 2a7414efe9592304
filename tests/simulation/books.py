"""The balances that all rows ask for by their terms, whatever the steps were that led there: the model of the money.

Every account but a party's own split into balance, reserve and debt is predicted to the minor unit.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import msgpack
from tests.simulation.history import must

from handfast.core.ids import OBJECT, Id, account_id
from handfast.domain.custody import BANK_LINES, BankLine
from handfast.domain.exchange import DEALS
from handfast.domain.parties import HOUSE
from handfast.domain.payments import PAYMENTS, Payment
from handfast.domain.payouts import PAYOUTS, Payout
from handfast.domain.receivables import WRITE_OFFS
from handfast.domain.topups import TOPUPS
from handfast.domain.trades import TRADES, Share, Trade
from handfast.domain.transfers import TRANSFERS
from handfast.ledger import Purpose
from handfast.store.table import Table

Rows = Mapping[Table[Any], list[Any]]
Books = Counter[Id]

NAMED = {
    Purpose.HELD: "B6",
    Purpose.POSITION: "B7",
    Purpose.ROUNDING: "B7",
    Purpose.CUSTODY: "B11",
    Purpose.SUSPENSE: "B11",
    Purpose.PAYOUT: "B11",
}
"""The invariant that a wrong balance breaks; for all others B5."""

_OWN = {Purpose.WALLET, Purpose.RESERVE, Purpose.RECEIVABLE}


def part_of(whole: int, done: int, of: int) -> int:
    """The share of a whole once `done` of `of` has moved: to the nearest unit, a tie to the even one."""
    doubled, rest = divmod(2 * whole * done + of, 2 * of)
    return doubled - (rest == 0 and doubled % 2)


def expected(rows: Rows) -> dict[Id, int]:
    """What each account holds by the rows' terms."""
    books: Books = Counter()
    trades: defaultdict[Id, list[Trade]] = defaultdict(list)
    for trade in rows[TRADES]:
        trades[trade.payment].append(trade)
        _trade(books, trade)
    for payment in rows[PAYMENTS]:
        _payment(books, payment, trades[payment.id])
    for transfer in rows[TRANSFERS]:
        books[account_id(transfer.payer, Purpose.WALLET, transfer.currency)] -= transfer.amount
        books[account_id(transfer.payee, Purpose.WALLET, transfer.currency)] += transfer.amount
    _bank(books, rows)
    for done in rows[WRITE_OFFS]:
        books[_house(Purpose.OPERATOR, done.currency)] -= done.amount
        books[account_id(done.party, Purpose.WALLET, done.currency)] += done.amount
    return {account: amount for account, amount in books.items() if amount}


def compare(rows: Rows, posted: Mapping[Id, int]) -> None:
    """Hold the journal's balances against what the rows ask for."""
    asked = expected(rows)
    found: Books = Counter()
    for account, amount in posted.items():
        found[_own(account)] += amount
    for account in sorted(asked.keys() | found.keys()):
        purpose = Purpose(account[OBJECT])
        has, due = found.get(account, 0), asked.get(account, 0)
        must(has == due, NAMED.get(purpose, "B5"), f"{purpose.name} {account.hex()} has {has}, by its terms {due}")


def aside(rows: Rows) -> dict[Id, int]:
    """What is authorised and not captured of each wallet, by the payments' terms."""
    books: Books = Counter()
    for payment in rows[PAYMENTS]:
        if payment.state == "authorised":
            left = sum(line[10] for line in _lines(payment) if not line[15])
            if not payment.lines:
                left = payment.pay_amount - part_of(payment.pay_amount, payment.captured, payment.amount)
            books[account_id(payment.payer, Purpose.WALLET, payment.pay_currency)] += left
    return {account: amount for account, amount in books.items() if amount}


def _lines(payment: Payment) -> list[Any]:
    return list(msgpack.decode(payment.lines)) if payment.lines else []


def _own(account: Id) -> Id:
    """What a party has in reserve, and owes, is its own as what is in its wallet."""
    if account[OBJECT] in _OWN:
        return account[:OBJECT] + bytes((Purpose.WALLET,)) + account[OBJECT + 1 :]
    return account


def _house(purpose: Purpose, currency: str) -> Id:
    return account_id(HOUSE, purpose, currency)


def _trade(books: Books, trade: Trade) -> None:
    back = trade.refunded + trade.returned
    _paid(books, trade, trade.buyer, lambda part: part - part_of(part, back, trade.amount))
    books[account_id(trade.id, Purpose.HELD, trade.currency)] += trade.amount - trade.refunded - trade.released
    shares = [Share(*each) for each in msgpack.decode(trade.shares)] if trade.shares else []
    _spread(books, trade, trade.seller, trade.released, trade.returned, shares)
    must(trade.refunded + trade.released <= trade.amount, "B6", "a trade gave more than it held")
    must(trade.returned <= trade.released, "B6", "a trade took back more than was released")


def _payment(books: Books, payment: Payment, trades: list[Trade]) -> None:
    must(0 <= payment.refunded <= payment.captured <= payment.amount, "B5", f"a payment is {payment}")
    must(payment.state not in ("open", "cancelled", "voided") or not payment.captured, "B5", f"a payment is {payment}")
    if payment.lines:
        must(payment.captured == sum(trade.amount for trade in trades), "B5", "captured is not what the trades hold")
        given = sum(trade.refunded + trade.returned for trade in trades)
        must(payment.refunded == given, "B5", f"refunded {payment.refunded}, its trades gave back {given}")
        return
    if not payment.captured:
        return
    assert payment.payer is not None

    def left(part: int) -> int:
        return part_of(part, payment.captured, payment.amount) - part_of(part, payment.refunded, payment.amount)

    _paid(books, payment, payment.payer, left)
    _spread(books, payment, payment.merchant, payment.captured, payment.refunded, [])


def _paid(books: Books, terms: Trade | Payment, payer: Id, left: Callable[[int], int]) -> None:
    """Take from the payer what it gave and did not get back; a conversion goes through position and rounding."""
    books[account_id(payer, Purpose.WALLET, terms.pay_currency)] -= left(terms.pay_amount)
    if terms.pay_currency != terms.currency:
        books[_house(Purpose.POSITION, terms.pay_currency)] += left(terms.pay_position)
        books[_house(Purpose.ROUNDING, terms.pay_currency)] += left(terms.pay_amount) - left(terms.pay_position)
        books[_house(Purpose.POSITION, terms.currency)] -= left(terms.amount)


def _spread(books: Books, terms: Trade | Payment, seller: Id, taken: int, given: int, shares: list[Share]) -> None:
    """Give seller, operator, tax and third parties their parts of what was taken and not given back."""

    def net(part: int) -> int:
        return part_of(part, taken, terms.amount) - part_of(part, given, terms.amount)

    currency = terms.currency
    earned = terms.amount - terms.commission - terms.tax - sum(each.amount for each in shares)
    must(earned >= 0, "B5", "fees take more than the amount")
    for each in shares:
        books[account_id(each.payee, Purpose.WALLET, currency)] += net(each.amount)
    books[_house(Purpose.COMMISSION, currency)] += net(terms.commission)
    books[_house(Purpose.TAX, currency)] += net(terms.tax)
    parts = net(earned) + net(terms.commission) + net(terms.tax) + sum(net(each.amount) for each in shares)
    books[_house(Purpose.ROUNDING, currency)] += taken - given - parts
    wallet = account_id(seller, Purpose.WALLET, terms.settle_currency)
    if terms.settle_currency == currency:
        books[wallet] += net(earned)
        return
    books[_house(Purpose.POSITION, currency)] += net(earned)
    books[wallet] += net(terms.settle_amount)
    books[_house(Purpose.POSITION, terms.settle_currency)] -= net(terms.settle_position)
    books[_house(Purpose.ROUNDING, terms.settle_currency)] += net(terms.settle_position) - net(terms.settle_amount)


def _bank(books: Books, rows: Rows) -> None:
    """What the bank booked, custody has; the other side is where the line belongs.

    A payout that was asked for is on its way; one that was cancelled or rejected is where it was.
    """
    payouts: dict[Id, Payout] = {payout.id: payout for payout in rows[PAYOUTS]}
    owners = {topup.id: topup.party for topup in rows[TOPUPS]}
    deals = {deal.id for deal in rows[DEALS]}
    booked = {line.object for line in rows[BANK_LINES] if line.object in payouts and line.amount < 0}
    for line in rows[BANK_LINES]:
        books[_house(Purpose.CUSTODY, line.currency)] -= line.amount
        if line.object in payouts:
            payout = payouts[line.object]
            must(line.amount == -payout.amount or line.object in booked, "B11", "a payout came back that never left")
            books[_source(payout) if line.amount > 0 else _way(payout)] += line.amount
        else:
            books[_other_side(line, owners, deals)] += line.amount
    for payout in payouts.values():
        if payout.state in ("requested", "ordered", "paid") or payout.id in booked:
            books[_source(payout)] -= payout.amount
            books[_way(payout)] += payout.amount


def _other_side(line: BankLine, owners: Mapping[Id, Id], deals: set[Id]) -> Id:
    if line.state == "suspense":
        return _house(Purpose.SUSPENSE if line.amount > 0 else Purpose.OPERATOR, line.currency)
    if line.object in deals:
        return _house(Purpose.POSITION, line.currency)
    assert line.object is not None
    party = owners.get(line.object, line.object)
    return account_id(party, Purpose.OPERATOR if party == HOUSE else Purpose.WALLET, line.currency)


def _source(payout: Payout) -> Id:
    return _own(account_id(payout.party, payout.source, payout.currency))


def _way(payout: Payout) -> Id:
    return account_id(payout.party, Purpose.PAYOUT, payout.currency)
