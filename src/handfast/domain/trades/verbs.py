"""What can be done with a trade: ship it, confirm it, let its clock release it, give its money back."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, NotFound
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain.parties import must_belong
from handfast.domain.trades import postings
from handfast.domain.trades.model import TRADE_STATES, Trade
from handfast.domain.trades.tables import TRADES
from handfast.domain.trades.terms import Move
from handfast.store.verb import Tx, verb


class ShipTrade(Struct, frozen=True):
    """The seller sent the goods; `tracking` is the carrier's number, if there is one."""

    by: Id
    trade: Id
    tracking: str = ""


class ConfirmTrade(Struct, frozen=True):
    """The buyer has the goods and is content: pay the seller."""

    by: Id
    trade: Id


class DueTrade(Struct, frozen=True):
    """The trade's open step has run out; `version` is the one whose clock it was."""

    trade: Id
    version: int


async def load(tx: Tx, key: Id) -> Trade:
    """The trade. Raises NotFound."""
    trade = await tx.get(TRADES, key)
    if trade is None:
        raise NotFound("object_not_found", "no such trade", "trade")
    return trade


def in_time(tx: Tx, trade: Trade) -> Trade:
    """The trade, if its open step's time has not passed.

    Raises Conflict(state_conflict): a passed clock counts as fired.
    """
    if trade.due is not None and tx.now >= trade.due:
        raise Conflict("state_conflict", f"the time for a trade that is {trade.state} has run out", "state")
    return trade


def keep(tx: Tx, trade: Trade, event: str) -> Trade:
    """Stage the trade's next version and its event, owed to the seller."""
    changed = replace(trade, version=trade.version + 1)
    tx.put(TRADES, changed)
    tx.event(event, changed, owner=changed.seller)
    return changed


@verb("trades.ship", about="trade")
async def ship(tx: Tx, command: ShipTrade) -> Trade:
    """Note the dispatch; the buyer's time to confirm begins. Raises NotFound, Conflict(state_conflict)."""
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.seller, trade.merchant)
    state = move(TRADE_STATES, in_time(tx, trade).state, "ship")
    return keep(
        tx,
        replace(trade, state=state, tracking=command.tracking, due=tx.now + trade.confirm_within),
        "trade.shipped",
    )


@verb("trades.confirm", about="trade")
async def confirm(tx: Tx, command: ConfirmTrade) -> Trade:
    """Pay the seller what is still held. Raises NotFound, Conflict(state_conflict)."""
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.buyer)
    return await _release(tx, in_time(tx, trade), "confirm")


@verb("trades.release_due", about="trade")
async def release_due(tx: Tx, command: DueTrade) -> Trade:
    """Silence after dispatch counts as received. Raises NotFound, Conflict(state_conflict) where nothing is due."""
    trade = await load(tx, command.trade)
    if trade.version != command.version or trade.due is None or tx.now < trade.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    return await _release(tx, trade, "confirm_by_passed")


async def _release(tx: Tx, trade: Trade, step: str) -> Trade:
    state = move(TRADE_STATES, trade.state, step)
    rest = trade.amount - trade.refunded - trade.released
    entry = postings.release(trade)
    released = keep(tx, replace(trade, state=state, released=trade.released + rest, due=None), "trade.released")
    await tx.post(entry)
    return released


def stage_refund(tx: Tx, trade: Trade, amount: int | None, step: str = "refund_rest") -> tuple[Trade, int, list[Move]]:
    """Stage a refund of `amount` (None: all that is left) and return the trade, the amount and the moves to post.

    Raises Declined(refund_exceeds_captured), Conflict(state_conflict).
    """
    left = trade.amount - trade.refunded - trade.returned
    amount = left if amount is None else amount
    state = move(TRADE_STATES, trade.state, step)
    if not 0 < amount <= left:
        raise Declined("refund_exceeds_captured", f"{left} minor units are left to refund", "amount")
    ended = amount == left
    if trade.state == "released":
        moves = postings.give_back(trade, amount)
        changed = replace(trade, returned=trade.returned + amount)
    else:
        moves = postings.refund(trade, amount)
        changed = replace(trade, refunded=trade.refunded + amount, due=None if ended else trade.due)
    changed = keep(tx, replace(changed, state=state if ended else trade.state), "trade.refunded")
    return changed, amount, moves


VERBS = (ship, confirm, release_due)
