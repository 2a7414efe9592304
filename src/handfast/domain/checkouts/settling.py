"""Held money on the word of the platform that sold: paid to the seller, or held on, so that it can be shared first."""

from msgspec import Struct, msgpack

from handfast.core.clocks import DAY
from handfast.core.errors import Conflict, Declined
from handfast.core.ids import Id
from handfast.domain import trades
from handfast.domain.apps import ALIASES, Alias, alias_id, give_number
from handfast.domain.checkouts.model import Checkout
from handfast.domain.checkouts.refunds import only_trade
from handfast.domain.checkouts.verbs import load
from handfast.domain.parties import must_belong
from handfast.domain.payments import PAYMENTS, NewLine
from handfast.domain.trades import Trade
from handfast.store.verb import Tx, verb

FROZEN = 30 * DAY
"""For how long money that was settled may be held on, so that it can be shared (the vendor's own period)."""


class SettleCheckout(Struct, frozen=True):
    """The goods are with the buyer: pay the seller `amount` (None: all) of what is held, under a `number`.

    With `freeze` it is held on instead, for FROZEN at most. `digest` is of the request.
    """

    by: Id
    checkout: Id
    number: str
    digest: bytes
    amount: int | None = None
    freeze: bool = False


def is_settled(checkout: Checkout) -> bool:
    """Whether the platform that sold says when the seller is paid."""
    lines = msgpack.decode(checkout.lines, type=tuple[NewLine, ...]) if checkout.lines else ()
    return len(lines) == 1 and lines[0].settle > 0


def settle_number(checkout: Checkout, number: str) -> Id:
    """The key of the alias by which a settlement of that checkout is found."""
    return alias_id(checkout.app, f"settle/{checkout.id.hex()}", number)


def frozen_mark(checkout: Checkout) -> Id:
    """The key of the alias that is there once money was settled and held on, to be shared."""
    return settle_number(checkout, "\0frozen")


async def held_trade(tx: Tx, checkout: Checkout) -> Trade | None:
    """The trade that holds a checkout's money until its platform settles. None where there is none, or none yet."""
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment and is_settled(checkout) else None
    trade = only_trade(payment) if payment is not None and payment.captured else None
    return await trades.load(tx, trade) if trade else None


@verb("checkouts.settle", about="checkout")
async def settle(tx: Tx, command: SettleCheckout) -> Trade:
    """Pay the seller once for each number, or hold on what may be shared first.

    Raises NotFound, Conflict(number_reused, state_conflict, claim_open), Declined(held_exceeded), Invalid.
    """
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    trade = await held_trade(tx, checkout)
    if trade is None:
        raise Conflict("state_conflict", "nothing is held here until it is settled", "checkout")
    known = await give_number(tx, settle_number(checkout, command.number), trade.id, command.digest)
    if known is not None:
        return trade
    if command.freeze:
        if command.amount not in (None, trades.held_left(trade)):
            raise Declined("held_exceeded", "what is held on is all that is held", "amount")
        tx.put(ALIASES, Alias(frozen_mark(checkout), trade.id, b""))
        return trades.hold_on(tx, trade, tx.now + FROZEN)
    return await trades.settle(tx, trade, command.amount)


VERBS = (settle,)
