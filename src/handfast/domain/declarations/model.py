"""Declarations: what a merchant says of an order that was paid, to customs or in a report of its own."""

from msgspec import Struct

from handfast.core.ids import Id


class Declaration(Struct, frozen=True, gc=False):
    """What was declared to customs of a checkout: an amount of what the buyer gave, under the merchant's `number`.

    `order_number` is what customs are told; `declared` has what else was said, sealed under the merchant's key.
    """

    id: Id
    checkout: Id
    merchant: Id
    number: str
    currency: str
    amount: int
    customs: str
    order_number: str
    declared: bytes
    version: int
    created: int


class Report(Struct, frozen=True, gc=False):
    """What a merchant said of an order after it was paid, under its own `number`; `id` derives from both.

    `kind` is the gateway's, `said` sealed under the merchant's key, `digest` of the request.
    """

    id: Id
    checkout: Id
    number: str
    kind: str
    said: bytes
    digest: bytes
    created: int
