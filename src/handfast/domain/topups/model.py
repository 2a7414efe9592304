"""Top-ups: money that a party announces, sends by bank transfer under a reference, and finds in its wallet."""

from msgspec import Struct

from handfast.core.ids import Id

TOPUP_STATES = {"open": {"credit": "credited"}, "credited": {"credit": "credited"}}


class Topup(Struct, frozen=True, gc=False):
    """A top-up. `reference` is what the payer writes on the bank transfer; any number of transfers may carry it.

    `amount` is what was announced (0: open), `credited` what came, be it more or less, both in minor units.
    """

    id: Id
    party: Id
    state: str
    currency: str
    amount: int
    credited: int
    reference: str
    version: int
    created: int


class Reference(Struct, frozen=True, gc=False):
    """The top-up that a reference on a bank line means; `id` derives from the reference's text."""

    id: Id
    topup: Id
