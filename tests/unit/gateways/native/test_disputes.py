"""Disputes over the API: opened, shown for, decided by two persons, appealed once; and one timeline for both sides."""

from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

SECOND = 1_000_000
ACTS: dict[str, Any] = {
    "evidence": {"kind": "message", "text": "t"},
    "rest": {},
    "concede": {},
    "withdraw": {},
    "appeal": {"reasons": "r"},
    "accept": {},
}
JUDGING: dict[str, Any] = {"decide": {"outcome": "dismiss", "reasons": "r"}, "approve": {}, "reject": {}}


def path(dispute: Any, act: str = "") -> str:
    return f"/v1/disputes/{dispute['id']}/{act}".rstrip("/")


def shipped(street: Street, amount: int = 10_000) -> str:
    trade = street.sell(amount)
    street.api.post("shop", f"/v1/trades/{trade}/ship")
    return trade


def opened(street: Street, amount: int = 10_000) -> Any:
    """A dispute about all of a shipped trade."""
    return street.api.post("fang", "/v1/disputes", {"trade": shipped(street, amount)})


def reviewed(street: Street, amount: int = 10_000) -> Any:
    """A dispute that waits for the case handler."""
    dispute = opened(street, amount)
    street.api.post("fang", path(dispute, "rest"))
    return street.api.post("shop", path(dispute, "rest"))


@pytest.mark.parametrize("act", ACTS)
def test_a_stranger_does_nothing(street: Street, act: str) -> None:
    dispute = opened(street)
    before = street.count("events")
    for who in ("ming", "other"):
        assert error(street.api.try_post(who, path(dispute, act), ACTS[act])) == (404, "object_not_found", "dispute")
    assert street.count("events") == before


@pytest.mark.parametrize("act", JUDGING)
def test_only_the_operators_persons_judge(street: Street, act: str) -> None:
    dispute = reviewed(street)
    for who in ("fang", "shop", "market", "ming"):
        assert error(street.api.try_post(who, path(dispute, act), JUDGING[act])) == (403, "scope_missing", None)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"trade": "trd_" + "0" * 26}, 404, "object_not_found", "trade"),
        ({"trade": "x"}, 404, "object_not_found", "trade"),
        ({"amount": 10_001}, 402, "refund_exceeds_captured", "amount"),
        ({"amount": -1}, 400, "amount_invalid", "amount"),
        ({"why": "x"}, 400, "field_unknown", "why"),
    ],
)
def test_what_cannot_be_disputed_is_refused(
    street: Street, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = street.api.try_post("fang", "/v1/disputes", {"trade": shipped(street)} | body)
    assert error(answer) == (status, code, param)
    assert street.count("disputes") == 0


def test_the_house_opens_none_and_a_stranger_neither(street: Street) -> None:
    body = {"trade": shipped(street)}
    assert error(street.api.try_post("house", "/v1/disputes", body)) == (400, "field_invalid", "by")
    assert error(street.api.try_post("other", "/v1/disputes", body)) == (404, "object_not_found", "trade")


def test_a_dispute_tells_its_clock(street: Street) -> None:
    api = street.api
    dispute = opened(street)
    assert (dispute["state"], dispute["opened_by"], dispute["asked"], dispute["decision"]) == (
        "open",
        "buyer",
        10_000,
        None,
    )
    assert dispute["clock"]["says"] == (
        "Both sides show evidence until 2014-10-31 00:00 UTC; then it is decided in 7 days."
    )
    assert api.get("shop", f"/v1/trades/{dispute['trade']}")["dispute"] == dispute["id"]
    rested = api.post("fang", path(dispute, "rest"))
    assert rested["rested"] == "buyer"
    assert error(api.try_post("fang", path(dispute, "rest"))) == (409, "state_conflict", "state")
    review = api.post("shop", path(dispute, "rest"))
    assert (review["state"], review["rested"]) == ("review", None)
    assert review["clock"]["says"] == (
        "The case handler decides by 2014-11-04 00:00 UTC, or the buyer gets 100.00 USD back."
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"outcome": "jail"}, "field_invalid", "outcome"),
        ({"reasons": ""}, "text_invalid", "reasons"),
        ({"reasons": "  "}, "field_invalid", "reasons"),
        ({"reasons": "x" * 2_001}, "text_invalid", "reasons"),
        ({"reasons": "a\u0007"}, "text_invalid", "reasons"),
        ({"outcome": "part"}, "amount_invalid", "amount"),
        ({"outcome": "part", "amount": 10_000}, "amount_invalid", "amount"),
        ({"outcome": "refund", "amount": 5}, "amount_invalid", "amount"),
        ({"outcome": "part", "amount": 10**15 + 1}, "amount_too_large", "amount"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(street: Street, body: dict[str, Any], code: str, param: str) -> None:
    dispute = reviewed(street)
    answer = street.api.try_post("house", path(dispute, "decide"), JUDGING["decide"] | body)
    assert error(answer) == (400, code, param)
    assert street.api.get("fang", path(dispute))["state"] == "review"


def test_a_part_is_decided_and_taken(street: Street) -> None:
    api = street.api
    dispute = reviewed(street)
    body = {"outcome": "part", "amount": 4_000, "reasons": "The photo shows half of it."}
    decided = api.post("house", path(dispute, "decide"), body, "decide")
    assert api.post("house", path(dispute, "decide"), body, "decide") == decided
    assert decided["decision"]["handler"] == "key_" + street.keys["house"].split("_")[1]
    seen = api.get("fang", path(dispute))
    assert seen["decision"] == {**body, "handler": None, "second": None}
    assert seen["clock"]["says"].startswith("Either side may appeal until ")
    api.post("shop", path(dispute, "accept"))
    final = api.post("fang", path(dispute, "accept"))
    assert (final["state"], final["clock"]["says"]) == ("final", "The dispute is over.")
    trade = api.get("fang", f"/v1/trades/{dispute['trade']}")
    assert (trade["state"], trade["refunded"], trade["held"]) == ("shipped", 4_000, 6_000)


def test_above_an_amount_a_second_person_agrees_and_the_sides_see_nothing_before(street: Street) -> None:
    """USD 600.00 are more than the USD 500.00 that one person may decide about."""
    api = street.api
    dispute = reviewed(street, 60_000)
    body = {"outcome": "split", "amount": 20_000, "reasons": "A third."}
    proposed = api.post("house", path(dispute, "decide"), body)
    assert (proposed["state"], proposed["decision"]["amount"]) == ("proposed", 20_000)
    for who in ("fang", "shop", "market"):
        seen = api.get(who, path(dispute))
        assert (seen["state"], seen["decision"]) == ("proposed", None)
        assert [row["decision"] for row in api.get(who, "/v1/disputes", trade=dispute["trade"])["data"]] == [None]
    assert error(api.try_post("house", path(dispute, "approve"))) == (403, "second_person_needed", "handler")
    assert api.post("lead", path(dispute, "reject"))["decision"] is None
    api.post("house", path(dispute, "decide"), body)
    approved = api.post("lead", path(dispute, "approve"))
    assert approved["state"] == "decided"
    assert {approved["decision"]["handler"], approved["decision"]["second"]} == {
        "key_" + street.keys[who].split("_")[1] for who in ("house", "lead")
    }
    told = api.get("shop", "/v1/events", limit=100)["data"]
    assert not {"dispute.proposed", "dispute.rejected"} & {event["type"] for event in told}


def test_an_appeal_has_another_person_decide_anew(street: Street) -> None:
    api = street.api
    dispute = reviewed(street)
    api.post("house", path(dispute, "decide"), {"outcome": "release", "reasons": "It came."})
    appealed = api.post("fang", path(dispute, "appeal"), {"reasons": "It came broken."}, "appeal")
    assert api.post("fang", path(dispute, "appeal"), {"reasons": "It came broken."}, "appeal") == appealed
    assert (appealed["state"], appealed["appealed_by"], appealed["evidence"]["buyer"]) == ("appealed", "buyer", 1)
    assert appealed["first_decision"]["outcome"] == "release"
    assert "Another case handler decides by" in appealed["clock"]["says"]
    (shown,) = api.get("shop", path(dispute, "evidence"))["data"]
    assert (shown["kind"], shown["text"], shown["side"]) == ("message", "It came broken.", "buyer")
    body = {"outcome": "refund", "reasons": "It is broken."}
    assert error(api.try_post("house", path(dispute, "decide"), body)) == (403, "second_person_needed", "handler")
    final = api.post("lead", path(dispute, "decide"), body)
    assert (final["state"], final["decision"]["outcome"]) == ("final", "refund")
    assert error(api.try_post("shop", path(dispute, "appeal"), {"reasons": "r"})) == (409, "state_conflict", "state")
    assert api.get("fang", f"/v1/trades/{dispute['trade']}")["state"] == "refunded"


def test_a_side_gives_in(street: Street) -> None:
    api = street.api
    for who, act, state in (("shop", "concede", "refunded"), ("fang", "withdraw", "shipped")):
        dispute = opened(street)
        other = "fang" if who == "shop" else "shop"
        assert error(api.try_post(other, path(dispute, act))) == (409, "state_conflict", "by")
        api.post(who, path(dispute, act))
        assert api.get(who, f"/v1/trades/{dispute['trade']}")["state"] == state


def test_the_queue_is_the_operators_and_the_most_urgent_comes_first(street: Street) -> None:
    api = street.api
    late = opened(street)
    street.now += 60 * SECOND
    later = opened(street)
    street.now += 60 * SECOND
    reviewed(street)
    api.post("fang", path(opened(street), "withdraw"))
    queue = api.get("house", "/v1/disputes/queue")["data"]
    assert [row["id"] for row in queue[:2]] == [late["id"], later["id"]]
    assert [row["state"] for row in queue] == ["open", "open", "review"]
    first = api.get("lead", "/v1/disputes/queue", limit=1)
    assert first["has_more"]
    rest = api.get("lead", "/v1/disputes/queue", starting_after=first["data"][0]["id"])
    assert (first["data"] + rest["data"], rest["has_more"]) == (queue, False)
    assert error(api.send("GET", "/v1/disputes/queue", "shop")) == (403, "scope_missing", None)
    assert len(api.get("house", "/v1/disputes")["data"]) == 4
    assert len(api.get("fang", "/v1/disputes", state="open")["data"]) == 2


def quarrel(street: Street) -> str:
    """Everything that can happen about a trade until a second decision is final."""
    api, trade = street.api, shipped(street)
    claim = api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described", "words": "It is broken."})
    api.post("shop", f"/v1/claims/{claim['id']}/refuse", {"answer": "It was whole."})
    dispute = api.post("fang", "/v1/disputes", {"trade": trade})
    secret = {"kind": "message", "text": "My address is …", "confidential": True}
    api.post("fang", path(dispute, "evidence"), secret)
    api.post("shop", path(dispute, "evidence"), {"kind": "tracking", "text": "SF1"})
    for who in ("fang", "shop"):
        api.post(who, path(dispute, "rest"))
    api.post("house", path(dispute, "decide"), {"outcome": "part", "amount": 4_000, "reasons": "Half of it."})
    api.post("fang", path(dispute, "appeal"), {"reasons": "All of it."})
    api.post("lead", path(dispute, "decide"), {"outcome": "split", "amount": 5_000, "reasons": "A little more."})
    return trade


def test_one_timeline_for_both_sides_and_to_each_what_it_may_read(street: Street) -> None:
    trade = quarrel(street)
    seen = {who: street.api.get(who, f"/v1/trades/{trade}/timeline")["data"] for who in ("fang", "shop", "house")}
    outlines = {who: [(at["at"], at["type"], at["object"]) for at in found] for who, found in seen.items()}
    assert outlines["fang"] == outlines["shop"] == outlines["house"]
    differing = [
        (mine["says"], theirs["says"])
        for mine, theirs in zip(seen["fang"], seen["shop"], strict=True)
        if mine["says"] != theirs["says"]
    ]
    assert differing == [
        (
            "The buyer showed a message, for the case handler alone.",
            "Something was shown that only its author and the case handler may read.",
        )
    ]
    assert [at["says"] for at in seen["fang"]] == [
        "100.00 USD were paid, and are held for the trade.",
        "The seller shipped.",
        "The clock stopped for the claim.",
        "The buyer asked for 100.00 USD back: it is not as described; the buyer keeps the goods.",
        "The seller refused the claim.",
        "The claim became a dispute.",
        "The clock stopped for the dispute.",
        "The buyer opened a dispute about 100.00 USD.",
        "The buyer showed a message, for the case handler alone.",
        "The seller showed a tracking number.",
        "The buyer has nothing more to show.",
        "The time for evidence was over: a case handler decides.",
        "The case handler decided: 40.00 USD go back to the buyer, and the trade goes on.",
        "The buyer showed a message.",
        "The buyer appealed: another case handler decides anew.",
        "The dispute ended: 50.00 USD go back to the buyer, and the rest goes to the seller.",
        "The claim ended with the decision.",
        "50.00 USD went to the seller, 50.00 USD back to the buyer; nothing is held any more.",
        "A refund of 50.00 USD.",
    ]
    asked = {who: found[3]["data"] for who, found in seen.items()}
    assert {claim["words"] for claim in asked.values()} == {"It is broken."}
    assert [seen[who][8]["data"] and seen[who][8]["data"]["text"] for who in ("fang", "shop", "house")] == [
        "My address is …",
        None,
        "My address is …",
    ]
    assert {found[9]["data"]["text"] for found in seen.values()} == {"SF1"}
    assert [found[0]["data"]["commission"] for found in seen.values()] == [None, 250, 250]
    decisions = [found[12]["data"]["decision"] for found in seen.values()]
    assert [decision["handler"] is None for decision in decisions] == [True, True, False]
    for who in ("ming", "other"):
        answer = street.api.send("GET", f"/v1/trades/{trade}/timeline", who)
        assert error(answer) == (404, "object_not_found", "trade")
