"""Which rules hold of which table's rows, what is joined to these, and what names them as its whole."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from handfast_verify import rules
from handfast_verify.findings import Findings
from handfast_verify.ledger import postings_of
from handfast_verify.reading import Books
from handfast_verify.rules import Rule

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
    "parties": ("", (), rules.party),
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


def refunds(books: Books) -> Iterator[tuple[Any, ...]]:
    """Refunds as parts of the trade, or else the payment, that they are of, with the postings of their entries."""
    entry = books.derived("r", "010000")
    sql = (
        "SELECT coalesce(r.trade, r.payment), r.amount, r.pay_amount, e.postings FROM refunds r"
        f" LEFT JOIN entries e ON e.id = {entry} ORDER BY coalesce(r.trade, r.payment)"
    )
    for whole, amount, pay_amount, blob in books.stream(sql):
        yield whole, "refund", amount, pay_amount, postings_of(blob) if blob else ()


def check_sums(books: Books, findings: Findings) -> None:
    """What is told twice across objects, and the policies that trades name."""
    _sums(books, findings)
    _policies(books, findings)


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
