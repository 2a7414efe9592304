"""What anybody can check offline: signed heads, proofs that one continues another, receipts for a party's objects."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, field

from handfast.core.errors import Conflict, Invalid
from handfast.core.ids import Id, account_purpose, owner_of
from handfast.domain.heads import (
    Head,
    Proof,
    consistency_proof,
    head_at,
    head_id,
    heads_after,
    last_head,
    proofs_of,
)
from handfast.domain.payments import PAYMENTS, REFUNDS
from handfast.domain.payouts import PAYOUTS
from handfast.domain.receivables import WRITE_OFFS
from handfast.domain.topups import TOPUPS
from handfast.domain.trades import TRADES
from handfast.domain.transfers import TRANSFERS
from handfast.gateways.native import receipts, render
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import Query
from handfast.gateways.native.prefixes import parse_kind, show, unknown
from handfast.gateways.native.reports import List
from handfast.ledger import Purpose
from handfast.ledger.model import decode_postings
from handfast.store.reader import Reader, get
from handfast.store.table import Table

_WHOSE: dict[str, tuple[Table[Any], tuple[str, ...], tuple[str, ...]]] = {
    "payment": (PAYMENTS, ("merchant",), ("payer",)),
    "trade": (TRADES, ("seller", "merchant"), ("buyer",)),
    "transfer": (TRANSFERS, ("payer", "payee"), ()),
    "payout": (PAYOUTS, ("party",), ()),
    "topup": (TOPUPS, ("party",), ()),
    "write_off": (WRITE_OFFS, ("party",), ()),
}
"""By kind, which columns name those who see all of it, and which those who see its own movements of theirs alone."""

PROVED = " ".join((*_WHOSE, "refund", "entry"))
"""The kinds of ids that a receipt is given for. Not of disputes: both sides see less of them than their events hold."""

_OPEN = frozenset({Purpose.HELD, Purpose.POSITION, Purpose.ROUNDING, Purpose.CUSTODY})
"""Accounts between which a party may see money move that passes through none of its own."""


class HeadQuery(Query, frozen=True, kw_only=True):
    """The heads after a number."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class SpanQuery(Query, frozen=True, kw_only=True):
    """The earlier head's number."""

    from_: Annotated[int, Meta(ge=1, le=2**63 - 1)] = field(name="from")


async def see_keys(call: Call[Any]) -> receipts.Keys:
    """Get the public key that signs heads."""
    head = await call.look(last_head)
    return receipts.Keys("keys", None if head is None else head.key.hex())


async def list_heads(call: Call[HeadQuery]) -> List:
    """List signed heads in order, oldest first."""
    given = call.given
    found = await call.look(lambda reader: heads_after(reader, given.after, given.limit + 1))
    return List("list", [render.head(head) for head in found[: given.limit]], len(found) > given.limit, call.path)


async def see_head(call: Call[Any]) -> receipts.Head:
    """See a signed head by its number."""
    return render.head(await call.look(lambda reader: _head(reader, call.id)))


async def see_consistency(call: Call[SpanQuery]) -> receipts.Consistency:
    """Get the proof that this head's tree begins with an earlier head's."""

    def prove(reader: Reader) -> receipts.Consistency:
        second = _head(reader, call.id)
        first = _head(reader, head_id(call.given.from_))
        if first.number > second.number:
            raise Invalid("field_invalid", "the earlier head comes first", "from")
        path = [part.hex() for part in consistency_proof(reader, first, second)]
        return receipts.Consistency("consistency", render.head(first), render.head(second), path)

    return await call.services.read.long(prove)


def _head(reader: Reader, key: Id) -> Head:
    head = head_at(reader, int.from_bytes(key[5:13], "big"))
    if head is None:
        raise unknown("head")
    return head


async def see_receipt(call: Call[Any]) -> receipts.Receipt:
    """Get the proofs that the entries and events of a payment, trade or transfer, or one entry, are sealed."""
    name = call.path.split("/")[3]

    def prove(reader: Reader) -> receipts.Receipt:
        with reader.snapshot():
            inner = _sees(reader, call, name)
            head = last_head(reader)
            proofs = [] if head is None else proofs_of(reader, head, [call.id])
        if head is None or not proofs:
            raise Conflict("state_conflict", "this is not sealed yet; ask again in some seconds", "id")
        leaves = [_leaf(proof, whole=inner or _may_see(proof, call.caller.party)) for proof in proofs]
        return receipts.Receipt("receipt", name, render.head(head), leaves)

    return await call.services.read.long(prove)


def _sees(reader: Reader, call: Call[Any], name: str) -> bool:
    """Whether the caller sees all of the object that is asked for. Raises NotFound where it sees nothing of it."""
    sees = call.caller.sees
    inner: Sequence[Id | None] = ()
    others: Sequence[Id | None] = ()
    if parse_kind("refund", name) is not None and (refund := get(reader, REFUNDS, call.id)):
        paid = get(reader, PAYMENTS, refund.payment)
        inner, others = (refund.merchant,), (paid.payer if paid else None,)
    elif parse_kind("entry", name) is not None:
        for (blob,) in reader.rows("SELECT postings FROM entries WHERE id = ?", (call.id,)):
            others = [owner_of(side) for posting in decode_postings(blob) for side in (posting.debit, posting.credit)]
        source = get(reader, PAYMENTS, owner_of(call.id)) or get(reader, TRADES, owner_of(call.id))
        inner = () if source is None else (source.merchant, getattr(source, "seller", None))
    for kind, (table, wholly, partly) in _WHOSE.items():
        if parse_kind(kind, name) is not None and (row := get(reader, table, call.id)):
            inner, others = ([getattr(row, column) for column in columns] for columns in (wholly, partly))
    if not (inner or others) or not sees(*(party for party in (*inner, *others) if party is not None)):
        raise unknown("id")
    return sees(*(party for party in inner if party is not None))


def _may_see(proof: Proof, party: Id) -> bool:
    """Whether a party that is not the seller sees a whole row: an entry that moves its own money and no commission."""
    if proof.row[0] != "entry":
        return False
    blob = proof.row[-1]
    assert isinstance(blob, bytes)
    for posting in decode_postings(blob):
        sides = (posting.debit, posting.credit)
        if any(account_purpose(side) in (Purpose.COMMISSION, Purpose.TAX) for side in sides):
            return False
        own = any(owner_of(side) == party for side in sides)
        if not own and not all(account_purpose(side) in _OPEN for side in sides):
            return False
    return True


def _leaf(proof: Proof, *, whole: bool) -> receipts.Leaf:
    source = str(proof.row[0])
    return receipts.Leaf(
        source=source,
        id=show(source, proof.id) if source in ("entry", "event") else proof.id.hex(),
        number=proof.number,
        leaf=b64encode(proof.leaf).decode() if whole else None,
        hash=proof.hash.hex(),
        path=[part.hex() for part in proof.path],
    )
