"""Payments by the batch: one body in, one hand-over to the desk, one answer out, and each item for itself."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from handfast.core.errors import Invalid, Refusal
from handfast.domain import payments
from handfast.gateways.native import reports, wire
from handfast.gateways.native.body import decoder
from handfast.gateways.native.calls import Call
from handfast.gateways.native.errors import error_of, status_of
from handfast.gateways.native.idempotency import fingerprint, operation_id
from handfast.gateways.native.selling import PAYMENTS_PATH, new_payment
from handfast.store.verb import Request


class Batch(Struct, frozen=True):
    """The payments that were asked for; in the place of one whose words are wrong stands why."""

    payments: tuple[wire.KeyedPayment | Invalid, ...]


class _Sheet(wire.Body, frozen=True, kw_only=True):
    """A batch whose items are not read yet."""

    payments: Annotated[tuple[Raw, ...], Meta(min_length=1, max_length=wire.BATCH)]


_read = decoder(wire.PaymentBatch)
_read_sheet = decoder(_Sheet)
_read_item = decoder(wire.KeyedPayment)
_ALONE = wire.NewPayment.__struct_fields__


def read_batch(body: bytes) -> Batch:
    """A batch in a body. Raises Invalid for what is no batch at all; a fault within an item is the item's own."""
    try:
        return Batch(_read(body).payments)
    except Invalid:
        items = _read_sheet(body).payments
    return Batch(tuple(_item(bytes(item)) for item in items))


def _item(body: bytes) -> wire.KeyedPayment | Invalid:
    try:
        return _read_item(body)
    except Invalid as no:
        return no


async def create(call: Call[Batch]) -> reports.Batch:
    """Ask for up to 256 payments, each for itself, with an idempotency key of its own."""
    refused: dict[int, Refusal] = {}
    requests: dict[int, Request] = {}
    for n, item in enumerate(call.given.payments):
        try:
            requests[n] = _keyed(call, item, n)
        except Refusal as no:
            refused[n] = no
    answers = dict(zip(requests, await call.services.hand.call_many(list(requests.values())), strict=True))
    made = [n for n, answer in answers.items() if answer.refusal is None]
    shown = dict(zip(made, await call.show_all([answers[n].result for n in made]), strict=True))
    data: list[reports.BatchItem] = []
    for n in range(len(call.given.payments)):
        answer = answers.get(n)
        replayed = answer is not None and answer.replayed
        against = refused.get(n) if answer is None else answer.refusal
        if against is None:
            data.append(reports.BatchItem(200, replayed, shown[n], None))
        else:
            data.append(reports.BatchItem(status_of(against), replayed, None, error_of(against, call.request)))
    return reports.Batch("batch", data)


def _keyed(call: Call[Batch], item: wire.KeyedPayment | Invalid, n: int) -> Request:
    """The request that the item would be alone, so that it may be repeated alone. Raises Invalid, NotFound."""
    if isinstance(item, Invalid):
        raise item
    party = call.caller.party
    key = operation_id(party, item.idempotency_key, f"payments[{n}].idempotency_key")
    alone = wire.NewPayment(**{name: getattr(item, name) for name in _ALONE})
    mark = fingerprint(PAYMENTS_PATH, alone)
    return Request(payments.create.name, new_payment(party, alone), call.caller.actor, call.request, key, mark)
