"""A plain market, as many shops have it: a balance for each user and currency, moved by SQL transactions.

It is what a competent developer writes who has not thought of requests that come twice, answers that get lost and
files that are read again. Each command is one transaction that checks the state first; no balance can fall below zero;
an order keeps the rate at which it was paid; what does not add up is refused; shops are told after the commit. There
are no idempotency keys, no outbox and no ledger. With Handfast it shares the rates, the rounding and the reader of
bank files, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw
from msgspec import Struct

from handfast.core.clocks import DAY, MINUTE
from handfast.core.money import half_even
from handfast.domain.exchange import rate
from handfast.domain.payments import NewLine
from handfast.rails import read_statement
from handfast.sandbox.market import COMMISSION_BPS, COMMISSION_CAP

PRICES = "USD"

_SCHEMA = """
CREATE TABLE users (id BLOB NOT NULL PRIMARY KEY, currency TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE balances (
    user BLOB NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (user, currency)) WITHOUT ROWID;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, buyer BLOB, state TEXT NOT NULL, manual INTEGER NOT NULL, due INTEGER);
CREATE INDEX orders_by_due ON orders (due) WHERE due IS NOT NULL;
CREATE TABLE items (
    id INTEGER PRIMARY KEY, of_order INTEGER NOT NULL, buyer BLOB, seller BLOB NOT NULL, state TEXT NOT NULL,
    delivery TEXT NOT NULL, price INTEGER NOT NULL, tax INTEGER NOT NULL,
    pay_currency TEXT NOT NULL DEFAULT '', pay_amount INTEGER NOT NULL DEFAULT 0,
    earn_currency TEXT NOT NULL DEFAULT '', earn_amount INTEGER NOT NULL DEFAULT 0, earned INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded <= price), pay_refunded INTEGER NOT NULL DEFAULT 0,
    due INTEGER);
CREATE INDEX items_by_order ON items (of_order);
CREATE INDEX items_by_due ON items (due) WHERE due IS NOT NULL;
CREATE TABLE refunds (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL, amount INTEGER NOT NULL, pay_amount INTEGER NOT NULL);
CREATE TABLE topups (reference TEXT NOT NULL PRIMARY KEY, user BLOB NOT NULL, currency TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE bank_lines (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, bank_reference TEXT NOT NULL, kind TEXT NOT NULL,
    booked_on TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, user BLOB);
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY, user BLOB NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, state TEXT NOT NULL);
"""

_STAYS_OPEN, _STAYS_RESERVED, _RATE_STANDS = 5 * DAY, 7 * DAY, 30 * MINUTE
_PERIODS = {"auto": (1, 1), "virtual": (3, 3), "express": (5, 10), "surface": (5, 30)}
"""Days to ship and to confirm, by delivery: the market gives the same guarantee, and its nightly job keeps it."""


class Refused(Exception):
    """The market says no, and nothing has changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Notice(Struct, frozen=True):
    """A webhook: what happened to which of an order's items; a refund's amount in the price currency's minor units."""

    kind: str
    order: int
    items: tuple[int, ...]
    amount: int = 0


class Item(Struct, frozen=True):
    """A row of an order. `earn_amount` is the seller's for the whole price, `earned` what it has got and kept."""

    id: int
    of_order: int
    buyer: bytes
    seller: bytes
    state: str
    delivery: str
    price: int
    pay_currency: str
    pay_amount: int
    earn_currency: str
    earn_amount: int
    earned: int
    refunded: int
    pay_refunded: int


_ITEM = f"SELECT {', '.join(Item.__struct_fields__)} FROM items WHERE id = ?"


class PlainMarket:
    """The market over an empty database; `send` is the call that tells a shop's server, made once, after the commit.

    Users are known by their ids, amounts are minor units, `now` is market time (µs). Commands raise Refused.
    """

    def __init__(self, database: apsw.Connection, accounts: Mapping[str, str], send: Callable[[Notice], None]) -> None:
        self._db = database
        self._accounts = accounts
        self._send = send
        self._db.execute(_SCHEMA)

    def rows(self, sql: str, *params: Any) -> list[Any]:
        """All rows of a query."""
        return self._db.execute(sql, params).fetchall()

    def item(self, item: int) -> Item:
        """The item, as it is."""
        (row,) = self.rows(_ITEM, item)
        return Item(*row)

    def items_of(self, order: int) -> tuple[int, ...]:
        """The order's items, in its lines' order."""
        return tuple(row[0] for row in self.rows("SELECT id FROM items WHERE of_order = ? ORDER BY id", order))

    def balance(self, user: bytes, currency: str) -> int:
        """What the user can spend."""
        found = self.rows("SELECT amount FROM balances WHERE user = ? AND currency = ?", user, currency)
        return int(found[0][0]) if found else 0

    def open_user(self, user: bytes, currency: str) -> None:
        """A new user, who pays or earns in the currency."""
        with self._db:
            self._change("user_exists", "INSERT INTO users VALUES (?, ?) ON CONFLICT DO NOTHING", user, currency)

    def place(self, lines: Sequence[NewLine], now: int, *, manual: bool = False, buyer: bytes | None = None) -> int:
        """An order; a regular customer, if one is named, lets the market take the money at once.

        Where `manual`, its items are reserved when it is paid, and taken one by one.
        """
        with self._db:
            self._db.execute("INSERT INTO orders VALUES (NULL, NULL, 'open', ?, ?)", (manual, now + _STAYS_OPEN))
            order = self._db.last_insert_rowid()
            sql = "INSERT INTO items (of_order, seller, state, delivery, price, tax) VALUES (?, ?, 'open', ?, ?, ?)"
            for line in lines:
                self._db.execute(sql, (order, line.seller, line.delivery, line.amount, line.tax))
            if buyer is not None:
                self._pay(order, buyer, now, manual=False)
        if buyer is not None:
            self._send(Notice("order.paid", order, self.items_of(order)))
        return order

    def pay(self, order: int, buyer: bytes, seen: int, now: int) -> None:
        """Pay an order, at the rate of the day, which the buyer has seen no longer than half an hour ago."""
        if now - seen >= _RATE_STANDS:
            raise Refused("rate_expired")
        with self._db:
            ((manual,),) = self.rows("SELECT manual FROM orders WHERE id = ?", order)
            self._pay(order, buyer, now, manual=bool(manual))
        if not manual:
            self._send(Notice("order.paid", order, self.items_of(order)))

    def capture(self, item: int, now: int) -> None:
        """Take an item that was reserved."""
        with self._db:
            row = self._must_be(item, "reserved")
            self._set(row, "held", now + _days(row.delivery)[0])
            if not self.rows("SELECT 1 FROM items WHERE of_order = ? AND state = 'reserved'", row.of_order):
                self._db.execute("UPDATE orders SET due = NULL WHERE id = ?", (row.of_order,))
        self._send(Notice("order.paid", row.of_order, (item,)))

    def void(self, order: int) -> None:
        """Let go what is still reserved."""
        with self._db:
            self._change("state", "UPDATE orders SET due = NULL WHERE id = ? AND state = 'paid' AND manual", order)
            for row in map(self.item, self.items_of(order)):
                if row.state == "reserved":
                    self._set(row, "void", None)
                    self._credit(row.buyer, row.pay_currency, row.pay_amount)

    def ship(self, item: int, now: int) -> None:
        """The seller has sent the goods."""
        with self._db:
            row = self._must_be(item, "held")
            self._set(row, "shipped", now + _days(row.delivery)[1])
        self._send(Notice("item.shipped", row.of_order, (item,)))

    def confirm(self, item: int) -> None:
        """The buyer has the goods: the seller gets its money."""
        with self._db:
            row = self._must_be(item, "shipped")
            self._release(row)
        self._send(Notice("item.released", row.of_order, (item,)))

    def refund(self, item: int, amount: int | None) -> None:
        """Give back a part of the price, or (None) all that is left, out of what is held or from the seller."""
        with self._db:
            row = self._must_be(item, "held", "shipped", "released")
            left = row.price - row.refunded
            given = left if amount is None else amount
            if not 0 < given <= left:
                raise Refused("refund_too_much")
            if row.state == "released":
                back = row.earned if given == left else part(row.earn_amount, given, row.price)
                self._debit(row.seller, row.earn_currency, back)
                self._db.execute("UPDATE items SET earned = earned - ? WHERE id = ?", (back, item))
            self._give_back(row, given)
            if given == left:
                self._set(row, "refunded", None)
        self._send(Notice("item.refunded", row.of_order, (item,), given))

    def run_job(self, now: int) -> None:
        """What is due: unpaid orders close, items not shipped are paid back, items not confirmed are released."""
        for (order,) in self.rows("SELECT id FROM orders WHERE due <= ? AND state = 'paid' ORDER BY due, id", now):
            self.void(order)
        with self._db:
            self._db.execute("UPDATE orders SET state = 'closed', due = NULL WHERE due <= ?", (now,))
        for (item,) in self.rows("SELECT id FROM items WHERE due <= ? ORDER BY due, id", now):
            with self._db:
                row = self.item(item)
                if row.state == "held":
                    self._give_back(row, row.price - row.refunded)
                    self._set(row, "closed", None)
                else:
                    self._release(row)
            self._send(Notice(f"item.{'closed' if row.state == 'held' else 'released'}", row.of_order, (item,)))

    def announce(self, user: bytes, currency: str, reference: str) -> None:
        """What the user will write on bank transfers; any number of them may carry it."""
        with self._db:
            self._change("topup_exists", "INSERT INTO topups VALUES (?, ?, ?)", reference, user, currency)

    def import_statement(self, data: bytes) -> int:
        """Keep every line of a bank's file and credit those that carry a reference; how many were credited.

        Raises what rails.read_statement raises: a file for another's account, or whose sums do not agree, is refused.
        """
        credited = 0
        with self._db:
            for statement in read_statement(data, self._accounts):
                for line in statement.lines:
                    owner = self.rows(
                        "SELECT user FROM topups WHERE reference = ? AND currency = ?",
                        line.reference,
                        statement.currency,
                    )
                    user = owner[0][0] if owner and line.amount > 0 else None
                    self._db.execute(
                        "INSERT INTO bank_lines VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            statement.account,
                            line.line_key,
                            line.bank_transaction_code,
                            line.booked_on,
                            statement.currency,
                            line.amount,
                            user,
                        ),
                    )
                    if user is not None:
                        self._credit(user, statement.currency, line.amount)
                        credited += 1
        return credited

    def assign(self, line: int, user: bytes) -> None:
        """Somebody has found out whose money a line without a reference is."""
        with self._db:
            self._change("state", "UPDATE bank_lines SET user = ? WHERE id = ? AND user IS NULL", user, line)
            ((currency, amount),) = self.rows("SELECT currency, amount FROM bank_lines WHERE id = ?", line)
            self._credit(user, currency, amount)

    def request_payout(self, user: bytes, currency: str, amount: int) -> int:
        """Put money into the next payment file."""
        with self._db:
            self._debit(user, currency, amount)
            sql = "INSERT INTO payouts VALUES (NULL, ?, ?, ?, 'sent') RETURNING id"
            ((payout,),) = self.rows(sql, user, currency, amount)
        return int(payout)

    def take_back(self, payout: int) -> None:
        """The bank could not pay it: the money is the user's again."""
        with self._db:
            self._change("state", "UPDATE payouts SET state = 'returned' WHERE id = ? AND state = 'sent'", payout)
            ((user, currency, amount),) = self.rows("SELECT user, currency, amount FROM payouts WHERE id = ?", payout)
            self._credit(user, currency, amount)

    def _pay(self, order: int, buyer: bytes, now: int, *, manual: bool) -> None:
        due = now + _STAYS_RESERVED if manual else None
        sql = "UPDATE orders SET state = 'paid', buyer = ?, due = ? WHERE id = ? AND state = 'open'"
        self._change("order_not_open", sql, buyer, due, order)
        ((currency,),) = self.rows("SELECT currency FROM users WHERE id = ?", buyer)
        rows = self.rows(
            "SELECT i.id, i.delivery, i.price, i.tax, u.currency FROM items i JOIN users u ON u.id = i.seller"
            " WHERE of_order = ?",
            order,
        )
        total = 0
        for item, delivery, price, tax, earn_currency in rows:
            fee = min(half_even(price * COMMISSION_BPS, 10_000), COMMISSION_CAP)
            paid = _converted(price, currency, now)
            total += paid
            self._db.execute(
                "UPDATE items SET buyer = ?, state = ?, pay_currency = ?, pay_amount = ?, earn_currency = ?,"
                " earn_amount = ?, due = ? WHERE id = ?",
                (
                    buyer,
                    "reserved" if manual else "held",
                    currency,
                    paid,
                    earn_currency,
                    _converted(price - fee - tax, earn_currency, now),
                    None if manual else now + _days(delivery)[0],
                    item,
                ),
            )
        self._debit(buyer, currency, total)

    def _release(self, row: Item) -> None:
        earned = part(row.earn_amount, row.price - row.refunded, row.price)
        self._db.execute("UPDATE items SET earned = ? WHERE id = ?", (earned, row.id))
        self._set(row, "released", None)
        self._credit(row.seller, row.earn_currency, earned)

    def _give_back(self, row: Item, amount: int) -> None:
        """To the buyer, at the rate of its order; the last part is what is left of what it paid."""
        last = amount == row.price - row.refunded
        pay = row.pay_amount - row.pay_refunded if last else part(row.pay_amount, amount, row.price)
        sql = "UPDATE items SET refunded = refunded + ?, pay_refunded = pay_refunded + ? WHERE id = ?"
        self._db.execute(sql, (amount, pay, row.id))
        self._db.execute("INSERT INTO refunds VALUES (NULL, ?, ?, ?)", (row.id, amount, pay))
        self._credit(row.buyer, row.pay_currency, pay)

    def _must_be(self, item: int, *states: str) -> Item:
        row = self.item(item)
        if row.state not in states:
            raise Refused("state")
        return row

    def _set(self, row: Item, state: str, due: int | None) -> None:
        self._db.execute("UPDATE items SET state = ?, due = ? WHERE id = ?", (state, due, row.id))

    def _change(self, code: str, sql: str, *params: Any) -> None:
        """Change one row, or refuse."""
        self._db.execute(sql, params)
        if not self._db.changes():
            raise Refused(code)

    def _credit(self, user: bytes, currency: str, amount: int) -> None:
        sql = "INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
        self._db.execute(sql, (user, currency, amount))

    def _debit(self, user: bytes, currency: str, amount: int) -> None:
        sql = "UPDATE balances SET amount = amount - ? WHERE user = ? AND currency = ?"
        try:
            self._change("balance_insufficient", sql, amount, user, currency)
        except apsw.ConstraintError:
            raise Refused("balance_insufficient") from None


def part(total: int, amount: int, price: int) -> int:
    """What `amount` of the price is of a total, rounded half to even."""
    return half_even(total * amount, price)


def _converted(amount: int, currency: str, now: int) -> int:
    numerator, denominator, _ = rate(PRICES, currency, now)
    return half_even(amount * numerator, denominator)


def _days(delivery: str) -> tuple[int, int]:
    ship, confirm = _PERIODS.get(delivery, _PERIODS["express"])
    return ship * DAY, confirm * DAY
