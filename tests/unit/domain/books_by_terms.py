"""The balances that payments, trades and payouts ask for by their terms, whatever the steps were that led there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conftest import Engine

from handfast.core.ids import Id, account_currency, account_id, account_purpose, owner_of
from handfast.core.money import share
from handfast.domain.parties import HOUSE
from handfast.domain.payments import Payment
from handfast.domain.payouts import Payout
from handfast.domain.trades import Trade, earnings, shares_of
from handfast.ledger import Purpose

TELLING = frozenset({Purpose.WALLET, Purpose.HELD, Purpose.PAYOUT, Purpose.COMMISSION, Purpose.TAX})
ALSO_THEIRS = frozenset({Purpose.RESERVE, Purpose.RECEIVABLE})
"""What a party has in reserve, and owes, is its own as what is in its wallet."""


def as_told(posted: Mapping[Id, int]) -> dict[Id, int]:
    """The accounts that terms tell of, with each party's reserve and debt counted into its wallet."""
    found: Counter[Id] = Counter()
    for account, amount in posted.items():
        purpose = account_purpose(account)
        assert purpose != Purpose.RECEIVABLE or amount < 0, "nobody pays more than is owed"
        if purpose in ALSO_THEIRS:
            found[account_id(owner_of(account), Purpose.WALLET, account_currency(account))] += amount
        elif purpose in TELLING:
            found[account] += amount
    return {account: amount for account, amount in found.items() if amount}


def check_reserves(posted: Mapping[Id, int], trades: Sequence[Trade]) -> None:
    """No reserve holds more than what was kept back of its trades."""
    kept: Counter[Id] = Counter()
    for trade in trades:
        kept[account_id(trade.seller, Purpose.RESERVE, trade.settle_currency)] += trade.reserved
    for account, amount in posted.items():
        assert account_purpose(account) != Purpose.RESERVE or amount <= kept[account]


def check_events(engine: Engine, objects: Sequence[Any]) -> None:
    """Each object's events are numbered 1, 2, 3 … up to its version."""
    told: dict[Id, list[int]] = {}
    for (key,) in engine.rows("SELECT id FROM events ORDER BY seq"):
        told.setdefault(owner_of(key), []).append(int.from_bytes(key[13:], "big"))
    for row in objects:
        assert told[row.id] == list(range(1, row.version + 1)), row


def expected(
    wallets: Mapping[tuple[Id, str], int],
    payments: Sequence[Payment],
    trades: Sequence[Trade],
    payouts: Sequence[Payout],
) -> dict[Id, int]:
    """The balances that the rows' terms ask for, by the definition of a share; `wallets` is what each began with."""
    found: Counter[Id] = Counter()
    for (party, currency), amount in wallets.items():
        found[account_id(party, Purpose.WALLET, currency)] += amount
    for payment in payments:
        mine = [trade for trade in trades if trade.payment == payment.id]
        if payment.lines:
            assert payment.captured == sum(trade.amount for trade in mine)
            assert payment.refunded == sum(trade.refunded + trade.returned for trade in mine)
        elif payment.captured:
            assert payment.payer is not None
            paid = share(payment.pay_amount, payment.captured, payment.amount)
            paid -= share(payment.pay_amount, payment.refunded, payment.amount)
            found[account_id(payment.payer, Purpose.WALLET, payment.pay_currency)] -= paid
            _spread(found, payment, payment.merchant, payment.captured, payment.refunded)
    for trade in trades:
        paid = trade.pay_amount - share(trade.pay_amount, trade.refunded + trade.returned, trade.amount)
        found[account_id(trade.buyer, Purpose.WALLET, trade.pay_currency)] -= paid
        found[account_id(trade.id, Purpose.HELD, trade.currency)] += trade.amount - trade.refunded - trade.released
        _spread(found, trade, trade.seller, trade.released, trade.returned)
    for payout in payouts:
        if payout.state == "requested":
            found[account_id(payout.party, Purpose.WALLET, payout.currency)] -= payout.amount
            found[account_id(payout.party, Purpose.PAYOUT, payout.currency)] += payout.amount
    return {account: amount for account, amount in found.items() if amount}


def _spread(found: Counter[Id], terms: Payment | Trade, seller: Id, taken: int, returned: int) -> None:
    """Add what seller, operator, tax authority and payees have of an amount that was taken and in part returned."""

    def net(part: int) -> int:
        return share(part, taken, terms.amount) - share(part, returned, terms.amount)

    shares = shares_of(terms) if isinstance(terms, Trade) else ()
    for part in shares:
        found[account_id(part.payee, Purpose.WALLET, terms.currency)] += net(part.amount)
    earned = earnings(terms, shares)
    settled = earned if terms.settle_currency == terms.currency else terms.settle_amount
    found[account_id(seller, Purpose.WALLET, terms.settle_currency)] += net(settled)
    found[account_id(HOUSE, Purpose.COMMISSION, terms.currency)] += net(terms.commission)
    found[account_id(HOUSE, Purpose.TAX, terms.currency)] += net(terms.tax)
