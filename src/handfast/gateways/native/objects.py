"""What clients get to see of parties, payments and webhooks: each object's members, in the order of writing.

Amounts are minor units of the currency beside them, times seconds since the epoch, ids prefixed by their kind.
"""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

Seconds = int
Metadata = Annotated[Raw, Meta(extra_json_schema={"type": "object", "additionalProperties": {"type": "string"}})]


class PartyDetails(Struct, frozen=True):
    """What is known of a person or a shop; kept sealed, gone once it was erased."""

    name: str
    email: str
    iban: str
    routing: str
    account: str
    bic: str


class Party(Struct, frozen=True):
    """A customer, a merchant or the operator. Lists and events leave the details out."""

    id: str
    object: Literal["party"]
    kind: str
    state: str
    country: str
    settle_currency: str | None
    commission_bps: int
    commission_cap: int
    commission_currency: str | None
    details: PartyDetails | None
    version: int
    created: Seconds


class ApiKey(Struct, frozen=True):
    """An API key; its secret is told once, by the answer that made it, and by no repetition of it."""

    id: str
    object: Literal["api_key"]
    party: str
    name: str
    scopes: list[str]
    state: str
    secret: str | None
    version: int
    created: Seconds


class Consent(Struct, frozen=True):
    """A payer's standing permission for one merchant to charge up to `ceiling` a payment."""

    id: str
    object: Literal["consent"]
    payer: str
    merchant: str
    state: str
    currency: str
    ceiling: int
    version: int
    created: Seconds


class Transfer(Struct, frozen=True):
    """Money that went from one wallet to another."""

    id: str
    object: Literal["transfer"]
    payer: str
    payee: str
    state: str
    currency: str
    amount: int
    reference: str
    metadata: Metadata
    version: int
    created: Seconds


class PaymentLine(Struct, frozen=True):
    """A line of a cart. What the seller pays and gets is for the merchant's eyes."""

    trade: str
    seller: str
    title: str
    category: str
    delivery: str
    amount: int
    tax: int
    captured: bool
    pay_amount: int
    commission: int | None
    settle_currency: str | None
    settle_amount: int | None


class Payment(Struct, frozen=True):
    """A payment; with trades and refunds where they were asked for, with commission and settlement for the merchant."""

    id: str
    object: Literal["payment"]
    merchant: str
    payer: str | None
    state: str
    capture: str
    currency: str
    amount: int
    captured: int
    refunded: int
    tax: int
    pay_currency: str
    pay_amount: int
    commission: int | None
    settle_currency: str | None
    settle_amount: int | None
    quote: str | None
    reference: str
    description: str
    metadata: Metadata
    lines: list[PaymentLine]
    due: Seconds | None
    version: int
    created: Seconds
    trades: "list[Trade] | None" = None
    refunds: "list[Refund] | None" = None


class Trade(Struct, frozen=True):
    """A guaranteed trade: money held until it is released or given back. Commission is for the seller to see."""

    id: str
    object: Literal["trade"]
    payment: str
    merchant: str
    seller: str
    buyer: str
    state: str
    title: str
    category: str
    delivery: str
    currency: str
    amount: int
    tax: int
    refunded: int
    released: int
    returned: int
    pay_currency: str
    pay_amount: int
    commission: int | None
    settle_currency: str | None
    settle_amount: int | None
    tracking: str
    due: Seconds | None
    version: int
    created: Seconds


class Refund(Struct, frozen=True):
    """Money given back: `amount` in the price's currency, `pay_amount` in the payer's."""

    id: str
    object: Literal["refund"]
    payment: str
    trade: str | None
    merchant: str
    state: str
    currency: str
    amount: int
    pay_currency: str
    pay_amount: int
    reason: str
    version: int
    created: Seconds


class Rate(Struct, frozen=True):
    """A minor unit of the price costs numerator / denominator minor units of the payer's currency."""

    numerator: int
    denominator: int


class Quote(Struct, frozen=True):
    """A locked rate, to be used until it expires."""

    id: str
    object: Literal["quote"]
    owner: str
    state: str
    price_currency: str
    pay_currency: str
    rate: Rate
    source: str
    expires: Seconds
    version: int
    created: Seconds


class Topup(Struct, frozen=True):
    """Money on its way in; the bank transfer must carry the reference. An amount of 0 was left open."""

    id: str
    object: Literal["topup"]
    party: str
    state: str
    currency: str
    amount: int
    credited: int
    reference: str
    version: int
    created: Seconds


class Payout(Struct, frozen=True):
    """Money on its way out; `source` is the account that gave it, `end_to_end` what names it at the banks."""

    id: str
    object: Literal["payout"]
    party: str
    state: str
    currency: str
    amount: int
    source: str
    file: str | None
    end_to_end: str
    version: int
    created: Seconds


class Endpoint(Struct, frozen=True):
    """Where events are sent; the secret is told once, by the answer that made it, and by no repetition of it."""

    id: str
    object: Literal["webhook_endpoint"]
    party: str
    url: str
    types: list[str]
    state: str
    secret: str | None
    former_secret_until: Seconds | None
    version: int
    created: Seconds


class Delivery(Struct, frozen=True):
    """One event on its way to one endpoint; `last_error` says why there was no answer."""

    id: str
    object: Literal["delivery"]
    endpoint: str
    event: str
    state: str
    tries: int
    due: Seconds | None
    last_try: Seconds | None
    last_status: int | None
    last_error: str | None
    created: Seconds
