"""Makes a large book quickly: customers with wallets and consents, two entries each, in the formats of the stores.

`python -m bench.book URL COUNT FILE` fills an empty database; FILE gets JSON lines of [customer, merchant] to pay with.
A customer is a party with its event and operation, a consent with the same, a wallet, and two entries: one that funds
the wallet and one that pays a merchant from it. An entry has to belong to an object: each open payment of nobody's is
that of a thousand.
"""

import json
import random
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msgspec import msgpack
from msgspec.structs import astuple

from bench.loads import Load, load
from bench.market import Bench, new_id, open_desk
from handfast.core.clocks import DAY, wall_clock
from handfast.core.ids import OBJECT, Id, account_id, entry_id, event_id
from handfast.domain.parties import HOUSE, PARTIES, CreateParty, Party
from handfast.domain.payments import CONSENTS, PAYMENTS, Consent, Payment
from handfast.domain.payments.tables import consent_id
from handfast.ledger import Posting, Purpose
from handfast.ledger.model import encode_postings
from handfast.ledger.statements import NEWEST, extended, packed
from handfast.store.rows import EVENTS
from handfast_verify.run import verify

MERCHANTS = 2_000
FUNDED, MOVED = 10**9, 10**3
CARRIED = 500
"""Of how many customers one open payment has the entries."""
SAMPLE = 60_000
"""How many customers are named to pay, at most."""

_encode = msgpack.Encoder().encode
_ACCOUNTS = ("id", "debits_pending", "debits_posted", "credits_pending", "credits_posted", "newest")
_ENTRIES = ("id", "seq", "kind", "at", "postings")
_STATEMENTS = ("account", "first", "places")
_OPERATIONS = (
    *("id", "verb", "actor", "request", "object", "fingerprint", "outcome", "body", "told"),
    "at",
)

Rows = Iterator[tuple[Any, ...]]


class Book:
    """The rows of one book. Customers have ids of the year that has passed, so they come in order of their keys."""

    def __init__(self, count: int, merchants: list[Id], last_event: int) -> None:
        self.count = count
        self.merchants = merchants
        self._event = last_event + 1
        self._at = wall_clock() - DAY
        self._start = (self._at - 365 * DAY) // 1000
        bits, year = random.Random(count).randbytes(7 * count), 365 * DAY // 1000
        self.customers = [
            (self._start + n * year // count).to_bytes(6, "big") + bits[7 * n : 7 * n + 7] + b"\0\0\0"
            for n in range(count)
        ]
        self._custody = account_id(HOUSE, Purpose.CUSTODY, "USD")
        self._shops = [account_id(merchant, Purpose.WALLET, "USD") for merchant in merchants]
        self._wallet = account_id(HOUSE, Purpose.WALLET, "USD")[OBJECT:]

    def merchant(self, n: int) -> Id:
        """Whom the nth customer pays."""
        return self.merchants[n % len(self.merchants)]

    def _party(self, key: Id) -> Party:
        return Party(key, "customer", "active", "CN", "", 0, 0, 0, 0, "", b"", "", "", None, None, 0, 1, self._at)

    def parties(self) -> Rows:
        """Each customer's party."""
        same = astuple(self._party(b""))[1:]
        return ((customer, *same) for customer in self.customers)

    def consents(self, order: list[bytes]) -> Iterator[Consent]:
        """Each customer's consent, in order of its key."""
        for key in order:
            n = int.from_bytes(key[16:], "big")
            yield Consent(key[:16], self.customers[n], self.merchant(n), "USD", 10**6, "active", 1, self._at)

    def consent_order(self) -> list[bytes]:
        """The keys of all consents, which are digests, each with its customer's number, in their order."""
        each = consent_id.__wrapped__
        return sorted(each(self.customers[n], self.merchant(n)) + n.to_bytes(4, "big") for n in range(self.count))

    def carriers(self) -> Iterator[Payment]:
        """The open payments that have the entries."""
        for n in range(0, self.count, CARRIED):
            whose, told, price = self.merchant(n), ("open", "automatic", "USD"), (1, 0, 0, 0, 0, 0)
            money = ("USD", 1, 1, "USD", 1, 1)
            yield Payment(
                self._carrier(n),
                whose,
                None,
                *told,
                *price,
                *money,
                None,
                "",
                "",
                b"{}",
                b"",
                None,
                0,
                None,
                None,
                1,
                self._at,
            )

    def _carrier(self, n: int) -> Id:
        key = self.customers[n - n % CARRIED]
        return key[:6] + bytes(7) + key[13:]

    def entries(self) -> Rows:
        """Two entries for each customer."""
        at, tail, shops = self._at, self._wallet, self._shops
        for n, customer in enumerate(self.customers):
            carrier, place = self._carrier(n), 2 * (n % CARRIED)
            wallet, shop = customer[:OBJECT] + tail, shops[n % len(shops)]
            fund, move = (Posting(self._custody, wallet, FUNDED),), (Posting(wallet, shop, MOVED),)
            yield entry_id(carrier, 1, place), 2 * n + 1, "bench.fund", at, encode_postings(fund)
            yield entry_id(carrier, 1, place + 1), 2 * n + 2, "bench.move", at, encode_postings(move)

    def _shared(self) -> Iterator[tuple[Id, int, int, range]]:
        """The accounts that many entries touch: debits, credits and places; the custody account, then merchants'."""
        yield self._custody, self.count * FUNDED, 0, range(1, 2 * self.count, 2)
        for m, merchant in sorted(enumerate(self.merchants), key=lambda item: item[1]):
            places = range(2 * m + 2, 2 * self.count + 1, 2 * len(self.merchants))
            if places:
                yield account_id(merchant, Purpose.WALLET, "USD"), 0, len(places) * MOVED, places

    def accounts(self) -> Rows:
        """Customers' wallets, which are older, then the shared accounts."""
        tail = self._wallet
        for n, customer in enumerate(self.customers):
            wallet = customer[:OBJECT] + tail
            yield wallet, 0, MOVED, 0, FUNDED, packed((2 * n + 1, 2 * n + 2))
        for account, debits, credits, places in self._shared():
            yield account, 0, debits, 0, credits, packed(places) if len(places) <= NEWEST else b""

    def statements(self) -> Rows:
        """The shared accounts' places that do not fit into their rows."""
        for account, _, _, places in self._shared():
            if len(places) > NEWEST:
                yield from extended(account, b"", packed(places))[1]

    def events(self, order: list[bytes]) -> Rows:
        """An event for each party, then one for each consent in order of its key, then the open payments'."""
        seq = self._event
        before, after = _encode(self._party(bytes(16))).split(bytes(16))
        for key in self.customers:
            body = before + key + after
            yield event_id(key, 1), seq, "party.created", key, _digest(seq), self._at, body
            seq += 1
        for consent in self.consents(order):
            key = event_id(consent.id, 1)
            yield key, seq, "consent.given", consent.merchant, _digest(seq), self._at, _encode(consent)
            seq += 1
        for made in self.carriers():
            key = event_id(made.id, 1)
            yield key, seq, "payment.created", made.merchant, _digest(seq), self._at, _encode(made)
            seq += 1

    def operations(self, order: list[bytes]) -> Rows:
        """The operation of each event, in the same order."""
        seq, at, mark = self._event, self._at, b"f" * 16
        for key in self.customers:
            yield _digest(seq), "parties.create", "bench", key, key, mark, "", b"", event_id(key, 1), at
            seq += 1
        for made in order:
            key = self.customers[int.from_bytes(made[16:], "big")]
            yield _digest(seq), "consents.give", "bench", key, key, mark, "", b"", event_id(made[:16], 1), at
            seq += 1
        for n in range(0, self.count, CARRIED):
            key = self._carrier(n)
            yield _digest(seq), "payments.create", "bench", key, key, mark, "", b"", event_id(key, 1), at
            seq += 1


def _digest(seq: int) -> Id:
    """An operation's key: in no order, like the digests of callers' idempotency keys."""
    return blake2b(seq.to_bytes(8, "big"), digest_size=16).digest()


def wrong(url: str) -> list[str]:
    """What `handfast verify` says against a book: the open payments that carry its entries are no true ones.

    So what it says of objects, its last pass, is left out; file, journal, balances, statements and events must hold.
    """
    return [str(fault) for fault in verify(url).faults if fault.check != "objects"]


def fill(book: Book, to: Load) -> None:
    """Write a book. The tables' keys come in their order wherever they can."""
    order = book.consent_order()
    parts: tuple[tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]], ...] = (
        ("parties", PARTIES.columns, book.parties()),
        ("consents", CONSENTS.columns, map(astuple, book.consents(order))),
        ("payments", PAYMENTS.columns, map(astuple, book.carriers())),
        ("accounts", _ACCOUNTS, book.accounts()),
        ("entries", _ENTRIES, book.entries()),
        ("statements", _STATEMENTS, book.statements()),
        ("events", EVENTS.columns, book.events(order)),
        ("operations", _OPERATIONS, book.operations(order)),
    )
    for table, columns, rows in parts:
        to.rows(table, columns, rows)
        print(table, file=sys.stderr, flush=True)
    to.finish()


def _open(url: str) -> list[Id]:
    """Take in the operator and the merchants, by the desk."""
    desk, ledger = open_desk(url)
    bench = Bench(desk, desk.store, ledger, [], [], [])
    made = [CreateParty(new_id(wall_clock()), "merchant", "US", b"k", b"") for _ in range(MERCHANTS)]
    everyone = [CreateParty(HOUSE, "operator", "US", b"", b""), *made]
    for start in range(0, len(everyone), 1000):
        bench.run([("parties.create", command) for command in everyone[start : start + 1000]])
    bench.store.close()
    return [command.party for command in made]


def make(url: str, count: int, sample: Path) -> None:
    """Fill an empty database with a book of so many accounts, and name customers to pay with."""
    merchants = _open(url)
    with load(url) as to:
        book = Book(count, merchants, to.last_event())
        fill(book, to)
    chosen = random.sample(range(count), min(SAMPLE, count))
    sample.write_text("\n".join(json.dumps([book.customers[n].hex(), book.merchant(n).hex()]) for n in chosen))


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
