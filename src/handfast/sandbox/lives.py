"""How each parcel fares: what buyer and seller will do with a trade, and when, once it is paid.

What a side does about a claim or a dispute depends on what the other side did: see quarrels.py.
"""

from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from handfast.core.clocks import DAY
from handfast.domain.policies import end_of
from handfast.sandbox.book import policy_for
from handfast.sandbox.dice import Dice
from handfast.sandbox.market import OPENING, SLOTS

_PARCELS = ("express", "surface")
_COMPLAINTS = {
    True: (("not_received keep", 26), ("not_as_described keep", 34), ("not_as_described return", 20)),
    False: (("not_received keep", 30), ("not_as_described keep", 70)),
}
"""What is complained of, and whether the goods are to come back, by whether there are goods."""


class Act(Struct, frozen=True):
    """What somebody does with a trade, so many slots after it was paid; `share` is in thousandths of its price."""

    slot: int
    kind: str
    share: int = 0


class Pace(Struct, frozen=True):
    """A policy's periods in slots: to ship, then to confirm; when a buyer may first claim that nothing was sent."""

    ship: int
    confirm: int
    claim: int
    milestones: int


@cache
def pace(category: str, delivery: str) -> Pace:
    """How long the steps of such a trade may take."""
    policy = policy_for(category, delivery)
    periods = (policy.ship.within, policy.confirm.within, policy.claim_unshipped)
    ship, confirm, claim = ((end_of(policy, period, OPENING) - OPENING) * SLOTS // DAY for period in periods)
    return Pace(ship, confirm, claim + 1, len(policy.milestones))


def life(dice: Dice, category: str, delivery: str, *, shoddy: bool = False) -> tuple[Act, ...]:
    """How a line fares; where nobody acts, the trade's own clock does. Much that is shoddy is complained of later."""
    limits = pace(category, delivery)
    if limits.milestones:
        return _work(dice, limits)
    parcel = delivery in _PARCELS
    fate = dice.weighted(
        (("unshipped", 26), ("shipped late", 24), ("sold out", 16), ("cancelled", 12), ("put off", 8), ("shipped", 914))
    )
    match fate:
        case "unshipped":
            return _never_sent(dice, limits, parcel=parcel)
        case "shipped late":
            return (Act(limits.ship + dice.between(1, 4), "ship late"),)
        case "sold out":
            return (Act(dice.between(1, 2), "refund rest"),)
        case "cancelled":
            return _cancelled(dice, limits)
        case "put off" if parcel:
            return _put_off(dice, limits)
    shipped = dice.between(1, max(1, limits.ship * 6 // 10))
    acts = _shipped(dice, limits, shipped, parcel=parcel, proved=category == "jewelry" or dice.chance(200))
    if shoddy and dice.chance(600):
        late = max(act.slot for act in acts) + dice.between(12, 30)
        acts = (*acts, Act(late, "claim not_as_described keep"))
    return acts


def _never_sent(dice: Dice, limits: Pace, *, parcel: bool) -> tuple[Act, ...]:
    """Some buyers wait for the clock, some claim, some give the seller more time first."""
    if parcel and dice.chance(200):
        return (Act(limits.ship - 1, "buyer extends"),)
    if dice.chance(450):
        return (Act(dice.between(limits.claim, max(limits.claim, limits.ship - 1)), "claim unshipped keep"),)
    return ()


def _cancelled(dice: Dice, limits: Pace) -> tuple[Act, ...]:
    """The buyer thinks better of it; most sellers agree, and one who does not ships."""
    if dice.chance(750):
        return (Act(1, "buyer proposes cancel"), Act(2, "seller agrees cancel"))
    sent = max(2, limits.ship * 6 // 10)
    return (
        Act(1, "buyer proposes cancel"),
        Act(2, "seller drops"),
        Act(sent, "ship"),
        Act(sent + max(1, limits.confirm * 5 // 10), "confirm"),
    )


def _put_off(dice: Dice, limits: Pace) -> tuple[Act, ...]:
    """Both sides change what was agreed: a later day to ship, or surface mail; `share` is days from the sale."""
    if dice.chance(600):
        proposed = (Act(1, "seller proposes due", 9), Act(2, "buyer agrees due", 9))
        return (*proposed, Act(dice.between(limits.ship + 1, limits.ship + 9), "ship"))
    proposed = (Act(1, "seller proposes policy"), Act(2, "buyer agrees policy"))
    return (*proposed, Act(4, "ship"), Act(4 + dice.between(12, 40), "confirm"))


def _shipped(dice: Dice, limits: Pace, shipped: int, *, parcel: bool, proved: bool) -> tuple[Act, ...]:
    arrival = shipped + dice.between(1, max(1, limits.confirm * 7 // 10))
    acts = [Act(shipped, "ship")]
    if dice.chance(10):
        acts.insert(0, Act(1, "release part", dice.between(100, 500)))
    if parcel and proved:
        acts.append(Act(arrival, "deliver"))
    endings = (("confirms", 644), ("silent", 238), ("late parcel", 40), ("claims", 74), ("seller disputes", 4))
    ending = dice.weighted(endings)
    released = arrival + 1
    if ending == "confirms":
        acts.append(Act(released, "confirm"))
    elif ending == "claims":
        return (*acts, *_claims(dice, limits, shipped, arrival, parcel=parcel))
    elif ending == "seller disputes":
        return (*acts, Act(arrival, "seller disputes"))
    else:
        released = shipped + limits.confirm + 1
        if parcel and dice.chance(60):
            acts.append(Act(arrival, dice.pick(("buyer extends", "seller extends"))))
            released += 9
        if ending == "late parcel":
            acts.append(Act(released + dice.between(1, 6), "confirm late"))
    return (*acts, *_afterwards(dice, arrival, released, parcel=parcel))


def _claims(dice: Dice, limits: Pace, shipped: int, arrival: int, *, parcel: bool) -> tuple[Act, ...]:
    """A claim before the confirmation; once it has ended, the buyer confirms what is left, or says nothing."""
    if parcel and dice.chance(180):
        asked = Act(min(arrival, shipped + 18), "claim no_reason return")
    else:
        kind = dice.weighted(_COMPLAINTS[parcel])
        share = 0 if kind.startswith("not_received") or kind.endswith("return") else dice.between(200, 1000) % 1000
        asked = Act(min(arrival + dice.below(3), shipped + limits.confirm - 1), f"claim {kind}", share)
    again = (Act(asked.slot + 6, "confirm"),) if dice.chance(600) else ()
    return (asked, *again)


def _afterwards(dice: Dice, arrival: int, released: int, *, parcel: bool) -> tuple[Act, ...]:
    """What a shop gives back of its own accord, before the release and after, and what a buyer finds out later."""
    acts = []
    if dice.chance(40):
        acts.append(Act(arrival, "refund part", dice.between(100, 600)))
    if dice.chance(40):
        acts.append(Act(released + dice.between(1, 15), "refund part", dice.between(50, 400)))
    if dice.chance(15):
        acts.append(Act(released + dice.between(4, 18), "refund rest"))
    if dice.chance(5):
        acts.append(Act(arrival, "refund too much", 1500))
    if dice.chance(22):
        goods = "return" if parcel and dice.chance(500) else "keep"
        share = 0 if goods == "return" else dice.between(200, 1000) % 1000
        acts.append(Act(released + dice.between(2, 40), f"claim not_as_described {goods}", share))
    return tuple(acts)


def _work(dice: Dice, limits: Pace) -> tuple[Act, ...]:
    """Work in parts: each is handed over and accepted by itself, or by silence; some of it is never begun."""
    if dice.chance(40):
        return (Act(limits.ship - 2, "buyer extends"),) if dice.chance(500) else ()
    acts, slot = [], 0
    for part in range(limits.milestones):
        slot += dice.between(2, 9)
        acts.append(Act(slot, "ship"))
        if part == 1 and dice.chance(120):
            acts.append(Act(slot + 2, "claim not_as_described keep", dice.between(200, 600)))
            slot += 2
        if dice.chance(850):
            slot += dice.between(1, 6)
            acts.append(Act(slot, "confirm"))
        else:
            slot += limits.confirm + 1
    return tuple(acts)


def trouble(acts: Sequence[Act]) -> str | None:
    """What somebody fails to do in a trade's life, if anything: where silence, or lateness, is for the clock to end."""
    kinds = [act.kind for act in acts]
    if "ship late" in kinds:
        return "parcel_sent_late"
    if "confirm late" in kinds:
        return "parcel_arrived_late"
    if "ship" not in kinds:
        ended = any(kind.startswith(("claim", "refund rest", "buyer proposes")) for kind in kinds)
        return None if ended else "parcel_never_sent"
    ended = any(kind.startswith(("confirm", "claim", "seller disputes")) for kind in kinds)
    return None if ended else "buyer_silent"
