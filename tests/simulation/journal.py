"""The ledger model: the journal folded anew, entry by entry, without any of the ledger's own code."""

from collections import defaultdict

from msgspec import msgpack
from tests.simulation.history import must

from handfast.core.ids import Id
from handfast.core.money import CURRENCIES
from handfast.store.reader import Reader

MOST = 10**15
POSTED, PENDING, POST, VOID, UP_TO = range(5)
NEVER_BELOW_ZERO = {1, 2, 3, 4, 5}
"""Wallet, held, payout, suspense, reserve."""
PAYOUT = 3
"""What is put on its way to a bank is there, whichever account gives it."""
NEVER_OVERPAID = {22}
"""What a party owes."""

Row = tuple[int, Id, str, int, bytes]


class Journal:
    """Balances (debits pending and posted, credits pending and posted), pending postings and statements, by fold."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.balances: defaultdict[Id, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.pendings: dict[Id, tuple[Id, Id, int, str]] = {}
        self.places: defaultdict[Id, list[int]] = defaultdict(list)

    def read(self, reader: Reader) -> None:
        """Fold what is new, and see that what was there is there still, unchanged."""
        rows = reader.rows("SELECT seq, id, kind, at, postings FROM entries ORDER BY seq")
        known = len(self.rows)
        must(len(rows) >= known, "B12", f"{known} entries were committed, {len(rows)} are there")
        must(rows[:known] == self.rows, "B9", "an entry that was written has changed")
        for n, row in enumerate(rows[known:], known + 1):
            must(row[0] == n, "B9", f"entry {row[0]} is the {n}th")
            self._fold(row)
            self.rows.append(row)

    def _fold(self, row: tuple[int, Id, str, int, bytes]) -> None:
        seq, key, kind, _, packed = row
        touched: set[Id] = set()
        pended = 0
        for debit, credit, amount, mode, resolved in msgpack.decode(packed):
            must(type(amount) is int and 0 <= amount <= MOST, "B14", f"{kind} moves {amount}")
            must(amount or mode == UP_TO, "B14", f"{kind} moves nothing")
            must(debit != credit and debit[14:] == credit[14:], "B1", f"{kind} moves between currencies")
            must(int.from_bytes(debit[14:], "big") in CURRENCIES, "B14", f"{kind} is in no currency")
            giver, taker = self.balances[debit], self.balances[credit]
            if mode == PENDING:
                pended += 1
                giver[0] += amount
                taker[2] += amount
                self.pendings[key] = (debit, credit, amount, "pending")
            elif mode in (POST, VOID):
                before = self.pendings.get(resolved)
                must(before is not None and before[:2] == (debit, credit), "B5", f"{kind} resolves what is not pending")
                assert before is not None
                must(before[3] == "pending" and amount <= before[2], "B5", f"{kind} resolves twice, or too much")
                giver[0] -= before[2]
                taker[2] -= before[2]
                self.pendings[resolved] = (*before[:3], "posted" if mode == POST else "voided")
            if mode in (POSTED, POST, UP_TO):
                giver[1] += amount
                taker[3] += amount
            if amount:
                touched |= {debit, credit}
            if credit[13] == PAYOUT and amount:
                must(giver[0] + giver[1] <= giver[3], "B2", f"{kind} sends out what {debit.hex()} has not")
        must(pended <= 1, "B5", f"{kind} pends twice")
        for account in touched:
            self.places[account].append(seq)
            self._floors(account, kind)

    def _floors(self, account: Id, kind: str) -> None:
        debits_pending, debits, credits_pending, credits = self.balances[account]
        if account[13] in NEVER_BELOW_ZERO:
            must(debits_pending + debits <= credits, "B2", f"after {kind}, {account.hex()} is below zero")
        if account[13] in NEVER_OVERPAID:
            must(credits_pending + credits <= debits, "B2", f"after {kind}, {account.hex()} is overpaid")
        must(max(debits_pending + debits, credits_pending + credits) < 2**63, "B14", "a sum of 64 bits is full")

    def compare(self, reader: Reader) -> None:
        """Hold stored balances, pending postings and statements against the fold."""
        stored = reader.rows(
            "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted, newest FROM accounts"
        )
        sums: defaultdict[bytes, int] = defaultdict(int)
        for key, *four, _ in stored:
            sums[key[14:]] += four[3] - four[1]
        must(not any(sums.values()), "B1", "credits differ from debits")
        folded = {key: four for key, four in self.balances.items() if any(four)}
        must({key: four for key, *four, _ in stored if any(four)} == folded, "B10", "balances differ from the journal")
        pieces: defaultdict[Id, bytes] = defaultdict(bytes)
        for account, places in reader.rows("SELECT account, places FROM statements ORDER BY account, first"):
            pieces[account] += places
        for key, *_, newest in stored:
            pieces[key] += newest
        said = {
            key: [int.from_bytes(kept[n : n + 8], "big") for n in range(0, len(kept), 8)]
            for key, kept in pieces.items()
        }
        must({k: v for k, v in said.items() if v} == dict(self.places), "B10", "statements differ from the journal")
        pendings = {row[0]: row[1:] for row in reader.rows("SELECT id, debit, credit, amount, state FROM pendings")}
        must(pendings == self.pendings, "B10", "pending postings differ from the journal")

    def posted(self) -> dict[Id, int]:
        """Credits less debits of every account that is not empty."""
        return {key: four[3] - four[1] for key, four in self.balances.items() if four[3] != four[1]}
