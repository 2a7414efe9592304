"""Trades over the API: who may do what to them, and what each side sees of clock, money and terms."""

from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

from handfast.core.clocks import DAY
from handfast.domain.policies import preset_text

SECOND = 1_000_000
TERMS = "3.5 % of {}, capped at 50.00, plus 0.05 listing fee"
ACTS: dict[str, Any] = {
    "ship": {},
    "deliver": {},
    "confirm": {},
    "release": {"amount": 1},
    "extend": {},
    "propose": {"kind": "cancel"},
    "agree": {"kind": "cancel"},
    "drop": {},
}


def path(trade: str, act: str = "") -> str:
    return f"/v1/trades/{trade}/{act}".rstrip("/")


@pytest.mark.parametrize("act", ACTS)
def test_a_stranger_does_nothing(street: Street, act: str) -> None:
    trade = street.sell()
    before = street.count("events")
    for who in ("ming", "other"):
        answer = street.api.try_post(who, path(trade, act), ACTS[act])
        assert error(answer) == (404, "object_not_found", "trade")
    assert street.count("events") == before


@pytest.mark.parametrize(
    ("act", "who"), [("ship", "fang"), ("deliver", "fang"), ("confirm", "shop"), ("release", "shop")]
)
def test_what_is_the_other_sides_to_do_is_unknown(street: Street, act: str, who: str) -> None:
    answer = street.api.try_post(who, path(street.sell(), act), ACTS[act])
    assert error(answer) == (404, "object_not_found", "trade")


def test_acts_out_of_turn_are_refused_by_name(street: Street) -> None:
    api, trade = street.api, street.sell()

    def refused(who: str, act: str, body: Any = None) -> tuple[int, str, str | None]:
        return error(api.try_post(who, path(trade, act), ACTS[act] | (body or {})))

    assert refused("fang", "confirm") == (409, "state_conflict", "state")
    assert refused("shop", "deliver") == (409, "state_conflict", "state")
    assert refused("shop", "agree") == (409, "no_proposal", "proposal")
    assert refused("shop", "drop") == (409, "no_proposal", "proposal")
    assert refused("shop", "extend") == (402, "extension_spent", "trade")
    assert refused("fang", "release", {"amount": 10_001}) == (402, "held_exceeded", "amount")
    assert refused("fang", "propose", {"due": 1}) == (400, "field_invalid", "kind")
    assert refused("fang", "propose", {"kind": "amend"}) == (400, "field_invalid", "policy")
    assert refused("fang", "propose", {"kind": "amend", "due": 1}) == (400, "field_invalid", "due")
    assert refused("fang", "propose", {"kind": "amend", "policy": "pol_" + "0" * 32}) == (
        404,
        "object_not_found",
        "policy",
    )
    api.post("shop", path(trade, "ship"))
    early = street.now // SECOND - 60
    assert refused("shop", "deliver", {"at": early}) == (400, "field_invalid", "at")
    assert refused("shop", "deliver", {"at": early + DAY // SECOND}) == (400, "field_invalid", "at")


def test_a_trade_tells_its_policy_its_clock_and_what_silence_means(street: Street) -> None:
    api, trade = street.api, street.sell()
    seen = api.get("fang", path(trade))
    assert (seen["policy"]["name"], seen["policy"]["version"]) == ("taobao-express", 1)
    assert api.get("fang", f"/v1/policies/{seen['policy']['id']}")["content"]["name"] == "taobao-express"
    due = seen["clock"]["due"]
    assert (due - seen["created"], seen["clock"]["paused"], seen["clock"]["silence"]) == (5 * 86_400, None, "refund")
    says = "If the seller has not shipped by 2014-11-02 00:00 UTC, the buyer gets back the 100.00 USD that are held."
    assert seen["clock"]["says"] == says
    assert (seen["held"], seen["refunded"], seen["released"], seen["returned"]) == (10_000, 0, 0, 0)
    assert (seen["milestones"], seen["proposal"], seen["claim"], seen["dispute"]) == (None, None, None, None)

    shipped = api.post("shop", path(trade, "ship"), {"tracking": "SF1"})
    assert (shipped["clock"]["silence"], shipped["shipped_at"], shipped["tracking"]) == (
        "release",
        street.now // SECOND,
        "SF1",
    )
    assert shipped["clock"]["says"].endswith("by 2014-11-07 00:00 UTC, the 100.00 USD that are held go to the seller.")
    delivered = api.post("shop", path(trade, "deliver"))
    assert (delivered["state"], delivered["delivered_at"]) == ("delivered", street.now // SECOND)
    done = api.post("fang", path(trade, "confirm"))
    assert (done["held"], done["released"], done["clock"]["silence"]) == (0, 10_000, "finish")
    assert done["clock"]["says"] == "Money can be given back until 2015-10-23 00:00 UTC; then the trade is finished."
    street.now = done["clock"]["due"] * SECOND + SECOND
    assert street.silence() == 1
    over = api.get("fang", path(trade))
    assert (over["state"], over["clock"]) == (
        "finished",
        {
            "due": None,
            "paused": None,
            "silence": None,
            "says": "The trade is finished: nothing more happens by itself.",
        },
    )


def test_a_side_extends_as_often_as_the_policy_lets_it(street: Street) -> None:
    api, trade = street.api, street.sell()
    api.post("shop", path(trade, "ship"))
    seen = api.get("shop", path(trade))
    assert seen["extensions"] == [
        {"by": "buyer", "adds": "3 days", "used": 0, "left": 1},
        {"by": "seller", "adds": "3 days", "used": 0, "left": 2},
    ]
    extended = api.post("fang", path(trade, "extend"))
    assert extended["clock"]["due"] - seen["clock"]["due"] == 3 * 86_400
    assert extended["extensions"][0] == {"by": "buyer", "adds": "3 days", "used": 1, "left": 0}
    assert error(api.try_post("fang", path(trade, "extend"))) == (402, "extension_spent", "trade")
    assert api.post("market", path(trade, "extend"))["extensions"][1]["used"] == 1


def test_what_is_proposed_is_agreed_to_word_for_word(street: Street) -> None:
    api, trade = street.api, street.sell()
    later = api.get("shop", path(trade))["clock"]["due"] + 86_400
    amend = {"kind": "amend", "due": later}
    proposed = api.post("shop", path(trade, "propose"), amend)
    assert proposed["proposal"] == {"by": "seller", "kind": "amend", "policy": None, "due": later}
    assert error(api.try_post("shop", path(trade, "agree"), amend)) == (409, "no_proposal", "proposal")
    other = {"kind": "amend", "due": later + 1}
    assert error(api.try_post("fang", path(trade, "agree"), other)) == (409, "no_proposal", "proposal")
    assert error(api.try_post("fang", path(trade, "propose"), {"kind": "cancel"})) == (
        409,
        "state_conflict",
        "proposal",
    )
    agreed = api.post("fang", path(trade, "agree"), amend)
    assert (agreed["proposal"], agreed["clock"]["due"]) == (None, later)
    api.post("fang", path(trade, "propose"), {"kind": "cancel"})
    assert api.post("shop", path(trade, "drop"))["proposal"] is None
    api.post("fang", path(trade, "propose"), {"kind": "cancel"})
    cancelled = api.post("shop", path(trade, "agree"), {"kind": "cancel"})
    assert (cancelled["state"], cancelled["held"], cancelled["refunded"]) == ("refunded", 0, 10_000)


def test_a_buyer_lets_the_seller_have_a_part(street: Street) -> None:
    api, trade = street.api, street.sell()
    part = api.post("fang", path(trade, "release"), {"amount": 4_000}, "part")
    assert (part["state"], part["held"], part["released"]) == ("held", 6_000, 4_000)
    assert api.post("fang", path(trade, "release"), {"amount": 4_000}, "part") == part
    assert part["clock"]["says"].endswith("the buyer gets back the 60.00 USD that are held.")
    assert api.post("fang", path(trade, "release"), {"amount": 6_000})["state"] == "released"


def test_milestones_are_released_one_by_one(street: Street) -> None:
    """Work at USD 100.00 by milestones of 30, 30 and 40 %: the first confirmed, the second by silence."""
    api, trade = street.api, street.sell(delivery="service")
    assert api.get("shop", path(trade))["milestones"] == {"confirmed": 0, "of": 3, "next": 3_000}
    api.post("shop", path(trade, "ship"))
    first = api.post("fang", path(trade, "confirm"))
    assert (first["state"], first["released"], first["milestones"]["next"]) == ("held", 3_000, 3_000)
    second = api.post("shop", path(trade, "ship"))
    assert second["clock"]["silence"] == "milestone"
    assert second["clock"]["says"].endswith(", 30.00 USD go to the seller for milestone 2 of 3.")
    street.now = second["clock"]["due"] * SECOND + SECOND
    street.silence()
    assert api.get("fang", path(trade))["milestones"] == {"confirmed": 2, "of": 3, "next": 4_000}


def shop_with_terms(street: Street) -> str:
    """A shop at 3.5 %, at most USD 50.00, and USD 0.05 for each line."""
    terms = {"commission_bps": 350, "commission_cap": 5_000, "listing_fee": 5, "commission_currency": "USD"}
    made = street.api.post("house", "/v1/parties", {"kind": "merchant", "country": "US", "name": "Press", **terms})
    assert (made["commission_minimum"], made["listing_fee"]) == (0, 5)
    party: str = made["id"]
    return party


def test_the_commission_is_explained_to_whom_it_concerns(street: Street) -> None:
    api, seller = street.api, shop_with_terms(street)
    cart = {"currency": "USD", "amount": 12_000, "lines": [{"seller": seller, "amount": 12_000}]}
    payment = api.post("market", "/v1/payments", cart)
    words = TERMS.format("120.00")
    assert (payment["lines"][0]["commission"], payment["lines"][0]["commission_formula"]) == (425, words)
    paid = api.post("fang", f"/v1/payments/{payment['id']}/pay")
    assert paid["lines"][0]["commission_formula"] is None
    trade = paid["lines"][0]["trade"]
    for who in ("market", "house"):
        seen = api.get(who, path(trade))
        assert (seen["commission"], seen["commission_formula"], seen["settle_amount"]) == (425, words, 11_575)
    seen = api.get("fang", path(trade))
    assert [seen[name] for name in ("commission", "commission_formula", "shares", "settle_amount", "reserve")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("amount", "tax", "commission", "words"),
    [
        (200_000, 0, 5_005, TERMS.format("2000.00")),
        (
            100,
            95,
            5,
            f"{TERMS.format('1.00')}, but no more than the 0.05 that tax and shares leave",
        ),
    ],
)
def test_a_commission_is_capped_and_never_more_than_there_is(
    street: Street, amount: int, tax: int, commission: int, words: str
) -> None:
    line = {"seller": shop_with_terms(street), "amount": amount, "tax": tax}
    payment = street.api.post("market", "/v1/payments", {"currency": "USD", "amount": amount, "lines": [line]})
    assert (payment["lines"][0]["commission"], payment["lines"][0]["commission_formula"]) == (commission, words)


def test_shares_go_to_third_parties_and_the_buyer_does_not_see_them(street: Street) -> None:
    """Of USD 100.00 freight has 5.00 and an affiliate 2.00; at 2.5 % of commission the shop has 90.50."""
    api = street.api
    shares = [
        {"kind": "freight", "payee": street.id("other"), "amount": 500},
        {"kind": "affiliate", "payee": street.id("ming"), "amount": 200},
    ]
    trade = street.sell(shares=shares)
    assert api.get("shop", path(trade))["shares"] == shares
    assert api.get("fang", path(trade))["shares"] is None
    api.post("shop", path(trade, "ship"))
    api.post("fang", path(trade, "confirm"))
    wallets = {who: api.get(who, "/v1/balances")["data"][0]["available"] for who in ("shop", "other", "ming")}
    assert wallets == {"shop": 9_050, "other": 500, "ming": 200}


@pytest.mark.parametrize(
    ("shares", "code", "param"),
    [
        ([{"kind": "bribe", "payee": "other", "amount": 1}], "field_invalid", "lines[0].shares[0].kind"),
        ([{"kind": "freight", "payee": "other", "amount": 0}], "amount_invalid", "lines[0].shares[0].amount"),
        ([{"kind": "freight", "payee": "other", "amount": 10_001}], "lines_invalid", "lines[0].shares"),
        ([{"kind": "freight", "payee": "shop", "amount": 1}], "lines_invalid", "lines[0].shares[0].payee"),
        ([{"kind": "freight", "payee": "house", "amount": 1}], "lines_invalid", "lines[0].shares[0].payee"),
        ([{"kind": "freight", "payee": "other", "amount": 1}] * 11, "lines_invalid", "lines[0].shares"),
        ([{"kind": "freight", "payee": "other"}], "field_missing", "lines[0].shares[0].amount"),
        ([{"kind": "freight", "payee": "other", "amount": 1, "x": 1}], "field_unknown", "lines[0].shares[0].x"),
    ],
)
def test_shares_that_make_no_sense_are_refused(street: Street, shares: list[Any], code: str, param: str) -> None:
    for share in shares:
        share["payee"] = street.id(share["payee"]) if share["payee"] in street.parties else share["payee"]
    line = {"seller": street.id("shop"), "amount": 10_000, "shares": shares}
    answer = street.api.try_post("market", "/v1/payments", {"currency": "USD", "amount": 10_000, "lines": [line]})
    assert error(answer) == (400, code, param)


def test_a_share_of_nobodys_is_unknown(street: Street) -> None:
    shares = [{"kind": "freight", "payee": "pty_" + "0" * 26, "amount": 1}]
    line = {"seller": street.id("shop"), "amount": 10_000, "shares": shares}
    answer = street.api.try_post("market", "/v1/payments", {"currency": "USD", "amount": 10_000, "lines": [line]})
    assert error(answer)[:2] == (404, "object_not_found")


def test_a_reserve_tells_its_formula_and_its_end(street: Street) -> None:
    api = street.api
    api.post_raw("house", "/v1/policies", preset_text("amazon-like"))
    trade = street.sell()
    kept = api.get("shop", path(trade))["reserve"]
    assert (kept["currency"], kept["amount"], kept["until"]) == ("USD", 0, None)
    assert kept["formula"].startswith("100 % of the 0.00 USD released so far, for 7 days")
    api.post("shop", path(trade, "ship"))
    done = api.post("fang", path(trade, "confirm"))
    assert done["reserve"] is None
    seen = api.get("shop", path(trade))
    assert (seen["reserve"]["amount"], seen["reserve"]["until"]) == (9_750, seen["clock"]["due"])
    assert seen["reserve"]["formula"].startswith("100 % of the 97.50 USD released so far")
    assert seen["clock"]["silence"] == "free_reserve"
    wallet = api.get("shop", "/v1/balances")["data"][0]
    assert (wallet["available"], wallet["reserve"], wallet["owed"]) == (0, 9_750, 0)
    moved = api.get("shop", "/v1/entries")["data"][0]["movements"]
    assert {movement["account"] for movement in moved} == {"wallet", "reserve"}
    street.now = seen["clock"]["due"] * SECOND + SECOND
    street.silence()
    assert api.get("shop", "/v1/balances")["data"][0]["available"] == 9_750
