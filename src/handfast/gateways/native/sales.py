"""What clients get to see of sales: payments, refunds and guaranteed trades; written like the objects of objects.py."""

from typing import Literal

from msgspec import Struct

from handfast.gateways.native.objects import Metadata, Seconds


class Share(Struct, frozen=True):
    """A part of the price that goes to somebody beside seller, operator and tax: freight, platform, affiliate."""

    kind: str
    payee: str
    amount: int


class PaymentLine(Struct, frozen=True):
    """A line of a cart, with its policy. What the seller pays and gets is for the merchant's eyes.

    `commission_formula` tells how the commission came about ("3.5 % of 120.00, capped at 50.00, plus 0.05 listing
    fee"); it is null where the seller's terms are no longer those of the sale.
    """

    trade: str
    seller: str
    title: str
    category: str
    delivery: str
    policy: str
    amount: int
    tax: int
    captured: bool
    pay_amount: int
    commission: int | None
    commission_formula: str | None
    shares: list[Share] | None
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


class Clock(Struct, frozen=True):
    """The open step: until when somebody has time, and what silence means then, in one word and in one sentence.

    While a claim or a dispute stops a trade's clock, `due` is null and `paused` says how many seconds of it are left.
    """

    due: Seconds | None
    paused: Seconds | None
    silence: str | None
    says: str


class FrozenPolicy(Struct, frozen=True):
    """The policy that was frozen into a trade: its content is at /v1/policies/{id}."""

    id: str
    name: str
    version: int


class ReserveKept(Struct, frozen=True):
    """What was kept back of what the seller got, in the settle currency, and by which formula; it is freed at `until`.

    `until` is null as long as not all is released, and while a claim or dispute stops the clock.
    """

    currency: str
    amount: int
    until: Seconds | None
    formula: str


class MilestoneCount(Struct, frozen=True):
    """How many milestones were confirmed, of how many, and what the next one releases."""

    confirmed: int
    of: int
    next: int


class ExtensionsLeft(Struct, frozen=True):
    """How often a side has extended the open step, how often it still may, and by how much each time."""

    by: str
    adds: str
    used: int
    left: int


class OpenProposal(Struct, frozen=True):
    """What one side ("buyer", "seller") proposed: to "cancel", or to "amend" by another policy or another due."""

    by: str
    kind: str
    policy: str | None
    due: Seconds | None


class Trade(Struct, frozen=True):
    """A guaranteed trade: money held until it is released or given back.

    Of `amount`, `held` is still held, `refunded` was given back out of that, `released` went to the parties, and
    `returned` was given back after release. Commission, shares, settlement and reserve are for the seller to see.
    `commission_formula` is as in a payment's line.
    """

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
    policy: FrozenPolicy
    currency: str
    amount: int
    tax: int
    held: int
    refunded: int
    released: int
    returned: int
    pay_currency: str
    pay_amount: int
    commission: int | None
    commission_formula: str | None
    shares: list[Share] | None
    settle_currency: str | None
    settle_amount: int | None
    reserve: ReserveKept | None
    clock: Clock
    milestones: MilestoneCount | None
    extensions: list[ExtensionsLeft]
    claim: str | None
    dispute: str | None
    proposal: OpenProposal | None
    tracking: str
    shipped_at: Seconds | None
    delivered_at: Seconds | None
    released_at: Seconds | None
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
