"""The delivery loop against real receivers: each event at least once, once if all is well, in order by object."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from tests.conftest import NewDatabase, open_engine
from tests.unit.domain.conftest import Market
from tests.unit.timers.house import House, render, settled, until
from tests.unit.timers.receivers import FAULT, OK, Receiver, flood, stall

from handfast.core.clocks import DAY, MINUTE, SECOND
from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.domain.notifications import (
    LEASE,
    Replay,
    RotateSecret,
    attempts_of,
    fanned_out,
    new_secret,
)
from handfast.store.rows import Event
from handfast.store.sqlite import SqliteReader
from handfast.timers import deliver, sender

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def house(new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(deliver, "IDLE", 0.001)
    engine = open_engine(new_sqlite())
    with closing(SqliteReader(Path(engine.url.removeprefix("sqlite:///")))) as reader, closing(engine.store):
        house = House(Market(engine), reader)
        yield house
        house.sender.close()


async def test_an_event_is_delivered_once_and_signed(house: House) -> None:
    secret = new_secret()
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver, secret)
        event = house.pay()
        deliverer = house.deliverer()
        await settled(deliverer)
        house.at += DAY
        await settled(deliverer)
    (received,) = receiver.received
    assert Webhook(secret).verify(received.body, received.headers) == {"id": event, "type": "transfer.created"}
    assert received.event == event
    assert received.headers["content-type"] == "application/json"
    (delivery,) = house.deliveries(endpoint)
    assert (delivery.state, delivery.tries, delivery.last_status, delivery.last_error) == ("delivered", 1, 200, "")


async def test_both_secrets_sign_after_a_rotation(house: House) -> None:
    new, former = new_secret(), new_secret()
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver, former)
        house.market.do(RotateSecret(house.shop, endpoint.id, house.seal(house.shop, new), house.at))
        house.pay()
        await settled(house.deliverer())
    (received,) = receiver.received
    assert Webhook(new).verify(received.body, received.headers) == Webhook(former).verify(
        received.body, received.headers
    )


async def test_a_refused_event_comes_again_after_five_seconds_under_its_id(house: House) -> None:
    async with Receiver(FAULT, OK) as receiver:
        endpoint = house.endpoint(receiver)
        event = house.pay()
        deliverer = house.deliverer()
        await settled(deliverer)
        assert len(receiver.received) == 1
        house.at += 5 * SECOND
        await settled(deliverer)
    first, second = receiver.received
    assert first.event == second.event == event
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5
    assert house.states(endpoint) == ["delivered"]
    (delivery,) = house.deliveries(endpoint)
    tries = [(each.number, each.status, each.answer) for each in attempts_of(house.reader, delivery.id)]
    assert tries == [(1, 500, ""), (2, 200, "ok")]


async def test_a_receiver_that_says_nothing_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "TIME_LIMIT", 0.05)
    async with Receiver(stall) as receiver:
        endpoint = house.endpoint(receiver)
        house.pay()
        await settled(house.deliverer())
    (delivery,) = house.deliveries(endpoint)
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("due", 0, "timed_out")


async def test_a_body_without_end_does_no_harm(house: House) -> None:
    async with Receiver(flood) as receiver:
        endpoint = house.endpoint(receiver)
        house.pay()
        await settled(house.deliverer())
        await receiver.hung_up.wait()
    assert house.states(endpoint) == ["delivered"]


async def test_a_redirect_is_a_failure(house: House) -> None:
    async with Receiver() as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nlocation: {elsewhere.url}\r\ncontent-length: 0\r\n\r\n"
        async with Receiver(moved.encode()) as receiver:
            endpoint = house.endpoint(receiver)
            house.pay()
            await settled(house.deliverer())
    assert elsewhere.connections == 0
    assert [(delivery.state, delivery.last_status) for delivery in house.deliveries(endpoint)] == [("due", 302)]


async def test_a_dead_host_parks_the_event_on_the_third_day(house: House) -> None:
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
    house.pay()
    deliverer, began = house.deliverer(), house.at
    await settled(deliverer)
    while (delivery := house.deliveries(endpoint)[0]).due is not None:
        house.at = delivery.due
        await settled(deliverer)
    assert (delivery.state, delivery.tries, delivery.last_error) == ("parked", 10, "connection_failed")
    assert 2 * DAY < house.at - began <= 3 * DAY


async def test_a_slow_receiver_delays_no_other(house: House) -> None:
    async with Receiver(stall) as slow, Receiver() as quick:
        slow_endpoint, quick_endpoint = house.endpoint(slow), house.endpoint(quick)
        events = [house.pay() for _ in range(30)]
        deliverer = house.deliverer()
        await until(deliverer, lambda: house.states(quick_endpoint) == ["delivered"] * 30)
        assert sorted(received.event for received in quick.received) == sorted(events)
        assert len(slow.received) == deliver.MAX_TO_ONE
        assert "delivered" not in house.states(slow_endpoint)
        slow.answers = [OK]
        slow.released.set()
        await until(deliverer, lambda: set(house.states(slow_endpoint)) == {"due", "delivered"})


async def test_a_receiver_that_was_late_has_one_event_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "LATE", -1)
    async with Receiver(OK, stall) as receiver:
        endpoint = house.endpoint(receiver)
        house.pay()
        deliverer = house.deliverer()
        await settled(deliverer)
        for _ in range(4):
            house.pay()
        await until(deliverer, lambda: len(receiver.received) == 2)
        assert not await deliverer.turn()
        assert house.states(endpoint) == ["delivered", "leased", "due", "due", "due"]


async def test_broken_receivers_leave_places_for_those_that_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_SENDING", 4)
    monkeypatch.setattr(deliver, "MAX_STRUGGLING", 2)
    async with Receiver(*[FAULT] * 3, stall) as broken, Receiver() as sound:
        endpoints = [house.endpoint(broken) for _ in range(3)]
        house.pay()
        deliverer = house.deliverer()
        await settled(deliverer)
        assert [house.states(endpoint) for endpoint in endpoints] == [["due"]] * 3
        house.at += 5 * SECOND
        sound_endpoint = house.endpoint(sound)
        for _ in range(10):
            house.pay()
        await until(deliverer, lambda: house.states(sound_endpoint) == ["delivered"] * 10)
        assert len(broken.received) == 3 + 2
        assert len(deliverer.sending) == 2


async def test_one_objects_events_keep_their_order_and_another_objects_pass_them(house: House) -> None:
    async with Receiver(FAULT, FAULT, OK) as receiver:
        endpoint = house.endpoint(receiver)
        first, second, third = house.change("suspend", "resume", "suspend")
        deliverer = house.deliverer()
        await settled(deliverer)
        house.change("resume")
        other = house.pay()
        house.at += 5 * SECOND - 1
        receiver.answers.insert(0, OK)
        await settled(deliverer)
        house.at += 1
        await settled(deliverer)
        house.at += MINUTE
        await settled(deliverer)
    assert [received.event for received in receiver.received][:6] == [first, other, first, first, second, third]
    assert house.states(endpoint) == ["delivered"] * 5


async def test_a_crash_between_sending_and_settling_sends_again_once_the_lease_has_ended(house: House) -> None:
    async with Receiver(stall, OK) as receiver:
        endpoint = house.endpoint(receiver)
        event = house.pay()
        crashing = house.deliverer()
        await until(crashing, lambda: len(receiver.received) == 1)
        for task in crashing.sending:
            task.cancel()
        deliverer = house.deliverer()
        house.at += LEASE - 1
        await settled(deliverer)
        assert len(receiver.received) == 1
        house.at += 1
        await settled(deliverer)
    assert [received.event for received in receiver.received] == [event, event]
    assert [(delivery.state, delivery.tries) for delivery in house.deliveries(endpoint)] == [("delivered", 2)]


async def test_what_came_of_a_send_outlives_the_desks_absence(house: House) -> None:
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
        house.pay()
        deliverer = house.deliverer()
        await until(deliverer, lambda: len(receiver.received) == 1)
        house.away = ["desk", "desk"]
        for _ in house.away[:]:
            await asyncio.wait(deliverer.sending) if deliverer.sending else None
            with pytest.raises(Unavailable):
                await deliverer.turn()
        assert house.states(endpoint) == ["leased"]
        await settled(deliverer)
    assert house.states(endpoint) == ["delivered"]
    assert len(receiver.received) == 1


async def test_a_replay_is_delivered_under_the_same_id(house: House) -> None:
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
        event = house.pay()
        deliverer = house.deliverer()
        await settled(deliverer)
        (delivery,) = house.deliveries(endpoint)
        house.market.do(Replay(house.shop, delivery.id, house.at))
        await settled(deliverer)
    assert [received.event for received in receiver.received] == [event, event]
    assert house.states(endpoint) == ["delivered"] * 2


async def test_an_event_that_cannot_be_rendered_holds_nothing_up(house: House) -> None:
    async def make(event: Event, party: Id) -> bytes:
        if event.type == "party.suspended":
            raise ValueError(event.type)
        return await render(event, party)

    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
        house.change("suspend", "resume")
        event = house.pay()
        await settled(house.deliverer(make))
    assert [received.event for received in receiver.received] == [event]
    bad, behind, other = house.deliveries(endpoint)
    assert (bad.state, bad.last_error, behind.state, other.state) == ("due", "internal", "waiting", "delivered")


async def test_nothing_is_sent_for_a_party_whose_key_is_destroyed(house: House) -> None:
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
        house.change("erase")
        await settled(house.deliverer())
    assert receiver.connections == 0
    assert [delivery.last_error for delivery in house.deliveries(endpoint)] == ["party_erased"]


async def test_many_events_are_fanned_out_page_by_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "PAGE", 4)
    async with Receiver() as one, Receiver() as two:
        endpoints = [house.endpoint(one), house.endpoint(two)]
        events = [house.pay() for _ in range(15)]
        await settled(house.deliverer())
    for receiver, endpoint in zip((one, two), endpoints, strict=True):
        assert sorted(received.event for received in receiver.received) == sorted(events)
        assert house.states(endpoint) == ["delivered"] * 15
    assert fanned_out(house.reader) == house.reader.rows("SELECT max(seq) FROM events")[0][0]


async def test_the_loop_runs_through_the_databases_absence_and_ends_when_cancelled(house: House) -> None:
    async with Receiver() as receiver:
        endpoint = house.endpoint(receiver)
        house.away = ["reader", "desk"]
        house.pay()
        running = asyncio.create_task(house.deliverer().run())
        async with asyncio.timeout(60):
            while await house.handed.get() != "notifications.settle":
                pass
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert house.away == []
    assert house.states(endpoint) == ["delivered"]
    assert len(receiver.received) == 1
