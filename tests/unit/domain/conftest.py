"""A small market on a real database: given balances, when a verb, then balances."""

from typing import Any

import pytest
from tests.conftest import Engine

from handfast.core.clocks import DAY
from handfast.core.errors import Refusal
from handfast.core.ids import Id, account_id, entry_id, seeded_ids
from handfast.domain import (
    apps,
    checkouts,
    claims,
    custody,
    declarations,
    disputes,
    exchange,
    grants,
    heads,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    royalties,
    topups,
    trades,
    transfers,
)
from handfast.domain.parties import HOUSE, CreateParty
from handfast.domain.policies import DEFAULT, PublishBook, preset_text
from handfast.ledger import Entry, Posting, Purpose, refusal_of
from handfast.store.desk import Desk
from handfast.store.verb import Request, Verb

START = 1_414_454_400_000_000
"""28 October 2014, 00:00 UTC: USD 100 = CNY 611.35 by the ECB's table of that day."""

ROOMS: Any = (
    apps,
    checkouts,
    claims,
    custody,
    declarations,
    disputes,
    exchange,
    grants,
    heads,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    royalties,
    topups,
    trades,
    transfers,
)
VERBS: dict[str, Verb] = {verb.name: verb for room in ROOMS for verb in room.VERBS}
BY_COMMAND = {verb.command: verb.name for verb in VERBS.values()}


class Market:
    """A desk whose clock stands still until a test moves it."""

    def __init__(self, engine: Engine) -> None:
        self.now = START
        self.ids = seeded_ids(7)
        self.ledger = engine.ledger
        self.store = engine.store
        self.desk = Desk(engine.store, self._post, VERBS, lambda: self.now, self.ids)
        self.party("operator", key=HOUSE)
        self.do(PublishBook(preset_text(DEFAULT)))

    def _post(self, entries: Any, at: int) -> list[Refusal | None]:
        return [refusal_of(outcome) for outcome in self.ledger.post(entries, at)]

    def request(self, command: Any, name: str = "", key: Id | None = None) -> Request:
        """A request for the verb that takes this command; `name` where several take it."""
        return Request(name or BY_COMMAND[type(command)], command, "test", self.ids(self.now), key)

    def do(self, command: Any, name: str = "") -> Any:
        """The verb's result; its refusal fails the test."""
        return self.desk.call(self.request(command, name))

    def refused(self, code: str, command: Any, name: str = "") -> None:
        """The verb is refused by this code, and nothing moved."""
        before = self.all_balances()
        with pytest.raises(Refusal) as caught:
            self.do(command, name)
        assert caught.value.code == code
        assert self.all_balances() == before

    def wait(self, days: float) -> None:
        """Let market time pass."""
        self.now += int(days * DAY)

    def party(self, kind: str, key: Id | None = None, **terms: Any) -> Id:
        """A new party."""
        key = key or self.ids(self.now)
        country = "CN" if kind == "customer" else "US"
        self.do(CreateParty(key, kind, country, b"wrapped", b"sealed", **{"payee_check": "match"} | terms))
        return key

    def fund(self, party: Id, currency: str, amount: int) -> None:
        """Money that came into custody for the party."""
        custody, wallet = account_id(HOUSE, Purpose.CUSTODY, currency), account_id(party, Purpose.WALLET, currency)
        entry = Entry(entry_id(self.ids(self.now), 1), "test.fund", (Posting(custody, wallet, amount),))
        self.store.begin()
        self.ledger.post([entry], self.now)
        self.store.commit()

    def wallet(self, party: Id, currency: str) -> int:
        """What the party can spend."""
        return self.ledger.balances([account_id(party, Purpose.WALLET, currency)])[0].available

    def balance(self, owner: Id, purpose: Purpose, currency: str) -> int:
        """An account's credits less its debits."""
        return self.ledger.balances([account_id(owner, purpose, currency)])[0].posted

    def house(self, purpose: Purpose, currency: str) -> int:
        """One of the operator's accounts."""
        return self.balance(HOUSE, purpose, currency)

    def tamper(self, sql: str) -> None:
        """Change rows behind the desk's back, as nobody may; the next desk, which knows nothing yet, sees that."""
        self.store.connection.execute(sql)
        self.desk = Desk(self.store, self._post, self.desk.verbs, self.desk.clock, self.ids)

    def all_balances(self) -> list[tuple[Any, ...]]:
        """Every account's four balances."""
        sql = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts ORDER BY id"
        rows: list[tuple[Any, ...]] = self.store.connection.execute(sql).fetchall()
        return rows

    def owed(self) -> dict[Id, int]:
        """What each account that is not empty owes to its owner."""
        return {row[0]: row[4] - row[2] for row in self.all_balances() if row[4] != row[2]}


@pytest.fixture
def market(engine: Engine) -> Market:
    """A market over each store in turn."""
    return Market(engine)
