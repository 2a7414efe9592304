"""What somebody who is about to act sees of the town: rows picked by chance, balances, and the hour."""

from base64 import b64encode
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from tests.simulation.town import Town
from tests.unit.domain.deeds import Chance

from handfast.core.ids import Id, account_currency, account_id, account_purpose, owner_of
from handfast.ledger import Purpose
from handfast.store.reader import Reader, find
from handfast.store.table import Row, Table

SEEN = 40
"""How many of a table's newest rows anybody looks at."""


class Deed(NamedTuple):
    """Something to be asked: a verb, its command, and who asks."""

    verb: str
    command: Any
    actor: str


class Wallet(NamedTuple):
    """A party's account with something in it."""

    party: Id
    currency: str
    amount: int


class Scene(Chance):
    """`now` is market time, `at` wall time (µs)."""

    def __init__(self, town: Town, reader: Reader, dice: Random, new_id: Any, now: int, at: int) -> None:
        self._dice = dice
        self.town = town
        self.reader = reader
        self.new_id = new_id
        self.now = now
        self.at = at

    def often(self, share: float) -> bool:
        """True in such a share of cases."""
        return self._dice.random() < share

    def below(self, bound: int) -> int:
        return self._dice.randrange(bound)

    def secret(self) -> str:
        """A secret for an endpoint."""
        return "whsec_" + b64encode(self._dice.randbytes(32)).decode()

    def amount(self) -> int:
        """Mostly small; now and then one that nobody can pay or nothing at all."""
        if self.often(0.02):
            return int(self._dice.choice((0, -1, 10**15, 10**15 + 1, 2**63 - 1)))
        return 1 + self.below(self._dice.choice((3, 40, 20_000, 200_000)))

    def some(self, table: Table[Row], *states: str) -> Row | None:
        """One of a table's newest rows, in one of the states where some are named."""
        where = f"state IN ({', '.join('?' * len(states))})" if states else "1 = 1"
        found = find(self.reader, table, f"{where} ORDER BY id DESC LIMIT {SEEN}", *states)
        return self._dice.choice(found) if found else None

    def wallet(self, parties: Sequence[Id] = (), purpose: int = Purpose.WALLET) -> Wallet | None:
        """An account of that purpose with money in it (a receivable: with debt)."""
        sign = "<" if purpose == Purpose.RECEIVABLE else ">"
        rows = self.reader.rows(
            f"SELECT id, credits_posted - debits_posted FROM accounts WHERE substr(id, 14, 1) = ?"
            f" AND credits_posted {sign} debits_posted ORDER BY id",
            (bytes((purpose,)),),
        )
        found = [row for row in rows if not parties or owner_of(row[0]) in parties]
        if not found:
            return None
        key, amount = self._dice.choice(found)
        assert account_purpose(key) == purpose
        return Wallet(owner_of(key), account_currency(key), abs(amount))

    def has(self, party: Id, currency: str) -> int:
        """What a wallet holds."""
        rows = self.reader.rows(
            "SELECT credits_posted - debits_posted FROM accounts WHERE id = ?",
            (account_id(party, Purpose.WALLET, currency),),
        )
        return int(rows[0][0]) if rows else 0

    def buyer(self) -> Id:
        return self._dice.choice(self.town.buyers)

    def seller(self) -> Id:
        return self._dice.choice(self.town.sellers)

    def handler(self) -> Id:
        return self._dice.choice(self.town.handlers)
