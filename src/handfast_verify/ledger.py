"""The entries folded anew: every posting's own rule, floors and caps at each place, then balances and statements.

Memory is bounded: an account's fold is kept for one share of all accounts at a time, and the entries are read again for
each further share.
"""

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import MsgspecError, msgpack

from handfast_verify.facts import CAPPED, CURRENCIES, FLOORED, MOST, PAYOUT, PURPOSES, Mode
from handfast_verify.findings import Findings
from handfast_verify.reading import Books

SHARE = 1_000_000
"""About how many accounts are folded at a time: some 400 MB."""

_PRIME = (1 << 61) - 1
_FLOORED = bytes(FLOORED)
_CAPPED = bytes(CAPPED)
_PENDS, _POST, _VOID, _UP_TO = int(Mode.PENDING), int(Mode.POST), int(Mode.VOID), int(Mode.UP_TO)

Posting = tuple[bytes, bytes, int, int, bytes | None]
decode = msgpack.Decoder(tuple[Posting, ...]).decode


def postings_of(blob: bytes) -> tuple[Posting, ...]:
    """An entry's postings; none where they cannot be read, which the fold names."""
    try:
        return decode(blob)
    except MsgspecError:
        return ()


BALANCES = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted, newest FROM accounts ORDER BY id"


def _is_nothing(posting: Posting) -> bool:
    """Whether a posting of as much as there was moved nothing, between accounts that may stand in it."""
    debit, credit, amount, mode, pending = posting
    return (
        (amount, mode, pending) == (0, _UP_TO, None)
        and len(debit) == len(credit) == 16
        and debit[14:] == credit[14:]
        and debit != credit
    )


class Fold:
    """Balances, statements and pending money of one share of the accounts, as the entries make them.

    An account's fold is [debits pending, debits posted, credits pending, credits posted, digest of its places]. The
    digest is a polynomial in a number drawn for this run, so that nobody can make two statements that look alike.
    """

    def __init__(self, findings: Findings, share: int = 0, shares: int = 1) -> None:
        self._findings = findings
        self._share = share
        self._shares = shares
        self._point = 2 + secrets.randbelow(_PRIME - 2)
        self._accounts: dict[bytes, list[int]] = {}
        self._pending: dict[bytes, tuple[bytes, bytes, int]] = {}
        self._resolved = 0
        self._salt = secrets.token_bytes(16)
        self.count = 0

    def entries(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Fold entries (source, place, id, kind, time, postings), in order."""
        for _, seq, key, _, _, blob in rows:
            self.count += 1
            try:
                postings = decode(blob)
            except MsgspecError:
                self._fault(key, "its postings cannot be read", "MessagePack of postings", blob)
                continue
            first = postings[0] if postings else None
            # A sale's second posting pays what the seller owes: mostly nothing.
            alone = len(postings) == 1 or (len(postings) == 2 and _is_nothing(postings[1]))
            if first is None or not alone or not self._plain(key, seq, first):
                self._entry(key, seq, postings)

    def _plain(self, key: bytes, seq: int, posting: Posting) -> bool:
        """Fold the posting of an entry that has one of the commonest kind; False where it needs a closer look."""
        debit, credit, amount, mode, pending = posting
        if mode or not 0 < amount <= MOST or pending is not None or debit == credit or debit[14:] != credit[14:]:
            return False
        accounts = self._accounts
        giver, taker = accounts.get(debit), accounts.get(credit)
        if giver is None or taker is None:
            return False
        giver[1] += amount
        taker[3] += amount
        if debit[13] in _FLOORED or credit[13] == PAYOUT or credit[13] in _CAPPED:
            self._bounds(key, debit, credit)
        point = self._point
        giver[4] = (giver[4] * point + seq) % _PRIME
        taker[4] = (taker[4] * point + seq) % _PRIME
        return True

    def _bounds(self, key: bytes, debit: bytes, credit: bytes) -> None:
        """Hold a floor and a cap against two accounts after a posting between them."""
        giver, taker = self._accounts[debit], self._accounts[credit]
        used = giver[0] + giver[1]
        if used > giver[3] and (debit[13] in _FLOORED or credit[13] == PAYOUT) and self._mine(debit):
            self._findings.add("ledger", "entries", key, f"the floor of {debit.hex()}", f"at most {giver[3]}", used)
        paid = taker[2] + taker[3]
        if credit[13] in _CAPPED and paid > taker[1] and self._mine(credit):
            self._findings.add("ledger", "entries", key, f"the cap of {credit.hex()}", f"at most {taker[1]}", paid)

    def _entry(self, key: bytes, seq: int, postings: tuple[Posting, ...]) -> None:
        accounts = self._accounts
        if not postings:
            self._fault(key, "it has no postings", "one at least", 0)
        touched: set[bytes] = set()
        for posting in postings:
            debit, credit, amount, mode, pending = posting
            if not 0 < amount <= MOST and (amount or mode != _UP_TO):
                self._fault(key, "a posting's amount", f"1 to {MOST}", amount)
            if len(debit) != 16 or len(credit) != 16:
                self._fault(key, "a posting's accounts", "16 bytes each", (debit.hex(), credit.hex()))
                continue
            if debit == credit:
                self._fault(key, "debit and credit are one account", "two", debit)
            if debit[14:] != credit[14:]:
                self._fault(key, "a posting's currencies", debit[14:], credit[14:])
            if not amount:
                continue
            for account in (debit, credit):
                if account not in accounts:
                    accounts[account] = self._fresh(account, key)
            touched.update((debit, credit))
            giver, taker = accounts[debit], accounts[credit]
            if mode in (0, _UP_TO):
                giver[1] += amount
                taker[3] += amount
                if pending is not None:
                    self._fault(key, "a posting that resolves nothing names a pending entry", None, pending)
            else:
                self._two_phase(key, posting, giver, taker)
            if mode != _VOID:
                self._bounds(key, debit, credit)
        for account in touched:
            fold = accounts[account]
            fold[4] = (fold[4] * self._point + seq) % _PRIME
            if not self._mine(account):
                del accounts[account]

    def _fresh(self, account: bytes, key: bytes) -> list[int]:
        if account[13] not in PURPOSES or account[14:] not in CURRENCIES:
            self._fault(key, "a posting's account", "one with a known purpose and currency", account)
        return [0, 0, 0, 0, 0]

    def _mine(self, account: bytes) -> bool:
        return self._shares == 1 or account[12] % self._shares == self._share

    def _two_phase(self, key: bytes, posting: Posting, giver: list[int], taker: list[int]) -> None:
        debit, credit, amount, mode, pending = posting
        if mode == _PENDS:
            if key in self._pending:
                self._fault(key, "pends twice", "one pending posting", 2)
            self._pending[key] = (debit, credit, amount)
            giver[0] += amount
            taker[2] += amount
            return
        kept = self._pending.pop(pending or b"", None)
        if mode not in (_POST, _VOID) or kept is None or pending is None:
            self._fault(key, "what it resolves", "a pending entry that is open", pending)
            return
        if kept[:2] != (debit, credit) or amount > kept[2] or (mode == _VOID and amount != kept[2]):
            self._fault(key, f"how it resolves {pending.hex()}", f"{kept[2]} of the same accounts", amount)
        self._resolved = (self._resolved + self._mark(pending, *kept, "posted" if mode == _POST else "voided")) % _PRIME
        giver[0] -= kept[2]
        taker[2] -= kept[2]
        if mode == _POST:
            giver[1] += amount
            taker[3] += amount

    def _mark(self, key: bytes, debit: bytes, credit: bytes, amount: int, state: str) -> int:
        return hash((self._salt, key, debit, credit, amount, state)) % _PRIME

    def _fault(self, key: bytes, what: str, expected: object, found: object) -> None:
        if self._share == 0:
            self._findings.add("ledger", "entries", key, what, expected, found)

    def against(self, books: Books) -> int:
        """Hold balances, statements and pending money as they are stored against the fold; how many accounts."""
        pieces = _Peek(books.stream("SELECT account, first, places FROM statements ORDER BY account, first"))
        count = 0
        sums: dict[bytes, int] = {}
        for key, *stored, newest in books.stream(BALANCES):
            count += 1
            kept = pieces.all_of(key, self._findings)
            if self._shares > 1 and not self._mine(key):
                continue
            sums[key[14:]] = sums.get(key[14:], 0) + stored[1] - stored[3]
            fold = self._accounts.pop(key, None)
            if fold is None:
                self._findings.add("balances", "accounts", key, "an account that no entry touches", "none", stored)
                continue
            if stored != fold[:4]:
                self._findings.add(
                    "balances",
                    "accounts",
                    key,
                    "debits pending and posted, credits pending and posted",
                    fold[:4],
                    stored,
                )
            digest = 0
            for places in (*kept, newest):
                for start in range(0, len(places), 8):
                    place = int.from_bytes(places[start : start + 8], "big")
                    digest = (digest * self._point + place) % _PRIME
            if digest != fold[4]:
                what = "its statement does not name the entries that touch it"
                self._findings.add("statements", "accounts", key, what, "their places in order", "others")
        pieces.finish(self._findings)
        for key in sorted(self._accounts):
            self._findings.add("balances", "accounts", key, "an account's row", self._accounts[key][:4], "none")
        if self._shares == 1:
            for currency, rest in sorted(sums.items()):
                if rest:
                    name = CURRENCIES.get(currency, currency.hex())
                    self._findings.add("balances", "accounts", name, "debits less credits of all accounts", 0, rest)
        if self._share == 0:
            self._pendings(books)
        return count

    def _pendings(self, books: Books) -> None:
        resolved = 0
        for key, debit, credit, amount, state in books.stream(
            "SELECT id, debit, credit, amount, state FROM pendings ORDER BY id"
        ):
            if state == "pending":
                kept = self._pending.pop(key, None)
                if kept != (debit, credit, amount):
                    self._findings.add(
                        "pendings", "pendings", key, "money that is pending", kept, (debit.hex(), credit.hex(), amount)
                    )
            else:
                resolved = (resolved + self._mark(key, debit, credit, amount, state)) % _PRIME
        for key in sorted(self._pending):
            self._findings.add("pendings", "pendings", key, "money that is pending", self._pending[key][2], "none")
        if resolved != self._resolved:
            self._name_resolved(books)

    def _name_resolved(self, books: Books) -> None:
        """Find the first resolved pending row that differs from what its entries say."""
        seen: dict[bytes, tuple[bytes, bytes, int]] = {}
        wanted: dict[bytes, tuple[object, ...]] = {}
        for key, blob in books.stream("SELECT id, postings FROM entries ORDER BY seq"):
            for debit, credit, amount, mode, pending in postings_of(blob):
                if mode == _PENDS:
                    seen[key] = (debit, credit, amount)
                elif pending is not None and pending in seen:
                    wanted[pending] = (*seen.pop(pending), "posted" if mode == _POST else "voided")
        for key, *row in books.stream(
            "SELECT id, debit, credit, amount, state FROM pendings WHERE state <> 'pending' ORDER BY id"
        ):
            kept = wanted.pop(key, None)
            if kept != tuple(row):
                self._findings.add("pendings", "pendings", key, "what was resolved", kept, tuple(row))
        for key in sorted(wanted):
            self._findings.add("pendings", "pendings", key, "what was resolved", wanted[key], "none")


class _Peek:
    """The pieces of statements, account by account."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def all_of(self, account: bytes, findings: Findings) -> list[bytes]:
        """The pieces of that account; those of accounts before it belong to nobody."""
        found: list[bytes] = []
        while self._next is not None and self._next[0] <= account:
            key, first, places = self._next
            if int.from_bytes(places[:8], "big") != first:
                findings.add("statements", "statements", key, "the first place of a piece", first, places[:8])
            if key == account:
                found.append(places)
            else:
                findings.add("statements", "statements", key, "whose statement it is", "an account", "none")
            self._next = next(self._rows, None)
        return found

    def finish(self, findings: Findings) -> None:
        """Whatever is left belongs to nobody."""
        self.all_of(b"\xff" * 17, findings)
