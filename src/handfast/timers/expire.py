"""The loop that lets time-outs fire: finds trades and payments whose time has run out, and hands their verbs over."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import takewhile

import structlog
from msgspec import Struct
from msgspec.structs import replace

from handfast.core.clocks import HOUR
from handfast.core.errors import Unavailable
from handfast.core.ids import Id, digest_id
from handfast.domain import checkouts, claims, disputes
from handfast.domain.checkouts import Checkout, DueCheckout, due_checkouts
from handfast.domain.claims import Claim, DueClaim, due_claims, step_of
from handfast.domain.disputes import Dispute, DueDispute, OpenDue, due_disputes, open_due
from handfast.domain.payments import (
    DuePayment,
    Payment,
    close_unconfirmed,
    close_unshipped,
    due_payments,
    expire,
)
from handfast.domain.payouts import PayoutPlan, TurnPlan, turn_plan
from handfast.domain.policies import POLICIES, Policy, policy_of
from handfast.domain.trades import DueTrade, Trade, due_trades, finish, free_reserve, release_due, silent_step
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.verb import Request, Verb
from handfast.timers.payout_plans import due_payouts

PAGE = 500
"""Time-outs that are handed over together."""

EVERY = 1.0
"""Seconds between looks while nothing is due."""

AGAIN = HOUR
"""How long after a refusal a time-out is asked again (market time)."""

ACTOR = "timers"
_log = structlog.get_logger("handfast.timers")

SILENCE: Mapping[tuple[str, str], Verb] = {
    ("held", "silent_refund"): close_unshipped,
    ("held", "silent_extend"): release_due,
    ("shipped", "silent_refund"): close_unconfirmed,
    ("shipped", "silent_extend"): release_due,
    ("shipped", "silent_release"): release_due,
    ("shipped", "silent_milestone"): release_due,
    ("delivered", "silent_refund"): close_unconfirmed,
    ("delivered", "silent_extend"): release_due,
    ("delivered", "silent_release"): release_due,
    ("delivered", "silent_milestone"): release_due,
    ("released", "free_reserve"): free_reserve,
    ("released", "finish"): finish,
}
"""The verb that does what silence means, by a trade's state and move (see trades.silent_step); else it disputes."""


class Due(Struct, frozen=True):
    """A time-out that has come: when (market time), of which object's which version, and what is asked for then."""

    at: int
    object: Id
    version: int
    request: Request

    @property
    def about(self) -> tuple[str, Id, int]:
        """What tells it from others: a checkout and its payment have one id."""
        return self.request.verb, self.object, self.version


def due(reader: Reader, now: int, limit: int) -> list[Due]:
    """The time-outs of market time `now` or earlier, the earliest first."""
    trades, claimed = due_trades(reader, now, limit), due_claims(reader, now, limit)
    used = {trade.policy for trade in trades} | {policy for _, policy in claimed}
    policies = {key: _policy(reader, key) for key in used}
    found = [_trade_due(trade, policies[trade.policy]) for trade in trades]
    found += [_claim_due(claim, policies[policy]) for claim, policy in claimed]
    found += [_dispute_due(dispute) for dispute in due_disputes(reader, now, limit)]
    found += [_payment_due(payment) for payment in due_payments(reader, now, limit)]
    found += [_checkout_due(checkout) for checkout in due_checkouts(reader, now, limit)]
    found += [_plan_due(plan, command) for plan, command in due_payouts(reader, now, limit)]
    return [_again(item, now) for item in sorted(found, key=_order)[:limit]]


def _policy(reader: Reader, key: Id) -> Policy:
    row = get(reader, POLICIES, key)
    assert row is not None, "a trade's policy was published"
    return policy_of(row)


def _trade_due(trade: Trade, policy: Policy) -> Due:
    step = silent_step(policy, trade)
    if step == "silent_dispute":
        return _due(trade.due, trade.id, trade.version, open_due, OpenDue(trade.id, trade.version))
    verb = SILENCE[trade.state, step]
    return _due(trade.due, trade.id, trade.version, verb, DueTrade(trade.id, trade.version))


def _claim_due(claim: Claim, policy: Policy) -> Due:
    if step_of(policy, claim).silence == "dispute":
        return _due(claim.due, claim.id, claim.version, open_due, OpenDue(claim.trade, claim.version, claim.id))
    return _due(claim.due, claim.id, claim.version, claims.silent, DueClaim(claim.id, claim.version))


def _dispute_due(dispute: Dispute) -> Due:
    command = DueDispute(dispute.id, dispute.version)
    return _due(dispute.due, dispute.id, dispute.version, disputes.silent, command)


def _payment_due(payment: Payment) -> Due:
    return _due(payment.due, payment.id, payment.version, expire, DuePayment(payment.id, payment.version))


def _checkout_due(checkout: Checkout) -> Due:
    command = DueCheckout(checkout.id, checkout.version)
    return _due(checkout.due, checkout.id, checkout.version, checkouts.expire, command)


def _plan_due(plan: PayoutPlan, command: TurnPlan) -> Due:
    return _due(plan.due, plan.id, plan.version, turn_plan, command)


def _due(at: int | None, owner: Id, version: int, verb: Verb, command: object) -> Due:
    assert at is not None, "the query asks for rows with a due time"
    key = digest_id(b"due", verb.name.encode(), owner, version.to_bytes(4, "big"))
    return Due(at, owner, version, Request(verb.name, command, ACTOR, key, key))


def _again(item: Due, now: int) -> Due:
    """The time-out under a key of its own for each time that it may be asked again, since a key's refusal stays."""
    late = (now - item.at) // AGAIN
    if not late:
        return item
    key = digest_id(b"due again", item.request.request, late.to_bytes(8, "big"))
    return replace(item, request=replace(item.request, request=key, key=key))


def together(found: Sequence[Due]) -> list[Due]:
    """The first of these time-outs that may fire together.

    A payout plan asks for what is there when it is looked at. So it waits until what is due before it has fired, and is
    looked at again, and what is due after it waits for it.
    """
    return [] if not found else list(takewhile(lambda item: _is_plan(item) == _is_plan(found[0]), found))


def _is_plan(item: Due) -> bool:
    return item.request.verb == turn_plan.name


def _order(item: Due) -> tuple[int, bool, Id]:
    return item.at, _is_plan(item), item.object


class Expirer:
    """Hands over what is due. One that is refused is a fault to look into: it is logged, and asked again in an hour.

    So a machine's clock that was set back for a moment, or a fault that was mended, keeps nobody's money for ever.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._refused: dict[tuple[str, Id, int], int] = {}

    async def run(self) -> None:
        """Look for ever; while the database or the desk is away, wait for it."""
        while True:
            try:
                await self.fire(self._services.market())
            except Unavailable as away:
                _log.warning("timers wait", code=away.code)
            await asyncio.sleep(EVERY)

    async def next_due(self, until: int) -> int | None:
        """The market time of the earliest time-out of `until` or before, or None. Raises Unavailable."""
        found = await self._look(until, 1)
        return found[0].at if found else None

    async def fire(self, now: int) -> int:
        """Let all time-outs of market time `now` or earlier fire; how many did. Raises Unavailable."""
        fired = 0
        self._refused = {key: again for key, again in self._refused.items() if now < again}
        while batch := together(await self._look(now, PAGE)):
            answers = await self._services.hand.call_many([item.request for item in batch])
            for item, answer in zip(batch, answers, strict=True):
                no = answer.refusal
                if isinstance(no, Unavailable):
                    raise no
                if no is not None and not await self._moved_on(item):
                    self._refused[item.about] = now + AGAIN
                    _log.error("time-out refused", object=item.object.hex(), verb=item.request.verb, code=no.code)
                fired += no is None
        return fired

    async def _look(self, now: int, limit: int) -> list[Due]:
        found = await self._services.read.short(lambda reader: due(reader, now, limit + len(self._refused)))
        return [item for item in found if item.about not in self._refused][:limit]

    async def _moved_on(self, item: Due) -> bool:
        """Whether another verb came first, so that this version's time-out is void."""
        found = await self._look(item.at, PAGE)
        return item.about not in {each.about for each in found}
