"""Policies as data: how long each step of a trade may take, what silence means then, and what else was agreed."""

from msgspec import Struct

from handfast.core.ids import Id

DELIVERIES = ("auto", "virtual", "express", "surface", "service")
"""How goods reach a buyer: delivered by the system, sent by message, by courier, by surface mail, or done as work."""

REASONS = ("unshipped", "not_received", "not_as_described", "no_reason")
"""Why a buyer asks for money back."""

UNITS = ("hours", "days", "business_days")

SILENCE = {
    "pay": ("close",),
    "ship": ("refund", "extend", "dispute"),
    "confirm": ("release", "refund", "extend", "dispute"),
    "answer": ("refund", "close", "dispute"),
    "revise": ("close", "dispute"),
    "accept": ("close", "dispute"),
    "send_back": ("close", "dispute"),
    "receive": ("refund", "dispute"),
    "decide": ("release", "refund"),
}
"""What nobody's answer may mean, by step: an open payment closes, a trade is released, refunded, extended or disputed,
a claim is granted (refund), ends (close: the trade goes on) or is disputed."""


class Period(Struct, frozen=True, forbid_unknown_fields=True):
    """A length of time. Hours are 60 minutes; days end at the same local time in the policy's zone, at the first of
    two where clocks are set back, and as much later where they skip that time (RFC 5545, section 3.3.5); business days
    leave out its weekend and holidays, and counting starts with the beginning of one.
    """

    length: int
    unit: str


class Step(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step that somebody has to take within a period. Silence that extends does so `again` times, and is `then`."""

    within: Period
    silence: str
    again: int = 0
    then: str = ""


class Extension(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ("buyer", "seller") may extend which open step ("ship", "confirm"), by how much, and how many times."""

    step: str
    by: str
    period: Period
    times: int


class Returns(Struct, frozen=True, forbid_unknown_fields=True):
    """The right to send goods back without a reason, within `right` of delivery or, not tracked, of dispatch
    (a length of 0 is no such right); and the steps of every return: buyer sends back, seller receives.
    """

    right: Period
    send_back: Step
    receive: Step


class Reserve(Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept back of what a seller earns: so many basis points, for so long after the release."""

    share_bps: int
    period: Period


class Disputing(Struct, frozen=True, forbid_unknown_fields=True):
    """A dispute's deadlines: for evidence, for the decision and for the one appeal; and above which amounts (minor
    units by currency) a second person must agree; "*" is for every other currency, none is never.
    """

    evidence: Period
    decide: Step
    appeal: Period
    second_eyes: dict[str, int] = {}


class Policy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is agreed for a kind of trade. It is frozen into a trade at the sale, by the digest of its content.

    `confirm` counts from dispatch, `confirm_delivered`, where there is one, from the proof of delivery (it can only
    shorten). `milestones` are basis points of the price that sum to 10,000: each is shipped and confirmed by itself.
    Before dispatch a buyer may claim from `claim_unshipped` after payment on; after release for `after_sale`. `answer`
    is the seller's step by reason. A released trade is finished, and can no longer be refunded, after `refundable`.
    `holidays` are ISO dates and `weekend` ISO days of the week (1 is Monday) that are no business days in `zone`.
    """

    name: str
    version: int
    sources: tuple[str, ...]
    zone: str
    weekend: tuple[int, ...]
    holidays: tuple[str, ...]
    pay: Step
    ship: Step
    confirm: Step
    confirm_delivered: Period | None
    claim_unshipped: Period
    after_sale: Period
    refundable: Period
    answer: dict[str, Step]
    revise: Step
    accept: Step
    returns: Returns
    disputing: Disputing
    milestones: tuple[int, ...] = ()
    extensions: tuple[Extension, ...] = ()
    reserve: Reserve | None = None


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy applies to a category and a delivery kind; "*" is any. The first rule that fits counts."""

    policy: str
    category: str = "*"
    delivery: str = "*"


class Book(Struct, frozen=True, forbid_unknown_fields=True):
    """Policies by name, and the rules that choose among them: what a policy file holds."""

    policies: tuple[Policy, ...]
    rules: tuple[Rule, ...]


class PolicyRow(Struct, frozen=True, gc=False):
    """A published policy; it never changes. `id` is the digest of `body`, its canonical JSON."""

    id: Id
    name: str
    number: int
    body: bytes
    created: int


class PolicyName(Struct, frozen=True, gc=False):
    """A name and version that are taken, by the digest of both, and the policy that took them."""

    id: Id
    policy: Id


class BookRow(Struct, frozen=True, gc=False):
    """The rules now in force. `body` is JSON: [category, delivery, policy id in hexadecimal] in their order."""

    id: Id
    state: str
    body: bytes
    version: int
    created: int
