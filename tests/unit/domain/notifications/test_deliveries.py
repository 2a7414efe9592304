"""Endpoints and their queues: given events, when they are fanned out, claimed and settled, then deliveries."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import Engine
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND
from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.notifications import (
    Claim,
    CreateEndpoint,
    Delivery,
    Endpoint,
    FanOut,
    MoveEndpoint,
    Replay,
    ReplayEvents,
    RotateSecret,
    Settle,
    active_endpoints,
    deliveries_of,
    deliveries_of_event,
    due_deliveries,
    endpoints_with_due,
    events_after,
    events_by_id,
    events_owed,
    fanned_out,
)
from handfast.domain.parties import HOUSE, MoveParty
from handfast.domain.transfers import CreateTransfer
from handfast.gateways.native.notify import PAUSES
from handfast.store.postgres import PostgresReader
from handfast.store.reader import Reader
from handfast.store.sqlite import SqliteReader

URL = "https://shop.example.com/hook"


class Post:
    """What the delivery loop does, step by step; `at` is its wall time."""

    def __init__(self, market: Market, reader: Reader) -> None:
        self.market = market
        self.reader = reader
        self.at = 1_000 * DAY

    def endpoint(self, party: Id, *types: str) -> Endpoint:
        self.market.now += 1
        endpoint: Endpoint = self.market.do(CreateEndpoint(party, URL, b"sealed", types or ("*",)))
        return endpoint

    def fan_out(self, *endpoints: Endpoint) -> None:
        """Offer all new events to these endpoints: the verb keeps what each is owed."""
        after = fanned_out(self.reader)
        events = events_after(self.reader, after, 1_000)
        pairs = tuple((event.id, endpoint.id, endpoint.url) for event in events for endpoint in endpoints)
        self.market.do(FanOut(after, events[-1].seq, pairs, self.at))

    def queue(self, endpoint: Endpoint) -> list[tuple[str, str]]:
        """All deliveries to an endpoint, as type and state, oldest event first."""
        found = deliveries_of(self.reader, endpoint.id, 100)[::-1]
        events = events_by_id(self.reader, {delivery.event for delivery in found})
        return [(events[delivery.event].type, delivery.state) for delivery in found]

    def claim(self, endpoint: Endpoint) -> Delivery:
        """Claim the one delivery that is due."""
        (due,) = due_deliveries(self.reader, endpoint.id, self.at, 100)
        claimed: Delivery = self.market.do(Claim(due.id, self.at))
        return claimed

    def tried(self, claimed: Delivery, status: int, error: str = "", answer: str = "") -> Settle:
        """What the loop says of a try by the rules of webhooks."""
        delivered, tries = 200 <= status < 300, claimed.tries
        pause = PAUSES[tries - 1] if tries <= len(PAUSES) else None
        return Settle(claimed.id, tries, status, error, answer, delivered, pause, self.at)

    def settle(self, claimed: Delivery, status: int, error: str = "") -> Delivery:
        settled: Delivery = self.market.do(self.tried(claimed, status, error))
        return settled

    def with_due(self, after: Id, limit: int) -> list[Id]:
        """Endpoints to which something may be sent; their clock is the wall's."""
        found = endpoints_with_due(self.reader, after, self.at, 0, limit)
        assert {now for _, now in found} <= {self.at}
        return [endpoint for endpoint, _ in found]

    def operations(self) -> list[str]:
        verbs = [row[0] for row in self.reader.rows("SELECT verb FROM operations ORDER BY id")]
        return [verb for verb in verbs if verb.startswith("notifications")]


@pytest.fixture
def post(market: Market, engine: Engine) -> Iterator[Post]:
    path = Path(engine.url.removeprefix("sqlite:///"))
    reader = SqliteReader(path) if engine.url.startswith("sqlite") else PostgresReader(engine.url)
    with closing(reader):
        yield Post(market, reader)


@pytest.fixture
def shop(market: Market) -> Id:
    return market.party("merchant")


def move(market: Market, party: Id, *steps: str) -> None:
    """Each step is one more event of one object, the party."""
    for step in steps:
        market.do(MoveParty(party, step))


def pay(market: Market, payee: Id, amount: int) -> Id:
    """A transfer: one event of an object of its own, owed to the payee."""
    payer = market.party("customer")
    market.fund(payer, "USD", amount)
    transfer: Id = market.do(CreateTransfer(payer, payee, "USD", amount)).id
    return transfer


def refused(market: Market, code: str, command: object) -> None:
    with pytest.raises(Refusal) as caught:
        market.do(command)
    assert caught.value.code == code


def test_a_party_gets_its_own_events_and_the_house_everybodys(market: Market, post: Post, shop: Id) -> None:
    ours, house = post.endpoint(shop), post.endpoint(HOUSE)
    pay(market, shop, 500)
    pay(market, market.party("merchant"), 700)
    post.fan_out(ours, house)
    assert post.queue(ours) == [("transfer.created", "due")]
    payer, payee = ("party.created", "transfer.created"), ("party.created", "party.created", "transfer.created")
    assert [type_ for type_, _ in post.queue(house)] == [*payer, *payee]


def test_patterns_choose_types(market: Market, post: Post, shop: Id) -> None:
    parties, made = post.endpoint(shop, "party.*"), post.endpoint(shop, "transfer.created", "payment.*")
    pay(market, shop, 500)
    move(market, shop, "suspend")
    post.fan_out(parties, made)
    assert post.queue(parties) == [("party.suspended", "due")]
    assert post.queue(made) == [("transfer.created", "due")]


@pytest.mark.parametrize(
    "types",
    [(), ("",), ("trade",) * 33, ("*.released",), ("trade.*.x",), ("trade..x",), ("Trade.*",), ("a b",), (".*",)],
)
def test_what_is_no_pattern_is_refused(market: Market, shop: Id, types: tuple[str, ...]) -> None:
    refused(market, "field_invalid", CreateEndpoint(shop, URL, b"sealed", types))


def test_an_endpoint_is_refused_for_a_bad_url_and_for_a_party_that_may_not_act(market: Market, shop: Id) -> None:
    refused(market, "url_invalid", CreateEndpoint(shop, "http://localhost/", b"sealed"))
    assert market.do(CreateEndpoint(shop, "http://localhost/", b"sealed", private=True)).state == "active"
    refused(market, "object_not_found", CreateEndpoint(market.ids(market.now), URL, b"sealed"))
    move(market, shop, "suspend")
    refused(market, "party_suspended", CreateEndpoint(shop, URL, b"sealed"))


def test_an_endpoint_is_owed_nothing_that_happened_before_it(market: Market, post: Post, shop: Id) -> None:
    pay(market, shop, 500)
    market.wait(1)
    endpoint = post.endpoint(shop)
    post.fan_out(endpoint)
    assert post.queue(endpoint) == []
    owed = events_owed(post.reader, shop, 0, 10_000, 100)
    assert [event.type for event in owed] == ["party.created", "transfer.created"]
    command = ReplayEvents(shop, endpoint.id, tuple(event.id for event in owed), post.at)
    assert market.do(command) == 2
    assert post.queue(endpoint) == [("party.created", "due"), ("transfer.created", "due")]


def test_a_page_is_fanned_out_once(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    events = events_after(post.reader, 0, 100)
    command = FanOut(0, events[-1].seq, tuple((event.id, endpoint.id, URL) for event in events), post.at)
    market.do(command)
    refused(market, "state_conflict", command)
    assert post.queue(endpoint) == [("transfer.created", "due")]
    refused(market, "state_conflict", FanOut(events[-1].seq, events[-1].seq, (), post.at))
    beyond = FanOut(events[-1].seq, events[-1].seq + 1, command.owed, post.at)
    market.do(beyond)
    assert post.queue(endpoint) == [("transfer.created", "due")]


def test_one_objects_events_wait_for_one_another(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop, "party.*")
    move(market, shop, "suspend", "resume")
    post.fan_out(endpoint)
    move(market, shop, "suspend")
    post.fan_out(endpoint)
    assert post.queue(endpoint) == [
        ("party.suspended", "due"),
        ("party.active", "waiting"),
        ("party.suspended", "waiting"),
    ]
    first = post.settle(post.claim(endpoint), 200)
    assert (first.state, first.due, first.last_status) == ("delivered", None, 200)
    second = post.claim(endpoint)
    assert (second.place, second.tries) == (2, 1)
    assert [state for _, state in post.queue(endpoint)] == ["delivered", "leased", "waiting"]
    post.settle(second, 204)
    post.settle(post.claim(endpoint), 299)
    move(market, shop, "resume")
    post.fan_out(endpoint)
    assert [state for _, state in post.queue(endpoint)] == ["delivered"] * 3 + ["due"]


def test_a_failing_event_is_tried_ten_times_in_three_days_and_parked(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    move(market, shop, "suspend", "resume")
    pay(market, shop, 500)
    post.fan_out(endpoint)
    (_, other) = due_deliveries(post.reader, endpoint.id, post.at, 100)
    post.settle(market.do(Claim(other.id, post.at)), 200)  # another object's event is not held up
    began, pauses = post.at, []
    tried = post.settle(post.claim(endpoint), 500)
    while tried.due is not None:
        pauses.append(tried.due - post.at)
        post.at = tried.due - 1
        assert due_deliveries(post.reader, endpoint.id, post.at, 100) == []
        refused(market, "state_conflict", Claim(tried.id, post.at))
        post.at += 1
        tried = post.settle(post.claim(endpoint), 0, "timed_out")
    assert pauses[:5] == [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR]
    assert (tried.state, tried.tries, tried.last_status, tried.last_error) == ("parked", 10, 0, "timed_out")
    assert 2 * DAY < post.at - began <= 3 * DAY
    assert post.queue(endpoint)[0] == ("party.suspended", "parked")
    assert post.claim(endpoint).place == 2


@pytest.mark.parametrize("status", [0, 199, 300, 301, 404, 410, 500])
def test_only_a_2xx_is_a_yes(market: Market, post: Post, shop: Id, status: int) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    post.fan_out(endpoint)
    assert post.settle(post.claim(endpoint), status).state == "due"


def test_a_lease_that_ends_may_be_claimed_again_and_its_late_answer_is_refused(
    market: Market, post: Post, shop: Id
) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    post.fan_out(endpoint)
    lost = post.claim(endpoint)
    refused(market, "state_conflict", Claim(lost.id, post.at))
    assert due_deliveries(post.reader, endpoint.id, post.at + MINUTE - 1, 100) == []
    post.at += MINUTE
    again = post.claim(endpoint)
    assert (again.id, again.tries) == (lost.id, 2)
    refused(market, "state_conflict", post.tried(lost, 200))
    assert post.settle(again, 200).state == "delivered"
    refused(market, "state_conflict", post.tried(again, 500))


def test_a_disabled_endpoint_is_sent_nothing_until_it_is_enabled(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    post.fan_out(endpoint)
    (due,) = due_deliveries(post.reader, endpoint.id, post.at, 100)
    assert market.do(MoveEndpoint(shop, endpoint.id, "disable")).version == 2
    assert post.with_due(b"", 10) == []
    assert active_endpoints(post.reader, {shop}) == {}
    refused(market, "state_conflict", Claim(due.id, post.at))
    refused(market, "state_conflict", Replay(shop, due.id, post.at))
    refused(market, "state_conflict", MoveEndpoint(shop, endpoint.id, "disable"))
    pay(market, shop, 600)
    post.fan_out(endpoint)
    market.do(MoveEndpoint(shop, endpoint.id, "enable"))
    assert post.with_due(b"", 10) == [endpoint.id]
    assert post.queue(endpoint) == [("transfer.created", "due")]


def test_a_replay_goes_to_the_end_of_the_queue_under_the_same_event(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop, "party.*")
    move(market, shop, "suspend", "resume")
    post.fan_out(endpoint)
    first = post.settle(post.claim(endpoint), 200)
    replayed = market.do(Replay(shop, first.id, post.at))
    assert (replayed.event, replayed.place, replayed.state) == (first.event, 3, "waiting")
    assert market.do(Replay(shop, replayed.id, post.at)) == replayed
    post.settle(post.claim(endpoint), 200)
    assert post.claim(endpoint).id == replayed.id
    history = deliveries_of_event(post.reader, first.event)
    assert [(delivery.place, delivery.state) for delivery in history] == [(1, "delivered"), (3, "leased")]


def test_a_replay_of_what_is_to_be_tried_again_tries_it_now(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    post.fan_out(endpoint)
    failed = post.settle(post.claim(endpoint), 503)
    hastened = market.do(Replay(shop, failed.id, post.at))
    assert (hastened.id, hastened.due, hastened.tries) == (failed.id, post.at, 1)


def test_another_party_finds_no_such_endpoint(market: Market, post: Post, shop: Id) -> None:
    endpoint, stranger = post.endpoint(shop), market.party("merchant")
    pay(market, shop, 500)
    post.fan_out(endpoint)
    (due,) = due_deliveries(post.reader, endpoint.id, post.at, 100)
    for command in (
        MoveEndpoint(stranger, endpoint.id, "disable"),
        RotateSecret(stranger, endpoint.id, b"mine", post.at),
        Replay(stranger, due.id, post.at),
        ReplayEvents(stranger, endpoint.id, (due.event,), post.at),
    ):
        refused(market, "object_not_found", command)


def test_a_replay_never_gives_away_another_partys_events(market: Market, post: Post, shop: Id) -> None:
    endpoint, stranger = post.endpoint(shop), market.party("merchant")
    pay(market, stranger, 700)
    theirs = tuple(event.id for event in events_owed(post.reader, stranger, 0, 10_000, 100))
    assert len(theirs) == 2
    assert market.do(ReplayEvents(shop, endpoint.id, theirs, post.at)) == 0


def test_a_rotation_keeps_the_former_secret_for_a_day(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    rotated = market.do(RotateSecret(shop, endpoint.id, b"newer", post.at))
    assert (rotated.secret, rotated.former_secret, rotated.former_until) == (b"newer", b"sealed", post.at + DAY)


def test_endpoints_take_turns(market: Market, post: Post, shop: Id) -> None:
    endpoints = [post.endpoint(shop) for _ in range(3)]
    pay(market, shop, 500)
    post.fan_out(*endpoints)
    a, b, c = sorted(endpoint.id for endpoint in endpoints)
    assert post.with_due(b"", 2) == [a, b]
    assert post.with_due(b, 2) == [c, a]
    assert post.with_due(a, 9) == [b, c, a]


def test_pages_of_deliveries_follow_one_another(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    for amount in range(1, 6):
        pay(market, shop, amount)
    post.fan_out(endpoint)
    (first, *_) = due_deliveries(post.reader, endpoint.id, post.at, 1)
    post.settle(market.do(Claim(first.id, post.at)), 200)
    market.do(Replay(shop, first.id, post.at))
    pages = [deliveries_of(post.reader, endpoint.id, 4)]
    pages.append(deliveries_of(post.reader, endpoint.id, 4, before=pages[0][-1]))
    assert [len(page) for page in pages] == [4, 2]
    assert [d.id for page in pages for d in page] == [d.id for d in deliveries_of(post.reader, endpoint.id, 100)]
    assert len({delivery.id for page in pages for delivery in page}) == 6


def test_the_loops_own_verbs_leave_no_operations(market: Market, post: Post, shop: Id) -> None:
    endpoint = post.endpoint(shop)
    pay(market, shop, 500)
    post.fan_out(endpoint)
    post.settle(post.claim(endpoint), 200)
    assert post.operations() == ["notifications.create_endpoint"]
