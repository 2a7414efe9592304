"""A small town on a fresh database, the load that its people make on a service, and the audit of what is left."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct, msgpack
from msgspec.structs import astuple
from tests.conftest import Engine, open_engine

from handfast.app import VERBS
from handfast.app.outside import Keeping, keeping
from handfast.app.telemetry import Posting
from handfast.core.clocks import wall_clock
from handfast.core.errors import Unavailable
from handfast.core.ids import Id, NewId, account_id, digest_id, entry_id, random_ids
from handfast.domain.parties import HOUSE, CreateClient, CreateParty, format_key, new_secret, secret_hash
from handfast.domain.payments import CreatePayment, GiveConsent, NewLine, RefundPayment
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Entry, Mode, Purpose
from handfast.ledger import Posting as Move
from handfast.ledger.journal import journal, misstated
from handfast.store.reader import Reader, body_of, get
from handfast.store.remote import Remote
from handfast.store.rows import KNOWN_OPERATIONS
from handfast.store.verb import Answer, Request

BUYERS = 6
CLIENTS = 12
WALLET = 50_000
MARKETS = {"transfers.create": "transfers", "payments.create": "payments", "payments.refund": "refunds"}
"""The verbs of the load, and the table of what each makes; each makes one row with one entry."""
AWAY = {"ledger_unavailable", "outcome_unknown"}
"""What is answered while a cluster is away: the outcome stays unknown until it is asked for again."""


class Asked(Struct):
    """A request that was sent, and its answer, None while it is unknown."""

    request: Request
    answer: Answer | None = None


class Town:
    """Buyers with money, a shop that they trust, and all that was ever asked, by key."""

    def __init__(self, url: str, seed: int, cluster: str = "") -> None:
        self.url = url
        self.random = Random(seed)
        self.asked: dict[Id, Asked] = {}
        self.acknowledged = 0
        self.stopping = False
        self.away = 0
        self.longest = 0.0
        engine = open_engine(url)
        new_id = random_ids()
        with keeping(cluster, engine.store, engine.inside) as kept:
            self._found(engine, kept, new_id)
        engine.store.close()

    def _found(self, engine: Engine, kept: Keeping, new_id: NewId) -> None:
        desk = kept.desk(engine.store, Posting(kept.ledger), VERBS, wall_clock, new_id)
        self.shop = new_id(wall_clock())
        self.buyers = [new_id(wall_clock()) for _ in range(BUYERS)]
        commands: list[tuple[str, Any]] = [
            ("parties.create", CreateParty(HOUSE, "operator", "US", b"", b"d")),
            ("parties.create", CreateParty(self.shop, "merchant", "US", b"k", b"d", commission_bps=500)),
            *(("parties.create", CreateParty(buyer, "customer", "CN", b"k", b"d")) for buyer in self.buyers),
            *(("consents.give", GiveConsent(buyer, self.shop, "USD", 10_000)) for buyer in self.buyers),
        ]
        for name, command in commands:
            desk.call(Request(name, command, "town", new_id(wall_clock())))
        secret = new_secret()
        client = desk.call(
            Request(
                "clients.create",
                CreateClient(self.buyers[0], "town", secret_hash(secret), "read transfers"),
                "town",
                new_id(wall_clock()),
            )
        )
        self.api_key = format_key(client.id, secret)
        custody = account_id(HOUSE, Purpose.CUSTODY, "USD")
        engine.store.begin()
        kept.ledger.post(
            [
                Entry(entry_id(b, 1), "fund", (Move(custody, account_id(b, Purpose.WALLET, "USD"), WALLET),))
                for b in self.buyers
            ],
            wall_clock(),
        )
        engine.store.commit()

    async def live(self, socket: Path, answers: int) -> None:
        """Let all clients ask, until so many answers have come; the service is then in the midst of others."""
        remote = Remote(socket, VERBS)
        enough = self.enough = asyncio.Event()
        self.told_away = asyncio.Event()
        self.stopping = False
        self._until = self.acknowledged + answers
        clients = [
            asyncio.create_task(self._client(remote, Random(self.random.random()), enough)) for _ in range(CLIENTS)
        ]
        waiting = asyncio.create_task(enough.wait())
        await asyncio.wait([waiting, *clients], return_when=asyncio.FIRST_COMPLETED)
        for client in clients:
            if client.done():
                client.result()
        self._clients, self._remote = clients, remote

    def more(self, answers: int) -> None:
        """`enough` is to be set anew after so many more answers."""
        self._until = self.acknowledged + answers
        self.enough.clear()

    async def after(self) -> None:
        """Wait until the clients have noticed that the service is gone, or have their last answers."""
        self.stopping = True
        await asyncio.gather(*self._clients)
        await self._remote.close()

    async def _client(self, remote: Remote, random: Random, enough: asyncio.Event) -> None:
        unknown = [each for each in self.asked.values() if each.answer is None]
        if unknown and random.random() < 0.5:
            await self._ask(remote, random.choice(unknown), enough)
        while not self.stopping and await self._ask(remote, self._next(random), enough):
            pass

    async def _ask(self, remote: Remote, asked: Asked, enough: asyncio.Event) -> bool:
        """Send a request; what comes back must agree with what came before. False: service or database are gone."""
        start = time.monotonic()
        answer = await remote.call(asked.request)
        self.longest = max(self.longest, time.monotonic() - start)
        if isinstance(answer.refusal, Unavailable):
            if answer.refusal.code in AWAY:
                self.away += 1
                if self.away >= CLIENTS:
                    self.told_away.set()
                await asyncio.sleep(0.02)  # as a client would
                return True
            assert answer.refusal.code in {"desk_unreachable", "store_unavailable"}, answer.refusal
            return False
        self.check(asked, answer)
        asked.answer = answer
        self.acknowledged += 1
        if self.acknowledged >= self._until:
            enough.set()
        return True

    def check(self, asked: Asked, answer: Answer) -> None:
        """An answer that is given again is the same answer."""
        before = asked.answer
        if before is not None:
            assert answer.replayed
            assert (answer.operation, answer.result) == (before.operation, before.result)
            assert str(answer.refusal) == str(before.refusal)

    def _next(self, random: Random) -> Asked:
        known = list(self.asked.values())
        dice = random.random()
        if known and dice < 0.1:
            return random.choice(known)
        payments = [each for each in known if each.answer and each.request.verb == "payments.create"]
        paid = [each.answer.result for each in payments if each.answer and each.answer.refusal is None]
        command: Any
        payer, payee = random.sample(self.buyers, 2)
        if paid and dice < 0.25:
            payment = random.choice(paid)
            name, command = "payments.refund", RefundPayment(self.shop, payment.id, amount=random.randrange(1, 400))
        elif dice < 0.5:
            amount = random.randrange(1, 12_000)  # some over what the payer consented to
            lines = (NewLine(self.shop, amount),) if random.random() < 0.5 else ()
            name, command = "payments.create", CreatePayment(self.shop, "USD", amount, payer, lines=lines)
        else:
            # Some over what is there, some to oneself.
            payee = payer if random.random() < 0.05 else payee
            name, command = "transfers.create", CreateTransfer(payer, payee, "USD", random.randrange(1, WALLET))
        number = len(self.asked)
        key = digest_id(b"load", number.to_bytes(8, "big"))
        asked = self.asked[key] = Asked(Request(name, command, "town", key, key, b"print"))
        return asked

    async def settle(self, socket: Path) -> None:
        """Ask again for all that is unknown, with the same keys."""
        remote = Remote(socket, VERBS)
        unknown = [each for each in self.asked.values() if each.answer is None]
        for each, answer in zip(unknown, await remote.call_many([each.request for each in unknown]), strict=True):
            assert not isinstance(answer.refusal, Unavailable), answer.refusal
            each.answer = answer
        await remote.close()

    def audit(self, reader: Reader) -> None:
        """All that was acknowledged is there once, and nothing else; the books are right."""
        made: Counter[str] = Counter()
        for key, asked in self.asked.items():
            assert asked.answer is not None
            operation = get(reader, KNOWN_OPERATIONS, key)
            assert operation is not None, "what was acknowledged is there"
            no = asked.answer.refusal
            assert (operation.verb, operation.outcome) == (asked.request.verb, "" if no is None else no.code)
            if no is None:
                result = asked.answer.result
                assert msgpack.decode(body_of(reader, operation), type=type(result)) == result
                table = MARKETS[asked.request.verb]
                assert reader.rows(f"SELECT count(*) FROM {table} WHERE id = ?", (result.id,)) == [(1,)]
                made[table] += 1
        for table in MARKETS.values():
            assert reader.rows(f"SELECT count(*) FROM {table}") == [(made[table],)], f"no {table} but those"
        # A refund of a payment that is paid is one entry; so is everything else, and so was each wallet's first money.
        assert reader.rows("SELECT count(*) FROM entries") == [(sum(made.values()) + BUYERS,)]
        audit_books(reader)
        audit_events(reader)


def audit_books(reader: Reader) -> None:
    """Balances equal the sums of the postings, wallets are not overdrawn, and the sum of all is zero."""
    pendings: dict[Id, int] = {}
    balances: dict[Id, list[int]] = {}
    entries = journal(reader, 0, 10**9)
    for debit, credit, amount, mode, pending, entry in [
        (*astuple(posting), booked.id) for booked in entries for posting in booked.postings if posting.amount
    ]:
        giver, taker = balances.setdefault(debit, [0, 0, 0, 0]), balances.setdefault(credit, [0, 0, 0, 0])
        if mode == Mode.PENDING:
            pendings[entry] = amount
            giver[0] += amount
            taker[2] += amount
            continue
        if mode in {Mode.POST, Mode.VOID}:
            freed = pendings.pop(pending or b"")
            giver[0] -= freed
            taker[2] -= freed
        if mode != Mode.VOID:
            giver[1] += amount
            taker[3] += amount
    stored = reader.rows("SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts")
    assert {row[0]: list(row[1:]) for row in stored} == balances
    assert sum(row[4] - row[2] for row in stored) == 0
    for account, *sums in stored:
        if account[13] in {Purpose.WALLET, Purpose.HELD}:
            assert sums[0] + sums[1] <= sums[3], "no floor was broken"
    with reader.snapshot():
        assert misstated(reader) == []


def audit_events(reader: Reader) -> None:
    """Events are numbered without a gap, each object's versions too, and each belongs to an operation that was done."""
    events = reader.rows("SELECT seq, id, operation FROM events ORDER BY seq")
    assert [row[0] for row in events] == list(range(1, len(events) + 1))
    versions: Counter[Id] = Counter()
    for _, key, _ in events:
        owner = key[:13]
        versions[owner] += 1
        assert int.from_bytes(key[13:], "big") == versions[owner]
    done = {row[0] for row in reader.rows("SELECT id FROM operations WHERE outcome = ''")}
    assert {row[2] for row in events} <= done


def instants(random: Random, rounds: int) -> Iterator[int]:
    """After how many answers each round's service is killed: often soon, as starting is a delicate time."""
    for _ in range(rounds):
        yield random.choice([1, random.randrange(1, 50), random.randrange(1, 600)])
