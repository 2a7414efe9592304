"""The plain market beside Handfast: it is asked the same, suffers the same faults, and is held against the same truth.

Truth is what was asked for, once each, and what the bank's files say. It is what the people of the market meant:
whoever gets no answer asks again; shops act on what they are told by webhook, and on nothing else.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import apsw
from msgspec import Struct

from handfast.core.clocks import Clock
from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.parties import HOUSE
from handfast.domain.payments import lines_of
from handfast.sandbox.bankday import STATEMENT_TWICE
from handfast.sandbox.dice import Dice
from handfast.sandbox.driver import Batch
from handfast.sandbox.faults import ALTERED, ANSWER_LOST, BEFORE_COMMIT, BEFORE_SAVE, Crash
from handfast.sandbox.figures import (
    CHARGED_AGAIN,
    NEVER_SHIPPED,
    NOTICE_LOST,
    REFUNDED_AGAIN,
    TOPPED_UP_AGAIN,
    Loss,
    losses,
    summed,
)
from handfast.sandbox.naive import PRICES, Notice, PlainMarket, Refused, part
from handfast.sandbox.opening import ACCOUNTS
from handfast.store.reader import Reader
from handfast.store.verb import Answer, Request
from handfast.timers.expire import ACTOR

_IMPORT = frozenset(
    {
        "custody.book_suspense",
        "custody.record_statement",
        "deals.book_line",
        "payouts.book",
        "payouts.return",
        "topups.book",
    }
)
"""The verbs that Handfast's import of a statement is made of: a death among them is a death in the plain import."""

_DEPOSITS = (
    "SELECT currency, count(*), sum(amount) FROM (SELECT DISTINCT account, bank_reference, currency, amount"
    " FROM bank_lines WHERE kind LIKE 'PMNT-RCDT-%') GROUP BY currency"
)
_CREDITED_AGAIN = (
    "SELECT currency, sum(times - 1), sum((times - 1) * amount) FROM (SELECT currency, amount, count(*) AS times"
    " FROM bank_lines WHERE user IS NOT NULL GROUP BY account, bank_reference) GROUP BY currency HAVING max(times) > 1"
)
_UNASSIGNED = (
    "SELECT id FROM bank_lines WHERE user IS NULL AND currency = ? AND amount = ? AND booked_on = ? ORDER BY id LIMIT 1"
)
_SENT = ("shipped", "released", "refunded")


class NaiveLoss(Struct, frozen=True):
    """What the plain market and Handfast each lost or did twice, by kind (figures.LOSSES)."""

    naive: dict[str, Loss]
    handfast: dict[str, Loss]

    def caused(self, fault: str) -> int:
        """How often a kind of fault made the plain market lose or double something; a sale is lost with its notice."""
        return sum(loss.causes.get(fault, 0) for kind, loss in self.naive.items() if kind != NEVER_SHIPPED)


class Beside:
    """Watches Handfast's driver and back office, and asks the plain market the same. Close it, whatever happened.

    A death takes along one request, the one in hand: the fewest that a death can.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._db = apsw.Connection("")
        self.market = PlainMarket(self._db, {number: code for code, number in ACCOUNTS.items()}, self._hear)
        # What is going on: the fault and the request of this execution, and whether the request has had its effect.
        self._fault = ""
        self._request: Request | None = None
        self._done = False
        # What people know: the plain market's numbers for Handfast's ids, and what they first asked for or saw.
        self._orders: dict[Id, int] = {}
        self._items: dict[Id, int] = {}
        self._payouts: dict[Id, int] = {}
        self._first: dict[Any, Any] = {}
        # What went wrong, by item, order or kind of fault, and what was meant to be given back of an item.
        self._import_deaths: list[str] = []
        self._files: set[bytes] = set()
        self._credited_again: Counter[str] = Counter()
        self._notices_lost: Counter[str] = Counter()
        self._unheard: set[int] = set()
        self._extras: dict[int, str] = {}
        self._twins: dict[int, list[int]] = defaultdict(list)
        self._given: dict[int, list[int | None]] = defaultdict(list)
        self._given_again: dict[int, list[str]] = defaultdict(list)
        self._asked: dict[str, dict[str, tuple[int, int]]] = {CHARGED_AGAIN: {}, REFUNDED_AGAIN: {}}

    def close(self) -> None:
        """Throw the plain market away."""
        self._db.close()

    def batch(self, batch: Batch) -> None:
        """Ask the plain market what Handfast was asked, in the same order, with the same copies and deaths."""
        timers = batch.requests[0].actor == ACTOR
        for fault in (*(batch.deaths if timers else ()), ""):
            self._suffer(fault, None, lambda: self.market.run_job(self._clock()))
        if timers:
            return
        in_hand = Dice(self._seed, "in hand", batch.number).below(len(batch.requests))
        for n, (request, answer) in enumerate(zip(batch.requests, batch.answers, strict=True)):
            deaths = batch.deaths if n == in_hand else ()
            if request.verb in _IMPORT:
                self._import_deaths += deaths
            self._keep_receipt(request, answer)
            self._done = False
            for fault in (*deaths, ""):
                self._ask(request, answer, fault)
        for kind, request in batch.copies:
            if kind != ALTERED:  # there are no keys that could be used for another request
                self._done = True
                self._ask(request, None, kind)

    def statement(self, data: bytes) -> None:
        """The operator reads a file of the bank; where no answer comes, it reads it again."""
        lost, self._import_deaths = self._import_deaths.count(ANSWER_LOST), []
        digest = sha256(data).digest()
        for fault in (STATEMENT_TWICE if digest in self._files else "", *[ANSWER_LOST] * lost):
            try:
                credited = self.market.import_statement(data)
            except Refusal:
                return
            if fault:
                self._credited_again[fault] += credited
        self._files.add(digest)

    def loss(self, reader: Reader) -> NaiveLoss:
        """What each market's books have more, or less, than was asked for by now and came in."""
        naive = {
            CHARGED_AGAIN: self._charged_again(),
            REFUNDED_AGAIN: self._refunded_again(),
            TOPPED_UP_AGAIN: self._topped_up_again(),
            NEVER_SHIPPED: self._never_shipped(),
            NOTICE_LOST: Loss(self._notices_lost.total(), {}, dict(self._notices_lost)),
        }
        deposits = {code: (count, amount) for code, count, amount in self.market.rows(_DEPOSITS)}
        return NaiveLoss(naive, losses(reader, {**self._asked, TOPPED_UP_AGAIN: deposits}))

    def _ask(self, request: Request, answer: Answer | None, fault: str) -> None:
        """One execution of a request: one that is answered (no fault), that dies, or a copy (no answer of its own)."""
        if act := _ACTS.get(request.verb):
            self._suffer(fault, request, lambda: act(self, request, answer))

    def _suffer(self, fault: str, request: Request | None, act: Callable[[], None]) -> None:
        """Act under a fault: a death before the commit throws the transaction away, one after it is met in _hear."""
        self._fault, self._request = fault, request
        dies = fault in (BEFORE_SAVE, BEFORE_COMMIT)
        if dies:
            self._db.set_commit_hook(lambda: True)
        try:
            act()
        except (Refused, Crash):
            pass
        except apsw.ConstraintError:
            if not dies:
                raise
        finally:
            self._db.set_commit_hook(None)
            self._fault, self._request = "", None

    def _hear(self, notice: Notice) -> None:
        """A shop's server is told, or the market dies before it is."""
        request = self._request
        if request is not None and notice.kind == "item.refunded":
            self._note_refund(request, notice.items[0])
        if request is not None and notice.kind == "order.paid" and request.verb == "payments.create" and self._fault:
            self._extras[notice.order] = self._fault
            for item, twin in zip(self._first.get(request.key, ()), notice.items, strict=False):
                self._twins[item].append(twin)
                if self.market.item(item).state in _SENT:
                    self._ship_twins(item)
        if self._fault == ANSWER_LOST:
            self._notices_lost[ANSWER_LOST] += 1
            if notice.kind == "order.paid":
                self._unheard.update(notice.items)
            raise Crash(ANSWER_LOST)

    def _note_refund(self, request: Request, item: int) -> None:
        if self._done:
            self._given_again[item].append(self._fault or ANSWER_LOST)
        else:
            self._given[item].append(request.command.amount)
            self._done = True

    def _keep_receipt(self, request: Request, answer: Answer) -> None:
        """What Handfast's client is told that it paid, or gave back."""
        if request.verb == "payments.refund":
            kind = REFUNDED_AGAIN
        elif request.verb == "payments.pay" or (request.verb == "payments.create" and request.command.payer):
            kind = CHARGED_AGAIN
        else:
            return
        if answer.refusal is None:
            count, amount = self._asked[kind].get(answer.result.pay_currency, (0, 0))
            self._asked[kind][answer.result.pay_currency] = (count + 1, amount + answer.result.pay_amount)

    def _open_user(self, request: Request, _: Answer | None) -> None:
        self.market.open_user(request.command.party, request.command.settle_currency)

    def _create(self, request: Request, answer: Answer | None) -> None:
        command = request.command
        manual = command.capture == "manual"
        order = self.market.place(command.lines, self._clock(), manual=manual, buyer=command.payer)
        if self._fault:
            return
        items = self.market.items_of(order)
        if command.payer is not None:
            self._first[request.key] = items
        if answer is not None and answer.refusal is None:
            self._orders[answer.result.id] = order
            for line, item in zip(lines_of(answer.result), items, strict=True):
                self._items[line.trade] = item

    def _see_rate(self, _: Request, answer: Answer | None) -> None:
        if answer is not None:
            self._first[answer.unwrap().id] = self._clock()

    def _pay(self, request: Request, _: Answer | None) -> None:
        command, now = request.command, self._clock()
        seen = self._first.get(command.quote, now)
        self.market.pay(_found(self._orders, command.payment), command.payer, seen, now)

    def _capture(self, request: Request, _: Answer | None) -> None:
        for trade in request.command.trades:
            self.market.capture(_found(self._items, trade), self._clock())

    def _void(self, request: Request, _: Answer | None) -> None:
        self.market.void(_found(self._orders, request.command.payment))

    def _ship(self, request: Request, _: Answer | None) -> None:
        item = self._heard_of(request.command.trade)
        if not self._fault:
            self._ship_twins(item)
        self.market.ship(item, self._clock())

    def _ship_twins(self, item: int) -> None:
        """A shop sends what it was told of: also the order that nobody meant."""
        for twin in self._twins.pop(item, ()):
            self.market.ship(twin, self._clock())

    def _confirm(self, request: Request, _: Answer | None) -> None:
        self.market.confirm(_found(self._items, request.command.trade))

    def _refund(self, request: Request, _: Answer | None) -> None:
        item = self._heard_of(request.command.trade)
        try:
            self.market.refund(item, request.command.amount)
        except Refused as no:
            # What earlier doubles have used up was to be given back all the same: it makes their excess smaller.
            if no.code == "refund_too_much" and not self._fault and not self._done:
                self._given[item].append(request.command.amount)
            raise

    def _heard_of(self, trade: Id) -> int:
        """The item of a trade; a shop that was never told of it does nothing. Raises Refused."""
        item: int = _found(self._items, trade)
        if item in self._unheard:
            raise Refused("never_heard_of")
        return item

    def _announce(self, _: Request, answer: Answer | None) -> None:
        if not self._fault and answer is not None and answer.refusal is None and answer.result.party != HOUSE:
            self.market.announce(answer.result.party, answer.result.currency, answer.result.reference)

    def _assign(self, request: Request, answer: Answer | None) -> None:
        """The operator looks for the line once; whoever asks again names the same one."""
        line = request.command.line
        if line not in self._first and answer is not None and answer.refusal is None:
            row = answer.result
            found = self.market.rows(_UNASSIGNED, row.currency, row.amount, row.booked_on)
            self._first[line] = found[0][0] if found else None
        self.market.assign(_found(self._first, line), request.command.party)

    def _request_payout(self, request: Request, answer: Answer | None) -> None:
        """A shop asks for all that it sees; whoever asks again asks for the same."""
        party, currency = request.command.party, request.command.currency
        amount = self._first.setdefault(request.key, self.market.balance(party, currency))
        payout = self.market.request_payout(party, currency, amount)
        if not self._fault and answer is not None and answer.refusal is None:
            self._payouts[answer.result.id] = payout

    def _return_payout(self, request: Request, _: Answer | None) -> None:
        self.market.take_back(_found(self._payouts, request.command.payout))

    def _charged_again(self) -> Loss:
        """Orders that nobody meant, less what was given back of them because they were not shipped."""
        out: list[tuple[str, int]] = []
        causes: Counter[str] = Counter()
        for order, fault in self._extras.items():
            items = map(self.market.item, self.market.items_of(order))
            kept = [(item.pay_currency, item.pay_amount - item.pay_refunded) for item in items]
            if any(amount for _, amount in kept):
                out += kept
                causes[fault] += 1
        return _loss(out, causes)

    def _refunded_again(self) -> Loss:
        """What was given back of items beyond what their shops meant to."""
        out: list[tuple[str, int]] = []
        causes: Counter[str] = Counter()
        for key, faults in self._given_again.items():
            item = self.market.item(key)
            meant, pay = 0, 0
            for amount in self._given[key]:
                given = item.price - meant if amount is None else amount
                if given <= item.price - meant:
                    meant += given
                    pay += part(item.pay_amount, given, item.price)
            if item.refunded > meant and item.state != "closed":
                out.append((item.pay_currency, item.pay_refunded - pay))
                causes.update(faults)
        return _loss(out, causes)

    def _topped_up_again(self) -> Loss:
        rows = self.market.rows(_CREDITED_AGAIN)
        return Loss(sum(row[1] for row in rows), {row[0]: row[2] for row in rows}, dict(+self._credited_again))

    def _never_shipped(self) -> Loss:
        """Items that were paid while their shops were never told; the buyers have, or will have, their money back."""
        items = [item for item in map(self.market.item, sorted(self._unheard)) if item.of_order not in self._extras]
        return _loss([(PRICES, item.price) for item in items], Counter([ANSWER_LOST] * len(items)))


_ACTS: dict[str, Callable[[Beside, Request, Answer | None], None]] = {
    "parties.create": Beside._open_user,
    "quotes.create": Beside._see_rate,
    "payments.create": Beside._create,
    "payments.pay": Beside._pay,
    "payments.capture": Beside._capture,
    "payments.void": Beside._void,
    "payments.refund": Beside._refund,
    "trades.ship": Beside._ship,
    "trades.confirm": Beside._confirm,
    "topups.create": Beside._announce,
    "custody.resolve_suspense": Beside._assign,
    "payouts.request": Beside._request_payout,
    "payouts.return": Beside._return_payout,
}
"""What people do, by the verb by which they ask Handfast; whatever else of theirs moves money there belongs here."""


def _found(known: Mapping[Any, Any], key: Any) -> Any:
    """What the plain market calls it. Raises Refused where it knows of no such thing."""
    found = known.get(key)
    if found is None:
        raise Refused("unknown")
    return found


def _loss(amounts: Sequence[tuple[str, int]], causes: Counter[str]) -> Loss:
    return Loss(causes.total(), summed(amounts), dict(sorted(causes.items())))
