"""The market that the benchmarks run on: parties, funded wallets and consents, made through the desk itself."""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct

from handfast.app.outside import keeping
from handfast.core.clocks import wall_clock
from handfast.core.ids import Id, account_id, entry_id, random_ids
from handfast.domain import apps, checkouts, exchange, heads, parties, payments, policies, trades, transfers
from handfast.domain.parties import HOUSE, CreateParty
from handfast.domain.payments import CreatePayment, GiveConsent
from handfast.domain.policies import DEFAULT, PublishBook, preset_text
from handfast.ledger import Entry, Posting, Purpose, refusal_of
from handfast.ledger.engines.postgres import PostgresLedger
from handfast.ledger.engines.sqlite import SqliteLedger
from handfast.store.desk import Desk
from handfast.store.migrate import migrate
from handfast.store.postgres import PostgresStore
from handfast.store.sqlite import SqliteStore
from handfast.store.verb import Request, Verb

VERBS: dict[str, Verb] = {
    verb.name: verb
    for room in (heads, parties, transfers, exchange, policies, trades, payments, checkouts, apps)
    for verb in room.VERBS
}
new_id = random_ids()
_opened = ExitStack()  # what desks hold of clusters ends with the process


class Bench(Struct):
    """A desk with its market."""

    desk: Desk
    store: Any
    ledger: Any
    merchants: Sequence[Id]
    charged: Sequence[Id]
    buyers: Sequence[Id]

    def run(self, commands: Sequence[tuple[str, Any]]) -> list[Any]:
        """The results of one batch of keyed requests; any refusal is a fault of the benchmark."""
        now = wall_clock()
        # Keys in no order, like the digests of callers' idempotency keys.
        requests = [
            Request(name, command, "bench", new_id(now), random.randbytes(16), b"f" * 16) for name, command in commands
        ]
        return [answer.unwrap() for answer in self.desk.run(requests)]

    def payments(self, count: int, hot: float, lines: int = 0, *, charged: bool = False) -> Iterator[tuple[str, Any]]:
        """Full payments of random buyers; `hot` of them go to one merchant. If `charged`, each bears a commission."""
        merchants = self.charged if charged else self.merchants
        for _ in range(count):
            n = random.randrange(len(self.buyers))
            merchant = merchants[0 if random.random() < hot else n % len(merchants)]
            amount = random.randrange(100, 10_000)
            cart = tuple(payments.NewLine(merchant, amount, title="a parcel") for _ in range(lines))
            command = CreatePayment(
                merchant=merchant,
                currency="USD",
                amount=amount * max(1, lines),
                payer=self.buyers[n],
                lines=cart,
                reference="order 2014-10-28/1",
                description="two cups and a pot",
                metadata=b'{"basket":"17"}',
            )
            yield "payments.create", command


def open_desk(url: str, cluster: str = "") -> tuple[Desk, Any]:
    """A desk over a migrated, empty database; with its ledger in a cluster, if one is named."""
    migrate(url)
    if url.startswith("sqlite:///"):
        store: Any = SqliteStore(Path(url.removeprefix("sqlite:///")))
        ledger: Any = SqliteLedger(store)
    else:
        store = PostgresStore(url)
        ledger = PostgresLedger(store)
    store.take_over()
    kept = _opened.enter_context(keeping(cluster, store, ledger))
    post = kept.ledger.post
    desk = kept.desk(store, lambda entries, at: [refusal_of(o) for o in post(entries, at)], VERBS, wall_clock, new_id)
    return desk, kept.ledger


def prepare(url: str, merchants: int = 2_000, buyers: int = 20_000, cluster: str = "") -> Bench:
    """Make parties and wallets. Each buyer consents to one merchant of its own and the hot one, of each kind."""
    desk, ledger = open_desk(url, cluster)
    bench = Bench(desk, desk.store, ledger, [], [], [])
    now = wall_clock()
    bench.run([("policies.publish", PublishBook(preset_text(DEFAULT)))])
    house = CreateParty(HOUSE, "operator", "US", b"", b"d")
    sellers = [CreateParty(new_id(now), "merchant", "US", b"k", b"d") for _ in range(merchants)]
    charged = [CreateParty(new_id(now), "merchant", "US", b"k", b"d", commission_bps=350) for _ in range(merchants)]
    payers = [CreateParty(new_id(now), "customer", "CN", b"k", b"d") for _ in range(buyers)]
    everyone = [house, *sellers, *charged, *payers]
    for start in range(0, len(everyone), 1000):
        bench.run([("parties.create", command) for command in everyone[start : start + 1000]])
    bench.merchants = [command.party for command in sellers]
    bench.charged = [command.party for command in charged]
    bench.buyers = [command.party for command in payers]
    consents = [
        GiveConsent(buyer, merchant, "USD", 10**6)
        for n, buyer in enumerate(bench.buyers)
        for group in (bench.merchants, bench.charged)
        for merchant in {group[0], group[n % merchants]}
    ]
    for start in range(0, len(consents), 1000):
        bench.run([("consents.give", command) for command in consents[start : start + 1000]])
    fund(desk, ledger, bench.buyers)
    return bench


def fund(desk: Desk, ledger: Any, buyers: Sequence[Id], currency: str = "USD") -> None:
    """Give each buyer a wallet of a billion cents, straight through the ledger."""
    custody = account_id(HOUSE, Purpose.CUSTODY, currency)
    desk.store.begin()
    for start in range(0, len(buyers), 1000):
        entries = [
            Entry(
                entry_id(buyer, 1),
                "bench.fund",
                (Posting(custody, account_id(buyer, Purpose.WALLET, currency), 10**9),),
            )
            for buyer in buyers[start : start + 1000]
        ]
        ledger.post(entries, wall_clock())
    desk.store.commit()
