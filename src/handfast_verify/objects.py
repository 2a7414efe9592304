"""Each object beside its entries, its accounts and what names it: one sweep over all of them in the order of ids."""

import heapq
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import groupby
from typing import Any

from msgspec import MsgspecError

from handfast_verify import rules
from handfast_verify.facts import HELD, RECEIVABLE, WALLET, Mode
from handfast_verify.findings import Findings
from handfast_verify.ledger import Posting, decode
from handfast_verify.reading import Books
from handfast_verify.rules import Case, Rule

Watch = Callable[[int], None]
_STEP = 10_000
_ROW, _ENTRY, _ACCOUNT, _PART = range(4)

Joined = tuple[tuple[str, str], ...]
_QUOTE = (("q.numerator", "numerator"), ("q.denominator", "denominator"))
_PAYMENT = tuple((f"p.{name}", f"payment_{name}") for name in ("merchant", "currency", "pay_currency", "payer"))
_TRADE = tuple(
    (f"w.{name}", f"trade_{name}") for name in ("payment", "merchant", "seller", "buyer", "currency", "amount")
)

_MATCHED = (
    "LEFT JOIN payouts o ON o.id = t.object LEFT JOIN topups u ON u.id = t.object LEFT JOIN deals d ON d.id = t.object"
)

RULES: dict[str, tuple[str, Joined, Rule]] = {
    "bank_lines": (
        _MATCHED,
        (("o.party", "payout_party"), ("o.source", "payout_source"), ("u.party", "topup_party"), ("d.id", "deal")),
        rules.bank_line,
    ),
    "claims": ("LEFT JOIN trades w ON w.id = t.trade", _TRADE, rules.claim),
    "deals": ("", (), rules.deal),
    "disputes": ("LEFT JOIN trades w ON w.id = t.trade", _TRADE, rules.dispute),
    "parties": ("", (), rules.nothing),
    "payments": (
        "LEFT JOIN quotes q ON q.id = t.quote",
        (*_QUOTE, ("q.pay_currency", "quoted_in"), ("q.state", "quoted")),
        rules.payment,
    ),
    "payout_files": ("", (), rules.payout_file),
    "payout_plans": (
        "LEFT JOIN payouts o ON o.id = t.payout",
        (("o.party", "payout_party"), ("o.currency", "payout_currency")),
        rules.payout_plan,
    ),
    "payouts": (
        "LEFT JOIN payout_files f ON f.id = t.file",
        (("f.state", "file_state"), ("f.currency", "file_currency")),
        rules.payout,
    ),
    "refunds": (
        "LEFT JOIN payments p ON p.id = t.payment LEFT JOIN trades w ON w.id = t.trade",
        (
            *(("p.payer", "payer"), ("p.merchant", "payment_merchant"), ("p.currency", "payment_currency")),
            *(("p.pay_currency", "payment_pays"), ("w.payment", "trade_payment")),
        ),
        rules.refund,
    ),
    "topups": ("", (), rules.topup),
    "trades": (
        "LEFT JOIN payments p ON p.id = t.payment",
        (*_PAYMENT, ("p.lines", "payment_lines")),
        rules.trade,
    ),
    "transfers": ("", (), rules.transfer),
    "write_offs": ("", (), rules.write_off),
}
"""By table: what is joined to its rows, which columns of that are told under which names, and what must hold."""

_OPEN_CLAIMS = "'asked', 'offered', 'refused', 'returning', 'sent_back', 'disputed'"
_OVER_DISPUTES = "'final', 'withdrawn'"
PARTS = (
    "SELECT object AS whole, 'line', currency, amount FROM bank_lines WHERE object IS NOT NULL ORDER BY object",
    "SELECT trade AS whole, 'granted', amount FROM claims WHERE state = 'refunded' ORDER BY trade",
    "SELECT trade AS whole, 'granted', amount FROM disputes WHERE state = 'final' ORDER BY trade",
    f"SELECT trade AS whole, 'claim', id FROM claims WHERE state IN ({_OPEN_CLAIMS}) ORDER BY trade",
    f"SELECT trade AS whole, 'dispute', id FROM disputes WHERE state NOT IN ({_OVER_DISPUTES}) ORDER BY trade",
    "SELECT dispute AS whole, 'evidence', side FROM evidence ORDER BY dispute",
    "SELECT file AS whole, 'payout', amount FROM payouts WHERE file IS NOT NULL ORDER BY file",
)
"""What names a whole: the whole's id, a kind, and what the whole's rule wants to know of it."""


def check_objects(books: Books, findings: Findings, watch: Watch) -> int:
    """Hold every object against its entries and accounts; how many objects there are."""
    count = 0
    streams: list[Iterator[tuple[bytes, int, Any]]] = [_objects(books, findings, table) for table in RULES]
    streams += [_parts(books, sql) for sql in PARTS]
    streams += [_entries(books), _accounts(books), _refunds(books)]
    merged = heapq.merge(*streams, key=_order)
    for key, group in groupby(merged, key=_prefix):
        case: Case | None = None
        for _, kind, item in group:
            if kind == _ROW:
                case = item
            elif case is None:
                _ownerless(findings, key, kind, item)
            elif kind == _ENTRY:
                case.entries.append(item)
            elif kind == _ACCOUNT:
                case.accounts[item[0]] = item[1]
            else:
                case.parts.append(item)
        if case is not None:
            _judge(case)
            count += 1
            if count % _STEP == 0:
                watch(_STEP)
    _sums(books, findings)
    _policies(books, findings)
    return count


def _ownerless(findings: Findings, key: bytes, kind: int, item: Any) -> None:
    """Name what derives from an object that is not there; a netting alone leaves no row but its operation's."""
    if kind == _ENTRY and not _netting(*item):
        findings.add("objects", "entries", key, f"the object that made its {item[0]}", "one", "none")
    elif kind == _ACCOUNT:
        findings.add("objects", "accounts", item[0], "the object that owns it", "one", "none")
    elif kind == _PART:
        findings.add("objects", "objects", key, f"the object that a {item[0]} names", "one", "none")


def _netting(kind: str, postings: tuple[Posting, ...]) -> bool:
    """Whether an entry is one by which a party paid, out of its wallet, as much as it owed and had."""
    if kind != "receivable.net" or len(postings) != 1:
        return False
    ((debit, credit, _, mode, _),) = postings
    return mode == Mode.UP_TO and debit[13] == WALLET and credit[13] == RECEIVABLE and debit[:13] == credit[:13]


def _judge(case: Case) -> None:
    try:
        RULES[case.table][2](case)
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        # An unknown currency or purpose, say: whoever wrote the row did not reckon with its rule.
        case.must_equal("its row", "one that its rule can be applied to", repr(fault))


def _order(item: tuple[bytes, int, Any]) -> tuple[bytes, int]:
    return item[0], item[1]


def _prefix(item: tuple[bytes, int, Any]) -> bytes:
    return item[0]


def _objects(books: Books, findings: Findings, table: str) -> Iterator[tuple[bytes, int, Any]]:
    joins, joined, _ = RULES[table]
    columns = [*books.columns(table), *(name for _, name in joined)]
    told = ", ".join(("t.*", *(column for column, _ in joined)))
    for row in books.stream(f"SELECT {told} FROM {table} t {joins} ORDER BY t.id"):
        yield row[0][:13], _ROW, Case(findings, table, dict(zip(columns, row, strict=True)))


def _parts(books: Books, sql: str) -> Iterator[tuple[bytes, int, Any]]:
    for whole, *part in books.stream(sql):
        yield whole[:13], _PART, tuple(part)


def _refunds(books: Books) -> Iterator[tuple[bytes, int, Any]]:
    """Refunds as parts of the trade, or else the payment, that they are of, with the postings of their entries."""
    entry = books.derived("r", "010000")
    sql = (
        "SELECT coalesce(r.trade, r.payment), r.amount, r.pay_amount, e.postings FROM refunds r"
        f" LEFT JOIN entries e ON e.id = {entry} ORDER BY coalesce(r.trade, r.payment)"
    )
    for whole, amount, pay_amount, blob in books.stream(sql):
        yield whole[:13], _PART, ("refund", amount, pay_amount, _postings(blob) if blob else ())


def _entries(books: Books) -> Iterator[tuple[bytes, int, Any]]:
    for key, kind, blob in books.stream("SELECT id, kind, postings FROM entries ORDER BY id"):
        yield key[:13], _ENTRY, (kind, _postings(blob))


def _postings(blob: bytes) -> tuple[Posting, ...]:
    """An entry's postings; none where they cannot be read, which the fold has named."""
    try:
        return decode(blob)
    except MsgspecError:
        return ()


def _accounts(books: Books) -> Iterator[tuple[bytes, int, Any]]:
    for key, credits, debits in books.stream("SELECT id, credits_posted, debits_posted FROM accounts ORDER BY id"):
        if key[13] == HELD:
            yield key[:13], _ACCOUNT, (key, (credits, debits))


def _sums(books: Books, findings: Findings) -> None:
    """What is told twice across objects: a payment's refunds."""
    sums = "SELECT payment, CAST(sum(amount) AS bigint) AS total FROM refunds GROUP BY payment"
    sql = (
        f"SELECT t.id, coalesce(s.total, 0), t.refunded FROM payments t LEFT JOIN ({sums}) s ON s.payment = t.id"
        " WHERE coalesce(s.total, 0) <> t.refunded ORDER BY t.id LIMIT 10"
    )
    for key, expected, found in books.stream(sql):
        findings.add("objects", "payments", key, "the sum of its refunds", expected, found)


def _policies(books: Books, findings: Findings) -> None:
    """A policy's id is the digest of its content, and its name and version are taken by it, once."""
    names: dict[bytes, bytes] = dict(books.stream("SELECT id, policy FROM policy_names ORDER BY id"))
    for key, name, number, body in books.stream("SELECT id, name, number, body FROM policies ORDER BY id"):
        found = _digest(body)
        if found != key:
            findings.add("objects", "policies", key, "the digest of its content", found, key)
        taken = _digest(name.encode(), b"%d" % number)
        by = names.pop(taken, None)
        if by != key:
            findings.add("objects", "policy_names", taken, "the policy that has its name and version", key, by)
    for taken, by in names.items():
        findings.add("objects", "policy_names", taken, "the policy that has its name and version", "one", by)


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"".join(len(part).to_bytes(4, "big") + part for part in parts), digest_size=16).digest()
