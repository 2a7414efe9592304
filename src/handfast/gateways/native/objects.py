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
    holder: str


class Party(Struct, frozen=True):
    """A customer, a merchant or the operator. Lists and events leave the details out.

    `payee_check` tells whether the bank account's holder is the party: "match", "close" or "no_match", "accepted" by
    one of the operator's persons, or "returned", since the bank sent a payout back; for `payee_reason`.
    """

    id: str
    object: Literal["party"]
    kind: str
    state: str
    country: str
    settle_currency: str | None
    commission_bps: int
    commission_minimum: int
    commission_cap: int
    listing_fee: int
    commission_currency: str | None
    payee_check: str | None
    payee_reason: str | None
    payee_by: str | None
    payee_handler: str | None
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
    """Money on its way out; `source` is the account that gave it, `end_to_end` what names it at the banks.

    `reason` is why a bank sent it back, or never paid it.
    """

    id: str
    object: Literal["payout"]
    party: str
    state: str
    currency: str
    amount: int
    source: str
    file: str | None
    end_to_end: str
    reason: str | None
    version: int
    created: Seconds


class PayoutPlan(Struct, frozen=True):
    """When a balance is paid out by itself, next at `due`; `payout` and `outcome` tell what came of the last time."""

    id: str
    object: Literal["payout_plan"]
    party: str
    currency: str
    every: str
    day: int
    minimum: int
    due: Seconds | None
    payout: str | None
    outcome: str | None
    version: int
    created: Seconds


class Endpoint(Struct, frozen=True):
    """Where events are sent; the secret is told once, by the answer that made it, and by no repetition of it."""

    id: str
    object: Literal["webhook_endpoint"]
    party: str
    gateway: str
    url: str
    types: list[str]
    state: str
    secret: str | None
    former_secret_until: Seconds | None
    version: int
    created: Seconds


class Attempt(Struct, frozen=True):
    """One try of a delivery: the HTTP status, or why there was none, and the beginning of the answer's body."""

    number: int
    at: Seconds
    status: int | None
    error: str | None
    answer: str


class Delivery(Struct, frozen=True):
    """One event on its way to one endpoint; `last_error` says why there was no answer.

    Its times are wall time, or market time where the endpoint's gateway is not the native one. `attempts` is the log of
    all tries; lists leave it out.
    """

    id: str
    object: Literal["delivery"]
    endpoint: str
    event: str
    url: str
    state: str
    tries: int
    due: Seconds | None
    last_try: Seconds | None
    last_status: int | None
    last_error: str | None
    created: Seconds
    attempts: list[Attempt] | None = None
