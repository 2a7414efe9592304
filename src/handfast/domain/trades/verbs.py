"""What can be done with a trade: ship, deliver, confirm, release, extend; what its clock does; its money given back."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Declined, Invalid
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.core.states import move
from handfast.domain.parties import must_belong
from handfast.domain.policies import Policy, effective, end_of
from handfast.domain.trades import postings
from handfast.domain.trades.clock import (
    held_left,
    in_time,
    keep,
    load,
    load_due,
    moved,
    next_part,
    step_end,
    undisputed,
)
from handfast.domain.trades.model import TRADE_STATES, Trade
from handfast.domain.trades.proposals import drop, propose, side_of
from handfast.domain.trades.terms import Move, kept_back
from handfast.ledger import Entry
from handfast.store.verb import Tx, verb


class ShipTrade(Struct, frozen=True):
    """The seller sent the goods; `tracking` is the carrier's number, if there is one."""

    by: Id
    trade: Id
    tracking: str = ""


class DeliverTrade(Struct, frozen=True):
    """The carrier proved that the goods arrived at that moment (µs)."""

    by: Id
    trade: Id
    at: int


class ConfirmTrade(Struct, frozen=True):
    """The buyer has the goods, or the milestone's part of the work, and is content: pay the seller."""

    by: Id
    trade: Id


class ReleasePart(Struct, frozen=True):
    """The buyer lets the seller have `amount` of what is held, before it must."""

    by: Id
    trade: Id
    amount: int


class ExtendTrade(Struct, frozen=True):
    """One side gives the open step more time, as the policy lets it."""

    by: Id
    trade: Id


class DueTrade(Struct, frozen=True):
    """The trade's open step has run out; `version` is the one whose clock it was."""

    trade: Id
    version: int


@verb("trades.ship", about="trade")
async def ship(tx: Tx, command: ShipTrade) -> Trade:
    """Note the dispatch; the buyer's time to confirm begins. Raises NotFound, Conflict(state_conflict, claim_open)."""
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.seller, trade.merchant)
    shipped = moved(undisputed(in_time(tx, trade)), "ship", tracking=command.tracking, shipped_at=tx.now)
    policy = await effective(tx, trade.policy)
    return keep(tx, replace(shipped, due=step_end(policy, shipped, tx.now)), "trade.shipped")


@verb("trades.deliver", about="trade")
async def deliver(tx: Tx, command: DeliverTrade) -> Trade:
    """Note the proof of delivery, which can only shorten the buyer's time to confirm.

    Raises NotFound, Invalid(field_invalid), Conflict(state_conflict, claim_open).
    """
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.seller, trade.merchant)
    delivered = moved(undisputed(in_time(tx, trade)), "deliver", delivered_at=command.at)
    assert trade.shipped_at is not None
    assert trade.due is not None
    if not trade.shipped_at <= command.at <= tx.now:
        raise Invalid("field_invalid", "goods are delivered after their dispatch, and not in the future", "at")
    policy = await effective(tx, trade.policy)
    if policy.confirm_delivered is not None:
        end = end_of(policy, policy.confirm_delivered, tx.now)
        delivered = replace(delivered, due=min(trade.due, end))
    return keep(tx, delivered, "trade.delivered")


@verb("trades.confirm", about="trade")
async def confirm(tx: Tx, command: ConfirmTrade) -> Trade:
    """Pay the seller what is still held, or the open milestone's part.

    Raises NotFound, Conflict(state_conflict, claim_open).
    """
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.buyer)
    move(TRADE_STATES, undisputed(in_time(tx, trade)).state, "confirm")
    policy = await effective(tx, trade.policy)
    part = next_part(policy, trade)
    if part < held_left(trade):
        return await _release(tx, policy, trade, part, "confirm_milestone")
    return await _release(tx, policy, trade, part, "confirm")


@verb("trades.release", about="trade")
async def release(tx: Tx, command: ReleasePart) -> Trade:
    """Pay the seller a part or all of what is held, shipped or not; the clock goes on for the rest.

    Raises NotFound, Invalid(amount_invalid), Declined(held_exceeded), Conflict(state_conflict, claim_open).
    """
    check_amount(command.amount)
    trade = await load(tx, command.trade)
    must_belong(command.by, "trade", trade.buyer)
    move(TRADE_STATES, undisputed(in_time(tx, trade)).state, "release_part")
    left = held_left(trade)
    if command.amount > left:
        raise Declined("held_exceeded", f"{left} minor units are held", "amount")
    policy = await effective(tx, trade.policy)
    step = "release" if command.amount == left else "release_part"
    return await _release(tx, policy, trade, command.amount, step)


async def settle(tx: Tx, trade: Trade, amount: int | None) -> Trade:
    """Pay the seller a part (None: all) of what is held, on the word of the platform that sold; posts the entry.

    The caller sees to it that the platform may say so. Raises Invalid, Declined(held_exceeded), Conflict.
    """
    left = held_left(undisputed(in_time(tx, trade)))
    amount = left if amount is None else check_amount(amount)
    move(TRADE_STATES, trade.state, "release_part")
    if amount > left:
        raise Declined("held_exceeded", f"{left} minor units are held", "amount")
    policy = await effective(tx, trade.policy)
    return await _release(tx, policy, trade, amount, "release" if amount == left else "release_part")


def hold_on(tx: Tx, trade: Trade, until: int) -> Trade:
    """Hold what is held until then (market time), unless it is held for longer anyway. Raises Conflict."""
    extended = moved(undisputed(in_time(tx, trade)), "extend")
    return keep(tx, replace(extended, due=max(trade.due or 0, until)), "trade.extended")


@verb("trades.extend", about="trade")
async def extend(tx: Tx, command: ExtendTrade) -> Trade:
    """Put the open step's end off by the policy's period; while a claim stops the clock, for when it goes on.

    Raises NotFound, Declined(extension_spent), Conflict(state_conflict).
    """
    trade = await load(tx, command.trade)
    side = side_of(trade, command.by)
    extended = moved(in_time(tx, trade), "extend")
    policy = await effective(tx, trade.policy)
    step = "ship" if trade.state == "held" else "confirm"
    count = f"extended_by_{side}"
    made: int = getattr(trade, count)
    found = [extension for extension in policy.extensions if (extension.step, extension.by) == (step, side)]
    if not found or made >= found[0].times:
        raise Declined("extension_spent", f"the {side} cannot extend this step any more", "trade")
    if trade.due is not None:
        extended = replace(extended, due=end_of(policy, found[0].period, trade.due))
    elif trade.paused is not None:
        extended = replace(extended, paused=trade.paused + end_of(policy, found[0].period, tx.now) - tx.now)
    return keep(tx, replace(extended, **{count: made + 1}), "trade.extended")


@verb("trades.release_due", about="trade")
async def release_due(tx: Tx, command: DueTrade) -> Trade:
    """Silence that releases, the whole or a milestone's part, or that extends.

    Raises NotFound, Conflict(state_conflict) where nothing is due, or silence means otherwise.
    """
    meant = ("silent_release", "silent_milestone", "silent_extend")
    trade, policy, step = await load_due(tx, command.trade, command.version, *meant)
    if step == "silent_extend":
        count = trade.extended_by_silence + 1
        extended = moved(trade, step, due=step_end(policy, trade, tx.now), extended_by_silence=count)
        return keep(tx, extended, "trade.extended")
    return await _release(tx, policy, trade, next_part(policy, trade), step)


@verb("trades.free_reserve", about="trade")
async def free_reserve(tx: Tx, command: DueTrade) -> Trade:
    """The reserve's time is over: the seller has what is left of it, less what it owes.

    Raises NotFound, Conflict(state_conflict) where nothing is due.
    """
    trade, policy, step = await load_due(tx, command.trade, command.version, "free_reserve")
    freed = moved(trade, step, reserved=0)
    kept = keep(tx, replace(freed, due=step_end(policy, freed, tx.now)), "trade.reserve_freed")
    await tx.post(postings.free_entry(trade))
    return kept


@verb("trades.finish", about="trade")
async def finish(tx: Tx, command: DueTrade) -> Trade:
    """The time for refunds is over: the trade is finished.

    Raises NotFound, Conflict(state_conflict) where nothing is due.
    """
    trade, _, step = await load_due(tx, command.trade, command.version, "finish")
    return keep(tx, moved(trade, step), "trade.finished")


async def post_moves(tx: Tx, entry: Entry) -> None:
    """Post the entry, unless its parts are all too small to move a minor unit: then the next part moves it."""
    if entry.postings:
        await tx.post(entry)


_RELEASES = {
    "confirm": ("trade.released", postings.release_entry),
    "release": ("trade.released", postings.release_entry),
    "silent_release": ("trade.released", postings.release_entry),
    "confirm_milestone": ("trade.milestone_released", postings.milestone_entry),
    "silent_milestone": ("trade.milestone_released", postings.milestone_entry),
    "release_part": ("trade.part_released", postings.part_entry),
}
"""By move: the event that tells of it, and the entry that it posts."""


async def _release(tx: Tx, policy: Policy, trade: Trade, amount: int, step: str) -> Trade:
    changed, moves = _let_go(policy, trade, amount, step, tx.now)
    event, entry_of = _RELEASES[step]
    kept = keep(tx, changed, event)
    await post_moves(tx, entry_of(trade, moves))
    return kept


def _let_go(policy: Policy, trade: Trade, amount: int, step: str, now: int) -> tuple[Trade, list[Move]]:
    """The trade after a step that releases so much of what is held, and the moves."""
    moves = postings.release(trade, amount) if amount else []
    released = trade.released + amount
    changed = moved(trade, step, released=released, reserved=kept_back(trade, released) if trade.reserve_bps else 0)
    if changed.state == trade.state:
        return changed, moves
    changed = replace(changed, released_at=now, paused=None)
    if changed.state == "held":
        changed = replace(changed, milestone=trade.milestone + 1, tracking="", shipped_at=None, delivered_at=None)
    return replace(changed, due=step_end(policy, changed, now)), moves


def stage_refund(
    tx: Tx, policy: Policy, trade: Trade, amount: int, step: str, *, advance: bool = False, release_rest: bool = False
) -> tuple[Trade, list[Move]]:
    """Stage that `amount` goes back, of what is held first, then of what was released; and the moves to post.

    With `release_rest` what is held then goes to the parties, in the same moves. Once all went back the trade is
    refunded, and its reserve is freed; once nothing is held, but something stays released, it is released. Raises
    Declined(refund_exceeds_captured), Conflict(state_conflict).
    """
    before = trade
    left = trade.amount - trade.refunded - trade.returned
    move(TRADE_STATES, trade.state, step)
    if not (0 < amount <= left or (amount == 0 and release_rest)):
        raise Declined("refund_exceeds_captured", f"{left} minor units are left to refund", "amount")
    moves: list[Move] = []
    held = min(amount, held_left(trade))
    if held:
        moves += postings.refund(trade, held)
        trade = replace(trade, refunded=trade.refunded + held)
    if amount > held:
        moves += postings.give_back(trade, amount - held, advance=advance)
        trade = replace(trade, returned=trade.returned + amount - held)
    rest = held_left(trade)
    if amount == left:
        if trade.reserved:
            moves += postings.free(trade)
        trade = moved(trade, step, reserved=0)
    elif trade.state != "released" and (release_rest or not rest):
        trade, more = _let_go(policy, trade, rest, "release", tx.now)
        moves += more
    event = "trade.refunded" if amount else "trade.resumed"
    if trade.state == "released" != before.state:
        event = "trade.released"
    return keep(tx, trade, event), moves


VERBS = (ship, deliver, confirm, release, extend, propose, drop, release_due, free_reserve, finish)
