"""What a bill is made of: sales and refunds from a merchant's events, its wallet's moves from the ledger's journal."""

from typing import Any

from msgspec import Struct, msgpack

from handfast.core.ids import Id, account_currency, account_id, account_purpose, owner_of
from handfast.domain import payments, transfers
from handfast.domain.checkouts import CHECKOUTS, REFUND_NUMBERS
from handfast.domain.parties import PERSON_KEYS
from handfast.domain.payments import PAYMENTS, REFUNDS, Payment, Refund
from handfast.domain.trades import TRADES
from handfast.domain.transfers import Transfer
from handfast.gateways.alipay.bills import BACK, SOLD, Move, Sale, Span
from handfast.gateways.alipay.notify import opened
from handfast.gateways.alipay.numbers import number_of
from handfast.gateways.alipay.transferring import words_of, written_of
from handfast.gateways.alipay.users import login_of
from handfast.gateways.alipay.wire import CURRENCY
from handfast.ledger import Mode, Purpose
from handfast.ledger.journal import Booked, balances_of, entries_at, entries_of, places_touching
from handfast.services import Services
from handfast.store.reader import Reader, get

_AT_ONCE = 200
_MOVES = frozenset({Mode.POSTED, Mode.POST, Mode.UP_TO})
_KINDS = {"payment.refund": "交易退款", "transfer.create": "转账", "topup.book": "充值"}
_ROOMS = {"payment": "在线支付", "trade": "在线支付", "payout": "提现"}


class About(Struct, frozen=True):
    """What a move was for."""

    thing: str
    number: str = ""
    title: str = ""
    other: str = ""
    words: str = ""


class Books:
    """The books as one merchant may see them, within one snapshot."""

    def __init__(self, services: Services, reader: Reader, merchant: Id) -> None:
        self._services = services
        self._reader = reader
        self._merchant = merchant
        key = get(reader, PERSON_KEYS, merchant)
        self._wrapped = key.wrapped if key else b""
        self._logins: dict[Id, str] = {}

    def sales(self, span: Span) -> list[Sale]:
        """What was paid and given back in the span, oldest first."""
        found = payments.moved_between(self._reader, self._merchant, span.start, span.end)
        lines = [self._back(event) if event.type == "refund.created" else self._sold(event) for event in found]
        return [line for line in reversed(lines) if line is not None]

    def moves(self, span: Span) -> list[Move]:
        """What moved the wallet in the span, oldest first, each with what the wallet held after it."""
        wallet = account_id(self._merchant, Purpose.WALLET, CURRENCY)
        balance = sum(each.posted for each in balances_of(self._reader, self._merchant) if each.account == wallet)
        moves: list[Move] = []
        place: int | None = None
        while places := places_touching(self._reader, [wallet], _AT_ONCE, before=place):
            for booked in reversed(entries_at(self._reader, places)):
                if booked.at < span.start:
                    return moves[::-1]
                amount = net(booked, wallet)
                if amount and booked.at < span.end:
                    moves.append(self._move(booked, amount, balance))
                balance -= amount
            place = min(places)
        return moves[::-1]

    def _sold(self, event: Any) -> Sale | None:
        payment = msgpack.decode(event.body, type=Payment)
        if payment.currency != CURRENCY:
            return None
        about = self._about_payment(payment)
        received = payment.captured - payments.captured_before(self._reader, event)
        fee = self._fee(payment.id, event.at)
        words = "" if payment.settle_currency in ("", CURRENCY) else f"settled in {payment.settle_currency}"
        return Sale(
            about.thing,
            about.number,
            SOLD,
            about.title,
            payment.created,
            event.at,
            about.other,
            received,
            "",
            fee,
            words,
        )

    def _back(self, event: Any) -> Sale | None:
        refund = msgpack.decode(event.body, type=Refund)
        payment = get(self._reader, PAYMENTS, refund.payment)
        if payment is None or refund.currency != CURRENCY:
            return None
        about, number = self._about_payment(payment), get(self._reader, REFUND_NUMBERS, refund.id)
        fee = self._fee(refund.id, event.at)
        return Sale(
            about.thing,
            about.number,
            BACK,
            about.title,
            payment.created,
            event.at,
            about.other,
            -refund.amount,
            number.number if number else number_of(refund.id),
            fee,
            refund.reason,
        )

    def _fee(self, thing: Id, at: int) -> int:
        """What the operator took (negative) or gave back with the entries that derive from a thing, at a moment."""
        booked = [each for each in entries_at(self._reader, entries_of(self._reader, thing)) if each.at == at]
        accounts = {
            account
            for each in booked
            for posting in each.postings
            for account in (posting.debit, posting.credit)
            if account_purpose(account) == Purpose.COMMISSION and account_currency(account) == CURRENCY
        }
        return -sum(net(each, account) for each in booked for account in accounts)

    def _move(self, booked: Booked, amount: int, balance: int) -> Move:
        about = self._about(booked)
        kind = _KINDS.get(booked.kind) or _ROOMS.get(booked.kind.partition(".")[0], "其它")
        return Move(
            booked.id.hex(),
            about.thing,
            about.number,
            about.title,
            booked.at,
            about.other,
            amount,
            balance,
            kind,
            about.words,
        )

    def _about(self, booked: Booked) -> About:
        thing, room = owner_of(booked.id), booked.kind.partition(".")[0]
        if booked.kind == "payment.refund":
            refund = get(self._reader, REFUNDS, thing)
            thing, room = (refund.payment, "payment") if refund else (thing, "")
        if room == "trade":
            trade = get(self._reader, TRADES, thing)
            thing, room = (trade.payment, "payment") if trade else (thing, "")
        if room == "payment" and (payment := get(self._reader, PAYMENTS, thing)):
            return self._about_payment(payment)
        if room == "transfer" and (transfer := get(self._reader, transfers.TRANSFERS, thing)):
            return self._about_transfer(transfer)
        return About(number_of(thing))

    def _about_payment(self, payment: Payment) -> About:
        checkout = get(self._reader, CHECKOUTS, payment.id)
        number, title = payment.reference, payment.description
        if checkout is not None:
            asked = opened(self._services.vault, self._wrapped, checkout)
            number, title = checkout.number, asked.get("subject", "")
        return About(number_of(payment.id), number, title, self._login(payment.payer))

    def _about_transfer(self, transfer: Transfer) -> About:
        mine = transfer.payer == self._merchant
        other = self._login(transfer.payee if mine else transfer.payer)
        written = written_of(transfer) if mine else None
        if written is None:
            return About(number_of(transfer.id), "", transfer.reference, other)
        vault = self._services.vault
        words = vault.open(self._wrapped, self._merchant, words_of(written), dict[str, str]) or {}
        return About(
            number_of(transfer.id), written.out_biz_no, words.get("subject", ""), other, words.get("remark", "")
        )

    def _login(self, party: Id | None) -> str:
        if party is None:
            return ""
        if party not in self._logins:
            self._logins[party] = login_of(self._services, self._reader, party)
        return self._logins[party]


def net(booked: Booked, account: Id) -> int:
    """What an entry brought to an account (posted), or took from it."""
    return sum(
        posting.amount * ((posting.credit == account) - (posting.debit == account))
        for posting in booked.postings
        if posting.mode in _MOVES
    )
