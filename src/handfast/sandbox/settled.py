"""What came of claims, disputes and debts in a whole market, and what is still open."""

from collections import Counter, defaultdict
from typing import Any

from msgspec import Struct

from handfast.core.ids import Id, account_currency, account_purpose
from handfast.ledger import Purpose
from handfast.ledger.journal import all_entries
from handfast.store.reader import Reader

CLAIM_ENDS = (
    "agreed",
    "offer_accepted",
    "goods_returned",
    "granted_by_silence",
    "withdrawn",
    "closed_by_silence",
    "disputed",
    "open",
)
"""How claims end: by either side, by silence, in a dispute, or not yet."""

DISPUTE_ENDS = ("refund", "part", "split", "release", "dismiss", "conceded", "withdrawn", "undecided", "open")
"""How disputes end: by a decision, by the seller or the buyer giving in, by the policy as nobody decided, not yet."""

_BY_VERB = {
    "claims.agree": "agreed",
    "claims.accept": "offer_accepted",
    "claims.receive": "goods_returned",
    "claims.silent": "granted_by_silence",
}
_BY_STATE = {
    "withdrawn": "withdrawn",
    "closed": "closed_by_silence",
    "disputed": "disputed",
    "decided": "disputed",
}
_REFUNDED = (
    "SELECT verb, count(*) FROM operations WHERE id IN (SELECT operation FROM events WHERE type = 'claim.refunded')"
    " GROUP BY verb"
)
_CLAIMS = "SELECT state, count(*) FROM claims WHERE state <> 'refunded' GROUP BY state"
_DISPUTED_CLAIMS = "SELECT count(*) FROM disputes d JOIN claims c ON c.id = d.claim WHERE c.state = 'closed'"
_CONCEDED = "SELECT count(*) FROM operations WHERE verb = 'disputes.concede' AND outcome = ''"
_DECIDED = "SELECT outcome, count(*) FROM disputes WHERE state = 'final' AND handler IS NOT NULL GROUP BY outcome"
_BY_NOBODY = "SELECT count(*) FROM disputes WHERE state = 'final' AND handler IS NULL"
_APPEALS = (
    "SELECT count(*), sum(CASE WHEN outcome = first_outcome AND amount = first_amount THEN 0 ELSE 1 END)"
    " FROM disputes WHERE state = 'final' AND appealed_by <> ''"
)
_SECOND = "SELECT count(*) FROM disputes WHERE second IS NOT NULL OR first_second IS NOT NULL"
_OPENED = "SELECT opened_by, count(*) FROM disputes GROUP BY opened_by"
_WRITE_OFF = "receivable.write_off"


class Receivables(Struct, frozen=True):
    """What parties came to owe in a currency, what came back of it, what was given up, what is left. Minor units.

    What a wallet or a reserve pays in the entry that advances it was never owed.
    """

    advanced: int = 0
    netted: int = 0
    written_off: int = 0
    outstanding: int = 0


class Settled(Struct, frozen=True):
    """Claims and disputes by how they ended, disputes by what else there was about them, debts by currency, the rest.

    `open` counts what is not over.
    """

    claims: dict[str, int]
    disputes: dict[str, int]
    particulars: dict[str, int]
    receivables: dict[str, Receivables]
    open: dict[str, int]


def settled(reader: Reader) -> Settled:
    """Read it all, in one snapshot."""
    with reader.snapshot():
        return Settled(_claims(reader), _disputes(reader), _particulars(reader), _receivables(reader), _open(reader))


def open_now(reader: Reader) -> tuple[int, int]:
    """How many claims and disputes are open; a disputed claim counts as its dispute."""
    ((claims,),) = reader.rows("SELECT count(*) FROM claims WHERE due IS NOT NULL")
    ((disputes,),) = reader.rows("SELECT count(*) FROM disputes WHERE due IS NOT NULL")
    return claims, disputes


def _claims(reader: Reader) -> dict[str, int]:
    ends: Counter[str] = Counter()
    for verb, count in reader.rows(_REFUNDED):
        ends[_BY_VERB[verb]] += count
    for state, count in reader.rows(_CLAIMS):
        ends[_BY_STATE.get(state, "open")] += count
    # A claim whose dispute was withdrawn is closed, but not by silence.
    taken_back = _count(reader, _DISPUTED_CLAIMS)
    ends["closed_by_silence"] -= taken_back
    ends["disputed"] += taken_back
    return {end: ends[end] for end in CLAIM_ENDS}


def _disputes(reader: Reader) -> dict[str, int]:
    ends: Counter[str] = Counter(dict(reader.rows(_DECIDED)))
    ends["conceded"] = _count(reader, _CONCEDED)
    ends["undecided"] = _count(reader, _BY_NOBODY) - ends["conceded"]
    ends["withdrawn"] = _count(reader, "SELECT count(*) FROM disputes WHERE state = 'withdrawn'")
    ends["open"] = open_now(reader)[1]
    return {end: ends[end] for end in DISPUTE_ENDS}


def _particulars(reader: Reader) -> dict[str, int]:
    ((appeals, changed),) = reader.rows(_APPEALS)
    opened = dict(reader.rows(_OPENED))
    return {
        **{f"opened_by_{side}": opened.get(side, 0) for side in ("buyer", "seller", "clock")},
        "evidence_shown": _count(reader, "SELECT count(*) FROM evidence"),
        "decided_by_two": _count(reader, _SECOND),
        "appealed": appeals,
        "appeal_changed_it": int(changed or 0),
    }


def _receivables(reader: Reader) -> dict[str, Receivables]:
    """By entry: what it adds to a party's debt was advanced, what it takes off was netted or written off."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry in all_entries(reader):
        changes: Counter[Id] = Counter()
        for posting in entry.postings:
            for account, change in ((posting.debit, posting.amount), (posting.credit, -posting.amount)):
                if account_purpose(account) == Purpose.RECEIVABLE:
                    changes[account] += change
        for account, change in changes.items():
            if change:
                place = 0 if change > 0 else 2 if entry.kind == _WRITE_OFF else 1
                sums[account_currency(account)][place] += abs(change)
    return {
        currency: Receivables(advanced, netted, written_off, advanced - netted - written_off)
        for currency, (advanced, netted, written_off) in sorted(sums.items())
    }


def _open(reader: Reader) -> dict[str, int]:
    trades: dict[Any, int] = dict(reader.rows("SELECT state, count(*) FROM trades GROUP BY state"))
    claims, disputes = open_now(reader)
    return {
        "trades_waiting_for_dispatch": trades.get("held", 0),
        "trades_waiting_for_confirmation": trades.get("shipped", 0) + trades.get("delivered", 0),
        "claims": claims,
        "disputes": disputes,
        "reserves": _count(reader, "SELECT count(*) FROM trades WHERE reserved > 0"),
        "payouts_on_their_way": _count(
            reader, "SELECT count(*) FROM payouts WHERE state = 'requested' OR state = 'ordered'"
        ),
    }


def _count(reader: Reader, sql: str) -> int:
    ((count,),) = reader.rows(sql)
    return int(count)
