"""What people do beside trading: payouts, top-ups, endpoints, accounts of their own, and the operator's business."""

from collections.abc import Callable

from tests.simulation.machine import VAULT
from tests.simulation.scene import Deed, Scene
from tests.simulation.town import BOOK, FUNDS, party, person

from handfast.core.ids import Id
from handfast.domain.custody import BANK_LINES, ResolveSuspense
from handfast.domain.exchange import AgreeDeal, rate
from handfast.domain.notifications import (
    DELIVERIES,
    ENDPOINTS,
    CreateEndpoint,
    MoveEndpoint,
    Replay,
    ReplayEvents,
    RotateSecret,
)
from handfast.domain.parties import (
    API_CLIENTS,
    HOUSE,
    PARTIES,
    PERSON_KEYS,
    AcceptPayee,
    ChangeDetails,
    CreateClient,
    Details,
    MoveParty,
    RevokeClient,
)
from handfast.domain.payouts import (
    PAYOUTS,
    CancelPayout,
    RejectPayout,
    RequestPayout,
    SetPlan,
    SweepPayout,
)
from handfast.domain.policies import PublishBook
from handfast.domain.receivables import NetReceivable, WriteOffReceivable
from handfast.domain.topups import CreateTopup
from handfast.ledger import Purpose
from handfast.sandbox.market import iban
from handfast.store.reader import find, get
from handfast.store.rows import EVENTS

Deeds = list[Deed]
MOST_ENDPOINTS = 5
HOOKS = ("a", "b", "c", "d")
"""The receivers that listen; see receivers.Receivers."""


def pay_out(scene: Scene) -> Deeds:
    """A party wants its money, or the house sweeps what is its own."""
    if scene.often(0.15):
        swept = scene.wallet([HOUSE], scene.one(Purpose.COMMISSION, Purpose.OPERATOR))
        if swept:
            command = SweepPayout(Purpose.COMMISSION, swept.currency, scene.part(swept.amount))
            return [Deed("payouts.sweep", command, "house")]
    wallet = scene.wallet(scene.town.sellers) or scene.wallet()
    if wallet is None:
        return []
    return [Deed("payouts.request", RequestPayout(wallet.party, wallet.currency, scene.part(wallet.amount)), "party")]


def take_back(scene: Scene) -> Deeds:
    """A payout is cancelled, or the bank was heard to refuse it."""
    payout = scene.some(PAYOUTS, "requested", "ordered")
    if payout is None:
        return pay_out(scene)
    if payout.state == "ordered" and scene.often(0.1):
        return [Deed("payouts.reject", RejectPayout(payout.id, scene.handler(), "AC01"), "handler")]
    return [Deed("payouts.cancel", CancelPayout(payout.party, payout.id), "party")]


def plan(scene: Scene) -> Deeds:
    """A seller has its balance paid out by itself."""
    every = scene.one("day", "week", "week", "month", "manual")
    day = {"week": 1 + scene.below(7), "month": 1 + scene.below(31)}.get(every, 0)
    seller = scene.seller()
    command = SetPlan(seller, seller, scene.one("USD", "EUR", "JPY"), every, day, scene.one(0, 1, 5_000))
    return [Deed("payouts.plan", command, "party")]


def top_up(scene: Scene) -> Deeds:
    """A buyer announces money."""
    amount = scene.one(0, 1 + scene.below(50_000), scene.amount())
    return [Deed("topups.create", CreateTopup(scene.buyer(), scene.one(*FUNDS), amount), "buyer")]


def resolve(scene: Scene) -> Deeds:
    """The operator finds out whose a line in suspense is."""
    line = scene.some(BANK_LINES, "suspense")
    if line is None:
        return top_up(scene)
    owner = scene.one(HOUSE, scene.buyer())
    return [Deed("custody.resolve_suspense", ResolveSuspense(line.id, owner, sealed(scene, owner)), "handler")]


def sealed(scene: Scene, owner: Id) -> bytes:
    """Something sealed under a party's key; nothing where that is destroyed."""
    key = get(scene.reader, PERSON_KEYS, owner)
    return VAULT.seal(key.wrapped, owner, "Canary") if key and key.wrapped else b""


def deal(scene: Scene) -> Deeds:
    """The operator agrees an exchange with its bank."""
    sell, buy = scene.one("CNY", "EUR"), "USD"
    numerator, denominator, _ = rate(sell, buy, scene.now)
    amount = 1_000 + scene.below(100_000)
    command = AgreeDeal(sell, amount, buy, max(1, amount * numerator // denominator), f"FX{scene.below(10**9):09}")
    return [Deed("deals.agree", command, "handler")]


def collect(scene: Scene) -> Deeds:
    """What a party owes the operator is netted or written off."""
    owed = scene.wallet(purpose=Purpose.RECEIVABLE)
    if owed is None:
        return pay_out(scene)
    if scene.often(0.6):
        return [Deed("receivables.net", NetReceivable(scene.handler(), owed.party, owed.currency), "handler")]
    command = WriteOffReceivable(scene.handler(), owed.party, owed.currency, scene.part(owed.amount), "gone")
    return [Deed("receivables.write_off", command, "handler")]


def settle_in(scene: Scene) -> Deeds:
    """Somebody new comes to town."""
    key = scene.new_id()
    return [Deed("parties.create", party(key, "customer", f"Canary Newcomer {key.hex()}"), "house")]


def move_party(scene: Scene) -> Deeds:
    """Suspended, resumed, and newcomers erased now and then."""
    stopped = scene.some(PARTIES, "suspended")
    found = stopped if stopped and scene.often(0.8) else scene.some(PARTIES, "active")
    if found is None or found.id == HOUSE:
        return settle_in(scene)
    mine = (*scene.town.buyers, *scene.town.sellers, scene.town.carrier, scene.town.sink)
    if found.state == "suspended":
        return [Deed("parties.move", MoveParty(found.id, "resume"), "house")]
    step = "erase" if found.id not in mine or scene.often(0.03) else "suspend"
    return [Deed("parties.move", MoveParty(found.id, step), "house")]


def change_details(scene: Scene) -> Deeds:
    """A party gives another account, or one of the house's persons answers for a refused one."""
    found = scene.some(PARTIES, "active")
    if found is None:
        return []
    if found.payee_check in ("no_match", "returned") and scene.often(0.8):
        return [Deed("parties.accept_payee", AcceptPayee(found.id, scene.handler(), "seen"), "handler")]
    key = get(scene.reader, PERSON_KEYS, found.id)
    if key is None or not key.wrapped:
        return []
    _, _, check = person(found.id, "Canary Mover")
    details = sealed_details(key.wrapped, found.id)
    by = scene.handler() if found.id == HOUSE else scene.new_id()
    command = ChangeDetails(found.id, by, found.id, details, scene.one(check, check, "no_match"))
    return [Deed("parties.change_details", command, "party")]


def sealed_details(wrapped: bytes, owner: Id) -> bytes:
    """A party's details with another account, under the key that it has."""
    details = Details(name="Canary Mover", iban=iban("DE", f"50010000{int.from_bytes(owner[6:10]):010}"))
    return VAULT.seal(wrapped, owner, details)


def clients(scene: Scene) -> Deeds:
    """A party gets a key, or loses one; the house's own handlers stay."""
    found = scene.some(API_CLIENTS, "active")
    if found is not None and found.id not in scene.town.handlers and scene.often(0.5):
        return [Deed("clients.revoke", RevokeClient(found.id), "house")]
    return [Deed("clients.create", CreateClient(scene.seller(), "till", bytes(32), "read payments"), "house")]


def listen(scene: Scene) -> Deeds:
    """A party sets up an endpoint; there are some, not ever more."""
    if len(find(scene.reader, ENDPOINTS, "state = 'active'")) >= MOST_ENDPOINTS:
        return endpoints(scene)
    owner = scene.one(HOUSE, scene.seller(), scene.seller(), scene.buyer())
    key = get(scene.reader, PERSON_KEYS, owner)
    if key is None or not key.wrapped:
        return []
    secret = VAULT.seal(key.wrapped, owner, scene.secret())
    types = scene.one(("*",), ("*",), ("trade.*", "payment.captured"), ("payment.*", "refund.*"))
    url = f"http://10.0.0.1:8000/{scene.one(*HOOKS)}/{scene.new_id().hex()}"
    return [Deed("notifications.create_endpoint", CreateEndpoint(owner, url, secret, types, private=True), "party")]


def endpoints(scene: Scene) -> Deeds:
    """An endpoint is turned off or on, its secret changed, or something sent again."""
    found = scene.some(ENDPOINTS)
    if found is None:
        return listen(scene)
    match scene.below(5):
        case 0:
            step = "disable" if found.state == "active" else "enable"
            return [Deed("notifications.move_endpoint", MoveEndpoint(found.party, found.id, step), "party")]
        case 1:
            key = get(scene.reader, PERSON_KEYS, found.party)
            secret = VAULT.seal(key.wrapped, found.party, scene.secret()) if key and key.wrapped else b""
            command = RotateSecret(found.party, found.id, secret, scene.at)
            return [Deed("notifications.rotate_secret", command, "party")]
        case 2 | 3:
            delivery = scene.some(DELIVERIES)
            if delivery is None:
                return []
            owner = get(scene.reader, ENDPOINTS, delivery.endpoint)
            assert owner is not None
            return [Deed("notifications.replay", Replay(owner.party, delivery.id, scene.at), "party")]
        case _:
            last = scene.reader.rows(f"SELECT id FROM {EVENTS.name} ORDER BY seq DESC LIMIT 30")
            chosen = tuple(row[0] for row in last if scene.often(0.2))
            return [Deed("notifications.replay_events", ReplayEvents(found.party, found.id, chosen, scene.at), "party")]


def publish(_scene: Scene) -> Deeds:
    """The same book once more."""
    return [Deed("policies.publish", PublishBook(BOOK), "house")]


WEIGHTS: tuple[tuple[Callable[[Scene], Deeds], int], ...] = (
    (pay_out, 10),
    (take_back, 4),
    (plan, 2),
    (top_up, 5),
    (resolve, 4),
    (deal, 2),
    (collect, 4),
    (settle_in, 3),
    (move_party, 5),
    (change_details, 5),
    (clients, 2),
    (listen, 4),
    (endpoints, 5),
    (publish, 1),
)
"""How often each is done."""
