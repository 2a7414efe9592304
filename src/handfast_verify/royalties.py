"""Royalties beside their entries: each has one, between the merchant of its sale and those who share; no event."""

from collections.abc import Iterator
from typing import Any

from msgspec import MsgspecError, msgpack

from handfast_verify.facts import WALLET, account
from handfast_verify.findings import Findings
from handfast_verify.ledger import Posting
from handfast_verify.reading import Books


class Royalties:
    """Royalties in the order of their ids, which is that of their entries: each is read once, when its turn comes."""

    def __init__(self, books: Books, findings: Findings) -> None:
        sql = (
            f"SELECT {books.derived('r', '010000')}, r.kind, r.currency, r.amount, r.shares, c.merchant"
            " FROM royalties r LEFT JOIN checkouts c ON c.id = r.checkout ORDER BY r.id"
        )
        self._rows: Iterator[tuple[Any, ...]] = books.stream(sql) if books.columns("royalties") else iter(())
        self._row = next(self._rows, None)
        self._findings = findings

    def made(self, entry: bytes, kind: str, postings: tuple[Posting, ...]) -> bool:
        """Whether a royalty made this entry; names the royalties before it, which have none."""
        if not kind.startswith("royalty."):
            return False
        while self._row is not None and self._row[0] < entry:
            self._without_entry()
        if self._row is None or self._row[0] != entry:
            return False
        if (kind, tuple(tuple(posting) for posting in postings)) != _expected(self._row):
            what = "its entry between merchant and payees"
            self._findings.add("objects", "royalties", entry, what, _expected(self._row), (kind, postings))
        self._row = next(self._rows, None)
        return True

    def end(self) -> None:
        """Name the royalties that are left, which have no entries."""
        while self._row is not None:
            self._without_entry()

    def _without_entry(self) -> None:
        assert self._row is not None
        self._findings.add("objects", "royalties", self._row[0], "its entry", "one", "none")
        self._row = next(self._rows, None)


def _expected(row: tuple[Any, ...]) -> tuple[str, tuple[tuple[Any, ...], ...]] | None:
    """Kind and postings of a royalty's entry; None where the row cannot be right."""
    _, kind, currency, amount, blob, merchant = row
    try:
        shares = msgpack.decode(blob, type=list[tuple[bytes, int]])
    except MsgspecError:
        return None
    if merchant is None or kind not in ("share", "return") or sum(part for _, part in shares) != amount:
        return None
    own = account(merchant, WALLET, currency)
    pairs = [((own, account(payee, WALLET, currency)), part) for payee, part in shares]
    turned = [((pair[::-1] if kind == "return" else pair), part) for pair, part in pairs]
    return f"royalty.{kind}", tuple((*pair, part, 0, None) for pair, part in turned)
