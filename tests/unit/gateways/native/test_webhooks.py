"""Webhook endpoints, deliveries and what is told: the body of a webhook is the event as the API shows it."""

import asyncio
import json
from typing import Any

from tests.unit.gateways.native.street import Street, error

from handfast.domain.notifications import DELIVERIES, Claim, FanOut, Settle
from handfast.gateways.native import render_event
from handfast.gateways.native.prefixes import read
from handfast.store.reader import find
from handfast.store.rows import EVENTS, Event

HOOK = {"url": "https://shop.example/hook"}


def sold(street: Street) -> dict[str, Any]:
    """A payment by Fang to the shop."""
    payment: dict[str, Any] = street.api.post(
        "shop", "/v1/payments", {"currency": "USD", "amount": 500, "payer": street.id("fang")}
    )
    return payment


def fan_out(street: Street, endpoint: str) -> None:
    """Queue all events for one endpoint, as the loop does."""
    events = find(street.reader, EVENTS, "1 = 1 ORDER BY seq")
    pairs = tuple((event.id, read("endpoint", endpoint), HOOK["url"]) for event in events)
    street.do(FanOut(0, events[-1].seq, pairs, street.wall))


def disputed(street: Street) -> None:
    """A trade with a claim that became a dispute, in which the buyer showed something in confidence."""
    trade = street.sell()
    street.api.post("shop", f"/v1/trades/{trade}/ship")
    street.api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described", "words": "Broken."})
    dispute = street.api.post("fang", "/v1/disputes", {"trade": trade})
    secret = {"kind": "message", "text": "Between us.", "confidential": True}
    street.api.post("fang", f"/v1/disputes/{dispute['id']}/evidence", secret)


def body(street: Street, event: Event, receiver: str) -> Any:
    return json.loads(asyncio.run(render_event(street.api.services.read, event, street.parties[receiver])))


def test_every_event_is_rendered_as_the_api_shows_it_to_the_receiver(street: Street) -> None:
    sold(street)
    disputed(street)
    things = {"party", "payment", "topup", "consent", "bank_line", "trade", "claim", "dispute", "evidence"}
    events = find(street.reader, EVENTS, "1 = 1 ORDER BY seq DESC")
    assert {event.type.partition(".")[0] for event in events} >= things
    for receiver in ("house", "shop", "market", "fang"):
        mine = [event for event in events if receiver == "house" or event.owner == street.parties[receiver]]
        shown = street.api.get(receiver if receiver != "house" else "lead", "/v1/events", limit=100)["data"]
        assert [body(street, event, receiver) for event in mine] == shown
        assert all(list(event) == ["id", "object", "type", "created", "sequence", "data"] for event in shown)
        assert not any(word in json.dumps(shown) for word in ("Broken", "Between us"))


def test_an_endpoint_is_made_disabled_enabled_and_rotated(street: Street) -> None:
    api = street.api
    made = api.post("shop", "/v1/webhook_endpoints", {**HOOK, "types": ["trade.*", "payment.captured"]})
    path = f"/v1/webhook_endpoints/{made['id']}"
    assert (made["types"], made["state"]) == (["trade.*", "payment.captured"], "active")
    assert api.get("shop", path) == {**made, "secret": None}
    assert api.post("shop", f"{path}/disable")["state"] == "disabled"
    assert api.post("shop", f"{path}/enable")["state"] == "active"
    rotated = api.post("shop", f"{path}/rotate_secret")
    assert rotated["secret"] not in {None, made["secret"]}
    assert rotated["former_secret_until"] == (street.wall // 1_000_000) + 86_400
    assert [each["id"] for each in api.get("shop", "/v1/webhook_endpoints", state="active")["data"]] == [made["id"]]


def test_no_deliveries_to_private_addresses(street: Street) -> None:
    for url in ("http://shop.example/", "https://127.0.0.1/", "https://[::1]/", "ftp://shop.example/", "x"):
        answer = street.api.try_post("shop", "/v1/webhook_endpoints", {"url": url})
        assert error(answer) == (400, "url_invalid", "url")
    answer = street.api.try_post("shop", "/v1/webhook_endpoints", {**HOOK, "types": ["Trade"]})
    assert error(answer) == (400, "field_invalid", "types")


def test_deliveries_are_listed_and_sent_again(street: Street) -> None:
    api = street.api
    endpoint = api.post("shop", "/v1/webhook_endpoints", HOOK)["id"]
    street.now += 1
    for _ in range(3):
        sold(street)
    fan_out(street, endpoint)
    path = f"/v1/webhook_endpoints/{endpoint}/deliveries"
    everything = api.get("shop", path, limit=100)["data"]
    assert len(everything) == len(find(street.reader, DELIVERIES, "1 = 1")) == 3
    assert {(each["state"], each["tries"], each["last_status"]) for each in everything} == {("due", 0, None)}
    first = api.get("shop", path, limit=2)
    rest = api.get("shop", path, limit=2, starting_after=first["data"][-1]["id"])
    assert (first["data"] + rest["data"], first["has_more"], rest["has_more"]) == (everything, True, False)
    seen = api.get("shop", f"/v1/deliveries/{everything[0]['id']}")
    assert (seen["url"], seen["attempts"]) == (HOOK["url"], [])
    again = api.post("shop", f"/v1/deliveries/{everything[0]['id']}/replay")
    assert again["id"] == everything[0]["id"]
    once = [each["event"] for each in everything]
    events = [*once, *once, "evt_" + "0" * 32, "nonsense"]
    assert api.post("shop", f"/v1/webhook_endpoints/{endpoint}/replay", {"events": events}) == {
        "object": "replay",
        "queued": 3,
    }
    assert len(api.get("shop", path, limit=100)["data"]) == 6
    told = error(api.send("GET", f"{path}?starting_after={again['id'][:-1]}", "shop"))
    assert told == (400, "cursor_invalid", "starting_after")


def test_a_delivery_is_shown_with_its_tries(street: Street) -> None:
    api = street.api
    endpoint = api.post("shop", "/v1/webhook_endpoints", HOOK)
    assert endpoint["gateway"] == "native"
    street.now += 1
    sold(street)
    fan_out(street, endpoint["id"])
    (listed,) = api.get("shop", f"/v1/webhook_endpoints/{endpoint['id']}/deliveries")["data"]
    assert listed["attempts"] is None
    (row,) = find(street.reader, DELIVERIES, "1 = 1")
    for number, (status, failed, answer) in enumerate([(0, "timed_out", ""), (500, "", "sorry" * 100)], 1):
        street.do(Claim(row.id, street.wall))
        street.do(Settle(row.id, number, status, failed, answer, delivered=False, pause=0, at=street.wall))
    seen = api.get("shop", f"/v1/deliveries/{listed['id']}")
    at = street.wall // 1_000_000
    assert seen["attempts"] == [
        {"number": 1, "at": at, "status": None, "error": "timed_out", "answer": ""},
        {"number": 2, "at": at, "status": 500, "error": None, "answer": ("sorry" * 100)[:200]},
    ]
    assert api.send("GET", f"/v1/deliveries/{listed['id']}", "other").status_code == 404
