"""Claims over the API: asked, answered, changed and ended; what each side says is sealed, and opened for both."""

from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

SECOND = 1_000_000
BUYERS: dict[str, Any] = {
    "change": {"words": "w"},
    "accept": {},
    "withdraw": {},
    "send_back": {"tracking": "SF2"},
}
SELLERS: dict[str, Any] = {"agree": {}, "offer": {"amount": 1}, "refuse": {"answer": "a"}, "receive": {}}


def path(claim: Any, act: str = "") -> str:
    return f"/v1/claims/{claim['id']}/{act}".rstrip("/")


def shipped(street: Street) -> str:
    trade = street.sell()
    street.api.post("shop", f"/v1/trades/{trade}/ship")
    return trade


def asked(street: Street, trade: str = "", **more: Any) -> Any:
    """A claim of 40.00 of 100.00 on a trade that was shipped."""
    body = {
        "trade": trade or shipped(street),
        "reason": "not_as_described",
        "amount": 4_000,
        "words": "Half is missing.",
    }
    return street.api.post("fang", "/v1/claims", body | more)


@pytest.mark.parametrize("act", [*BUYERS, *SELLERS])
def test_a_stranger_does_nothing(street: Street, act: str) -> None:
    claim = asked(street)
    before = street.count("events")
    for who in ("ming", "other"):
        answer = street.api.try_post(who, path(claim, act), (BUYERS | SELLERS)[act])
        assert error(answer) == (404, "object_not_found", "claim")
    assert street.count("events") == before


@pytest.mark.parametrize("act", [*BUYERS, *SELLERS])
def test_each_act_is_one_sides(street: Street, act: str) -> None:
    claim = asked(street)
    who = "shop" if act in BUYERS else "fang"
    answer = street.api.try_post(who, path(claim, act), (BUYERS | SELLERS)[act])
    assert error(answer) == (404, "object_not_found", "claim")


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"trade": "trd_" + "0" * 26}, 404, "object_not_found", "trade"),
        ({"trade": "nonsense"}, 404, "object_not_found", "trade"),
        ({"reason": "bored"}, 400, "field_invalid", "reason"),
        ({"reason": "unshipped"}, 409, "state_conflict", "state"),
        ({"reason": "no_reason"}, 400, "field_invalid", "goods"),
        ({"reason": "not_received", "goods": "return"}, 400, "field_invalid", "goods"),
        ({"goods": "burn"}, 400, "field_invalid", "goods"),
        ({"amount": 10_001}, 402, "refund_exceeds_captured", "amount"),
        ({"amount": 0}, 400, "amount_invalid", "amount"),
        ({"amount": 10**15 + 1}, 400, "amount_too_large", "amount"),
        ({"amount": "5"}, 400, "amount_invalid", "amount"),
        ({"words": "a\u0000b"}, 400, "text_invalid", "words"),
        ({"words": "x" * 2_001}, 400, "text_invalid", "words"),
        ({"words": None}, 400, "field_invalid", "words"),
        ({"mood": "bad"}, 400, "field_unknown", "mood"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(
    street: Street, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    claim = {"trade": shipped(street), "reason": "not_as_described"} | body
    assert error(street.api.try_post("fang", "/v1/claims", claim)) == (status, code, param)
    assert street.count("claims") == 0


def test_a_lone_surrogate_is_no_text(street: Street) -> None:
    content = b'{"trade":"%s","reason":"not_received","words":"\\ud800"}' % shipped(street).encode()
    assert error(street.api.post_raw("fang", "/v1/claims", content)) == (400, "body_malformed", None)


def test_only_the_buyer_claims(street: Street) -> None:
    body = {"trade": shipped(street), "reason": "not_received"}
    for who in ("shop", "market", "other", "ming"):
        assert error(street.api.try_post(who, "/v1/claims", body)) == (404, "object_not_found", "trade")


def test_while_a_claim_is_open_the_clock_stands_and_the_trade_waits(street: Street) -> None:
    api, trade = street.api, shipped(street)
    claim = asked(street, trade)
    seen = api.get("shop", f"/v1/trades/{trade}")
    assert (seen["claim"], seen["clock"]["due"], seen["clock"]["silence"]) == (claim["id"], None, None)
    assert seen["clock"]["paused"] == 10 * 86_400 - 1
    assert seen["clock"]["says"] == "The clock stands still while a claim is open; 9 days 23 hours of it are left."
    second = {"trade": trade, "reason": "not_received"}
    for who, at, body in (
        ("fang", f"/v1/trades/{trade}/confirm", {}),
        ("fang", "/v1/claims", second),
        ("shop", "/v1/refunds", {"payment": seen["payment"], "trade": trade}),
    ):
        assert error(api.try_post(who, at, body)) == (409, "claim_open", "trade")


def test_a_claim_tells_its_clock_and_both_sides_read_what_was_said(street: Street) -> None:
    api = street.api
    claim = asked(street)
    assert (claim["state"], claim["amount"], claim["offer"], claim["changes_left"]) == ("asked", 4_000, None, 5)
    assert claim["clock"]["silence"] == "refund"
    assert claim["clock"]["says"] == (
        "If the seller has not answered by 2014-11-02 00:00 UTC, the buyer gets 40.00 USD back."
    )
    refused = api.post("shop", path(claim, "refuse"), {"answer": "Two were in the parcel.\nSee the weight."})
    assert (refused["state"], refused["clock"]["silence"]) == ("refused", "close")
    for who in ("fang", "shop", "market", "house"):
        seen = api.get(who, path(claim))
        assert (seen["words"], seen["answer"]) == ("Half is missing.", "Two were in the parcel.\nSee the weight.")
    assert [row["words"] for row in api.get("fang", "/v1/claims")["data"]] == [None]
    told = api.get("shop", "/v1/events", type="claim.asked")["data"][0]["data"]["object"]
    assert (told["words"], told["answer"]) == (None, None)
    kept = b"".join(value for row in street.rows("claims") for value in row if isinstance(value, bytes))
    assert b"missing" not in kept


def test_what_an_erased_buyer_said_is_gone(street: Street) -> None:
    claim = asked(street)
    street.api.post("house", f"/v1/parties/{street.id('fang')}/erase")
    seen = street.api.get("shop", path(claim))
    assert (seen["words"], seen["answer"]) == (None, "")


def test_an_offer_is_taken(street: Street) -> None:
    api = street.api
    claim = asked(street)
    assert error(api.try_post("shop", path(claim, "offer"), {"amount": 4_000}))[1] == "refund_exceeds_captured"
    offered = api.post("shop", path(claim, "offer"), {"amount": 1_500, "answer": "A third?"}, "offer")
    assert api.post("shop", path(claim, "offer"), {"amount": 1_500, "answer": "A third?"}, "offer") == offered
    assert (offered["state"], offered["offer"]) == ("offered", {"amount": 1_500, "goods": "keep"})
    done = api.post("fang", path(claim, "accept"))
    assert (done["state"], done["amount"], done["clock"]["says"]) == ("refunded", 1_500, "The claim is over.")
    trade = api.get("fang", f"/v1/trades/{claim['trade']}")
    assert (trade["state"], trade["refunded"], trade["held"], trade["claim"]) == ("shipped", 1_500, 8_500, None)
    assert trade["clock"]["silence"] == "release"


def test_goods_go_back_before_the_money_does(street: Street) -> None:
    api = street.api
    claim = asked(street, goods="return", amount=10_000)
    assert claim["clock"]["says"].endswith("the claim is granted, and the buyer sends the goods back.")
    returning = api.post("shop", path(claim, "agree"))
    assert (returning["state"], returning["clock"]["silence"]) == ("returning", "close")
    assert error(api.try_post("fang", path(claim, "send_back"), {"tracking": ""})) == (400, "text_invalid", "tracking")
    sent = api.post("fang", path(claim, "send_back"), {"tracking": "SF2"})
    assert (sent["state"], sent["tracking"]) == ("sent_back", "SF2")
    assert "that the goods are back, nor disputed it, the buyer gets 100.00 USD back." in sent["clock"]["says"]
    assert api.post("shop", path(claim, "receive"))["state"] == "refunded"
    assert api.get("fang", f"/v1/trades/{claim['trade']}")["state"] == "refunded"


def test_a_claim_is_changed_withdrawn_and_ends(street: Street) -> None:
    api = street.api
    claim = asked(street)
    changed = api.post("fang", path(claim, "change"), {"amount": 2_000, "words": "Then a fifth."})
    assert (changed["amount"], changed["words"], changed["changes_left"]) == (2_000, "Then a fifth.", 4)
    for _ in range(4):
        api.post("fang", path(claim, "change"))
    assert error(api.try_post("fang", path(claim, "change"))) == (402, "changes_spent", "claim")
    assert api.post("fang", path(claim, "withdraw"))["state"] == "withdrawn"
    assert error(api.try_post("fang", path(claim, "withdraw"))) == (409, "state_conflict", "state")


def test_silence_grants_what_was_asked(street: Street) -> None:
    api = street.api
    claim = asked(street)
    street.now = claim["clock"]["due"] * SECOND + SECOND
    assert error(api.try_post("shop", path(claim, "refuse"))) == (409, "state_conflict", "state")
    street.silence()
    assert api.get("fang", path(claim))["state"] == "refunded"


def test_claims_are_listed_for_both_sides_and_by_trade_for_the_market(street: Street) -> None:
    api = street.api
    one, two = asked(street), asked(street)
    api.post("fang", path(one, "withdraw"))
    assert [row["id"] for row in api.get("shop", "/v1/claims")["data"]] == [two["id"], one["id"]]
    assert [row["id"] for row in api.get("fang", "/v1/claims", state="asked")["data"]] == [two["id"]]
    assert [row["id"] for row in api.get("house", "/v1/claims", buyer=street.id("fang"))["data"]] == [
        two["id"],
        one["id"],
    ]
    assert api.get("house", "/v1/claims", seller=street.id("other"))["data"] == []
    assert [row["id"] for row in api.get("market", "/v1/claims", trade=one["trade"])["data"]] == [one["id"]]
    assert api.get("ming", "/v1/claims", trade=one["trade"])["data"] == []
    assert api.get("shop", "/v1/claims", trade="nonsense")["data"] == []
