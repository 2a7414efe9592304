"""A royalty and its entry: what fits, and what does not, by name."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from msgspec import msgpack

from handfast_verify.facts import WALLET, account
from handfast_verify.findings import Findings
from handfast_verify.ledger import Posting
from handfast_verify.reading import Books
from handfast_verify.royalties import Royalties

SHOP, PAYEE = bytes(12) + b"\1" + bytes(3), bytes(12) + b"\2" + bytes(3)
ENTRY = bytes(12) + b"\5\1\0\0"
OWN, OTHER = account(SHOP, WALLET, "CNY"), account(PAYEE, WALLET, "CNY")


class Rows:
    """Books with these royalties."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self._rows = rows

    def columns(self, _table: str) -> list[str]:
        return ["id"]

    def derived(self, alias: str, tail: str) -> str:
        return f"{alias}{tail}"

    def stream(self, _sql: str) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


def row(kind: str = "share", amount: int = 700, merchant: bytes | None = SHOP) -> tuple[Any, ...]:
    return ENTRY, kind, "CNY", amount, msgpack.encode([(PAYEE, 700)]), merchant


def judged(given: tuple[Any, ...], kind: str, *postings: tuple[Any, ...]) -> tuple[bool, list[str]]:
    findings = Findings()
    royalties = Royalties(cast("Books", Rows(given)), findings)
    made = royalties.made(ENTRY, kind, cast("tuple[Posting, ...]", postings))
    royalties.end()
    return made, [str(fault) for fault in findings.faults]


def test_what_fits() -> None:
    assert judged(row(), "royalty.share", (OWN, OTHER, 700, 0, None)) == (True, [])
    assert judged(row("return"), "royalty.return", (OTHER, OWN, 700, 0, None)) == (True, [])


@pytest.mark.parametrize(
    ("given", "kind", "posting"),
    [
        (row(amount=701), "royalty.share", (OWN, OTHER, 700, 0, None)),
        (row(), "royalty.share", (OTHER, OWN, 700, 0, None)),
        (row(), "royalty.return", (OWN, OTHER, 700, 0, None)),
        (row(), "royalty.share", (OWN, OTHER, 699, 0, None)),
        (row(merchant=None), "royalty.share", (OWN, OTHER, 700, 0, None)),
    ],
)
def test_what_does_not_fit(given: tuple[Any, ...], kind: str, posting: tuple[Any, ...]) -> None:
    made, found = judged(given, kind, posting)
    assert (made, len(found)) == (True, 1)


def test_a_royalty_without_an_entry_and_an_entry_without_a_royalty() -> None:
    made, found = judged(row(), "receivable.net")
    assert (made, len(found)) == (False, 1)
    findings = Findings()
    assert not Royalties(cast("Books", Rows()), findings).made(ENTRY, "royalty.share", ())
