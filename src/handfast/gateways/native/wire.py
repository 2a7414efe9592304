"""What clients may write: the body of each request, with the bounds of every field.

A field that is not named here is refused; whole numbers are written as digits alone; texts hold no control characters.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from handfast.core.money import MAX_AMOUNT

_LINE = r"^[^\u0000-\u001f\u007f-\u009f]*$(?![\n])"
_LINES = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$(?![\r])"

Amount = Annotated[
    int, Meta(ge=1, le=MAX_AMOUNT, description="Minor units of the currency.", extra={"code": "amount_invalid"})
]
Part = Annotated[int, Meta(ge=0, le=MAX_AMOUNT, description="Minor units, or zero.", extra={"code": "amount_invalid"})]
Currency = Annotated[
    str, Meta(description="ISO 4217, in capitals.", examples=["CNY"], extra={"code": "currency_unknown"})
]
Ref = Annotated[str, Meta(description="The id of an object.")]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=_LINE, extra={"code": "text_invalid"})]
Line = Annotated[str, Meta(max_length=200, pattern=_LINE, extra={"code": "text_invalid"})]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_LINE, extra={"code": "text_invalid"})]
Prose = Annotated[
    str,
    Meta(
        max_length=2000, pattern=_LINES, description="Tabs and new lines are allowed.", extra={"code": "text_invalid"}
    ),
]
Said = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        pattern=_LINES,
        description="Tabs and new lines are allowed.",
        extra={"code": "text_invalid"},
    ),
]
Metadata = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=40, pattern=_LINE)],
        Annotated[str, Meta(max_length=500, pattern=_LINES)],
    ],
    Meta(max_length=50, description="The caller's own keys and values.", extra={"code": "text_invalid"}),
]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A request's body; the others derive from it."""


class Nothing(Body, frozen=True, kw_only=True):
    """No body, or an empty object."""


class NewParty(Body, frozen=True, kw_only=True):
    """Somebody to take in, with details that are sealed: an IBAN, or a US routing number and account, for payouts.

    The account's holder is the party itself, where no other name is given.
    """

    kind: Literal["customer", "merchant"]
    country: Word
    name: Name
    email: Line = ""
    iban: Line = ""
    routing: Line = ""
    account: Line = ""
    bic: Line = ""
    holder: Line = ""
    settle_currency: Currency = ""
    commission_bps: Annotated[int, Meta(ge=0, le=10_000)] = 0
    commission_minimum: Part = 0
    commission_cap: Part = 0
    listing_fee: Part = 0
    commission_currency: Currency = ""


class NewDetails(Body, frozen=True, kw_only=True):
    """Details to put in the place of the old ones: the bank account is the one given here, or none.

    Name and e-mail address stay where none is given; only the operator changes a name.
    """

    name: Name | None = None
    email: Line | None = None
    iban: Line = ""
    routing: Line = ""
    account: Line = ""
    bic: Line = ""
    holder: Line = ""


class Reasons(Body, frozen=True, kw_only=True):
    """Why somebody decides so."""

    reason: Said


class NewClient(Body, frozen=True, kw_only=True):
    """An API key to make for a party."""

    party: Ref
    name: Name
    scopes: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=10)]


class NewConsent(Body, frozen=True, kw_only=True):
    """What the payer lets a merchant charge: at most `ceiling` a payment. Only the operator names a payer."""

    merchant: Ref
    currency: Currency
    ceiling: Amount
    payer: Ref | None = None


class NewTransfer(Body, frozen=True, kw_only=True):
    """Money to move from one's own wallet to another."""

    payee: Ref
    currency: Currency
    amount: Amount
    reference: Line = ""
    metadata: Metadata = {}


class NewShare(Body, frozen=True, kw_only=True):
    """A part of a line's price that goes to somebody beside seller, operator and tax."""

    kind: Literal["freight", "platform", "affiliate"]
    payee: Ref
    amount: Amount


class NewLine(Body, frozen=True, kw_only=True):
    """A line of a cart; the tax and the shares are parts of the amount."""

    seller: Ref
    amount: Amount
    tax: Part = 0
    shares: Annotated[tuple[NewShare, ...], Meta(max_length=10, extra={"code": "lines_invalid"})] = ()
    category: Word = "general"
    delivery: Word = "express"
    title: Line = ""


class NewPayment(Body, frozen=True, kw_only=True):
    """Money to ask for: with lines, their sum. With a payer who consented it is taken, or set aside, at once."""

    currency: Currency
    amount: Amount
    payer: Ref | None = None
    capture: Literal["automatic", "manual"] = "automatic"
    quote: Ref | None = None
    lines: Annotated[tuple[NewLine, ...], Meta(max_length=100, extra={"code": "lines_invalid"})] = ()
    reference: Line = ""
    description: Prose = ""
    metadata: Metadata = {}


class KeyedPayment(NewPayment, frozen=True, kw_only=True):
    """A payment of a batch, with an idempotency key of its own."""

    idempotency_key: str


BATCH = 256
"""How many payments a batch has at most."""


class PaymentBatch(Body, frozen=True, kw_only=True):
    """Payments to ask for, each for itself: what becomes of one does not touch the others."""

    payments: Annotated[tuple[KeyedPayment, ...], Meta(min_length=1, max_length=BATCH)]


class Pay(Body, frozen=True, kw_only=True):
    """How to pay: in the currency of a quote, if one is named."""

    quote: Ref | None = None


class Capture(Body, frozen=True, kw_only=True):
    """What to take of an authorised payment: nothing named is all; `final` frees the rest."""

    amount: Amount | None = None
    trades: Annotated[tuple[Ref, ...], Meta(max_length=100)] = ()
    final: bool = False


class RefundOf(Body, frozen=True, kw_only=True):
    """What to give back: without an amount, all that is left."""

    trade: Ref | None = None
    amount: Amount | None = None
    reason: Line = ""


class NewRefund(RefundOf, frozen=True, kw_only=True):
    """What to give back, and of which payment."""

    payment: Ref


class Shipment(Body, frozen=True, kw_only=True):
    """How the goods were sent."""

    tracking: Line = ""


class NewQuote(Body, frozen=True, kw_only=True):
    """A rate to lock: from the price's currency to the payer's."""

    price_currency: Currency
    pay_currency: Currency


class NewTopup(Body, frozen=True, kw_only=True):
    """A bank transfer to announce; the amount may be left open."""

    currency: Currency
    amount: Amount | None = None


class NewPayout(Body, frozen=True, kw_only=True):
    """Money to pay from one's own wallet to one's bank account."""

    currency: Currency
    amount: Amount


class NewPlan(Body, frozen=True, kw_only=True):
    """When to pay out all of a balance by itself, if it is `minimum` at least.

    Every day, every week on a `day` (1 is Monday), every month on one (where the month is shorter, its last), or by
    hand only; days begin in UTC. Only the operator names another party.
    """

    currency: Currency
    every: Literal["day", "week", "month", "manual"]
    day: Annotated[int, Meta(ge=0, le=31)] = 0
    minimum: Part = 0
    party: Ref | None = None


class NewSweep(Body, frozen=True, kw_only=True):
    """Money of the operator's own to pay to its bank account."""

    source: Literal["commission", "operator"]
    currency: Currency
    amount: Amount


class NewDeal(Body, frozen=True, kw_only=True):
    """An exchange that was agreed with the bank; both statement lines will carry the reference."""

    sell_currency: Currency
    sell_amount: Amount
    buy_currency: Currency
    buy_amount: Amount
    reference: Word


class NewFile(Body, frozen=True, kw_only=True):
    """The currency whose payouts to order from the bank."""

    currency: Currency


class NewEndpoint(Body, frozen=True, kw_only=True):
    """Where to send events, and which: "*", "trade.*", "trade.released"."""

    url: Annotated[str, Meta(max_length=2000, extra={"code": "url_invalid"})]
    types: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=32)] = ("*",)


class ReplayOf(Body, frozen=True, kw_only=True):
    """Events to send again."""

    events: Annotated[tuple[Ref, ...], Meta(min_length=1, max_length=1000)]
