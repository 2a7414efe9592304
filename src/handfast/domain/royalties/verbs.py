"""What can be done: tie receivers to a merchant, share a sale with them, let them give back."""

from collections.abc import Iterable

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, share
from handfast.core.states import move
from handfast.domain import trades
from handfast.domain.apps import ALIASES, alias_id, give_number
from handfast.domain.checkouts import PARTS, Checkout, load, only_trade, refund_number
from handfast.domain.parties import active_parties, must_belong
from handfast.domain.payments import PAYMENTS, Payment
from handfast.domain.royalties import postings
from handfast.domain.royalties.model import RECEIVER_STATES, Pot, Receiver, Royalty
from handfast.domain.royalties.tables import POTS, RECEIVERS, ROYALTIES, receiver_id
from handfast.domain.trades import Trade, earnings, shares_of
from handfast.store.verb import Tx, verb

MOST_RECEIVERS = 20
"""So many are bound, or shared with, by one request at most."""

_given = msgpack.Decoder(dict[bytes, int]).decode


class TieReceivers(Struct, frozen=True):
    """Let a merchant share with these payees (memos sealed by payee), or with `bind` false no longer."""

    by: Id
    payees: tuple[tuple[Id, bytes], ...]
    bind: bool = True


class ShareCheckout(Struct, frozen=True):
    """Share minor units of what the merchant earned by a sale with payees, under a `number`."""

    by: Id
    checkout: Id
    number: str
    digest: bytes
    shares: tuple[tuple[Id, int], ...]


class ReturnShares(ShareCheckout, frozen=True):
    """Payees give back what was shared with them, under a `number`."""


def royalty_number(checkout: Checkout, kind: str, number: str) -> Id:
    """The key of the alias by which a royalty ("share", "return") of that sale is found."""
    return alias_id(checkout.app, f"{kind}/{checkout.id.hex()}", number)


def earned(payment: Payment, trade: Trade | None) -> int:
    """What the merchant has earned by a sale so far and not given back, in minor units: there is no more to share.

    Of 100.00 with 2.50 commission it earned 97.50; once 40.00 were refunded, 58.50.
    """
    if trade is not None:
        return share(earnings(trade, shares_of(trade)), trade.released - trade.returned, trade.amount)
    return share(earnings(payment, ()), payment.captured - payment.refunded, payment.amount)


@verb("royalties.tie")
async def tie_receivers(tx: Tx, command: TieReceivers) -> int:
    """Bind or unbind payees; one that is so already stays so. How many changed. Raises NotFound, Forbidden, Invalid."""
    _check_count(command.payees)
    if any(payee == command.by for payee, _ in command.payees):
        raise Invalid("field_invalid", "nobody shares with itself", "payees")
    named = {f"payees[{n}]": payee for n, (payee, _) in enumerate(command.payees)}
    await active_parties(tx, merchant=command.by, **(named if command.bind else {}))
    step = "bind" if command.bind else "unbind"
    changed = 0
    for payee, memo in dict(command.payees).items():
        key = receiver_id(command.by, payee)
        known = await tx.get(RECEIVERS, key) or Receiver(key, command.by, payee, "unbound", b"", 0, tx.now)
        if step not in RECEIVER_STATES[known.state]:
            continue
        state = move(RECEIVER_STATES, known.state, step)
        tx.put(RECEIVERS, replace(known, state=state, memo=memo or known.memo, version=known.version + 1))
        changed += 1
    return changed


@verb("royalties.share", about="checkout")
async def share_sale(tx: Tx, command: ShareCheckout) -> Royalty:
    """Share out of the merchant's wallet, once for each number.

    Given 100.00 paid, of which the merchant earned 97.50, when 30.00 are shared, then the payee has 30.00, and 67.50
    can still be shared. Raises NotFound (also for a payee that is not bound), Invalid, Conflict(number_reused,
    state_conflict), Declined(held_exceeded, balance_insufficient).
    """
    return await _move(tx, command, "share")


@verb("royalties.give_back", about="checkout")
async def return_shares(tx: Tx, command: ReturnShares) -> Royalty:
    """Payees give back to the merchant, once for each number: that of the refund that is to follow.

    Raises NotFound, Invalid, Conflict(number_reused, state_conflict, claim_open), Declined(held_exceeded,
    balance_insufficient).
    """
    return await _move(tx, command, "return")


async def _move(tx: Tx, command: ShareCheckout, kind: str) -> Royalty:
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    _check_count(command.shares)
    amount = check_amount(sum(check_amount(part, "shares") for _, part in command.shares))
    made = Royalty(
        id=tx.new_id(),
        checkout=checkout.id,
        kind=kind,
        number=command.number,
        currency=checkout.currency,
        amount=amount,
        shares=msgpack.encode(command.shares),
        created=tx.now,
    )
    key = royalty_number(checkout, kind, command.number)
    known = await give_number(tx, key, made.id, command.digest)
    if known is not None:
        found = await tx.get(ROYALTIES, known)
        assert found is not None, "the number was given with the royalty"
        return found
    pot = await tx.get(POTS, checkout.id) or Pot(checkout.id, msgpack.encode({}), 0)
    given = _given(pot.given)
    if kind == "share":
        await _check_share(tx, checkout, command, sum(given.values()) + amount)
    else:
        await _check_return(tx, checkout, command)
    for payee, part in command.shares:
        given[payee] = given.get(payee, 0) + (part if kind == "share" else -part)
        if given[payee] < 0:
            raise Declined("held_exceeded", "more would come back than was shared with this payee", "shares")
    tx.put(ROYALTIES, made)
    tx.put(POTS, replace(pot, given=msgpack.encode(given), version=pot.version + 1))
    await tx.post(postings.posted(made, checkout.merchant))
    return made


async def _check_share(tx: Tx, checkout: Checkout, command: ShareCheckout, total: int) -> None:
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None or not payment.captured:
        raise Conflict("state_conflict", "what nobody has paid cannot be shared", "checkout")
    part = None if payment.id == checkout.id else await tx.get(PARTS, checkout.id)
    trade = only_trade(payment)
    most = earned(payment, await trades.load(tx, trade) if trade else None)
    if part is not None:
        most = share(earnings(payment, ()), part.amount - part.refunded, payment.amount)
    if total > most:
        raise Declined("held_exceeded", f"{most} minor units are there to share in all", "shares")
    named = {f"shares[{n}]": payee for n, (payee, _) in enumerate(command.shares)}
    await active_parties(tx, **named)
    ties = await tx.get_all(*((RECEIVERS, receiver_id(checkout.merchant, payee)) for payee in named.values()))
    if any(tie is None or tie.state != "bound" for tie in ties):
        raise NotFound("object_not_found", "this payee is not bound to the merchant", "shares")


async def _check_return(tx: Tx, checkout: Checkout, command: ShareCheckout) -> None:
    """What payees give back serves a refund: none is made twice, or where it is seen that none can follow."""
    if await tx.get(ALIASES, refund_number(checkout, command.number)) is not None:
        raise Conflict("number_reused", "this refund was made, and nothing was given back for it", "number")
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if checkout.state == "finished" or payment is None or payment.refunded == payment.captured:
        raise Conflict("state_conflict", "nothing can be refunded", "state")
    trade = only_trade(payment)
    if trade is not None:
        trades.undisputed(trades.in_time(tx, await trades.load(tx, trade)))


def _check_count(given: Iterable[object]) -> None:
    if not 1 <= len(tuple(given)) <= MOST_RECEIVERS:
        raise Invalid("field_invalid", f"1 to {MOST_RECEIVERS} payees", "payees")


VERBS = (tie_receivers, share_sale, return_shares)
