"""More flows that are broken at every write: claims, disputes with evidence, debts, plans, and what two sides agree."""

from base64 import b64encode
from typing import Any

from tests.faults.stepped import Play

IMAGE = b"\x89PNG\r\n\x1a\n".ljust(9_000, b"\0")
PHOTO = {"kind": "file", "name": "half.png", "media_type": "image/png", "file": b64encode(IMAGE).decode()}


def _sold(play: Play, amount: int = 10_000, **line: Any) -> str:
    """A trade that Fang has paid, and that the shop has sent."""
    lines = [{"seller": play.id["shop"], "amount": amount, "title": "Lamp"} | line]
    payment = play.post("market", "/v1/payments", {"currency": "USD", "amount": amount, "lines": lines})
    play.post("fang", f"/v1/payments/{payment['id']}/pay")
    trade: str = payment["lines"][0]["trade"]
    play.post("shop", f"/v1/trades/{trade}/ship", {"tracking": "1Z-42"})
    return trade


def _asked(play: Play, trade: str, **more: Any) -> str:
    claim = play.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described", "words": "Broken."} | more)
    return f"/v1/claims/{claim['id']}"


def claim_settled_by_an_offer(play: Play) -> None:
    trade = _sold(play)
    claim = _asked(play, trade, amount=5_000)
    play.post("fang", f"{claim}/change", {"amount": 6_000, "words": "It is worse."})
    play.post("shop", f"{claim}/offer", {"amount": 2_000, "answer": "A fifth."})
    play.post("fang", f"{claim}/accept")
    play.post("fang", f"/v1/trades/{trade}/confirm")


def claim_with_goods_sent_back(play: Play) -> None:
    claim = _asked(play, _sold(play), goods="return")
    play.post("shop", f"{claim}/agree")
    play.post("fang", f"{claim}/send_back", {"tracking": "CN-7"})
    play.post("shop", f"{claim}/receive")


def claim_answered_by_silence(play: Play) -> None:
    """One is withdrawn; to the other the seller says nothing until the clock decides."""
    first, second = _sold(play), _sold(play, 4_000)
    play.post("fang", f"{_asked(play, first)}/withdraw")
    _asked(play, second)
    play.advance(20)


def disputed_decided_and_appealed(play: Play) -> None:
    trade = _sold(play)
    play.post("shop", f"{_asked(play, trade, amount=6_000)}/refuse", {"answer": "It was whole."})
    dispute = play.post("fang", "/v1/disputes", {"trade": trade})
    path = f"/v1/disputes/{dispute['id']}"
    shown = play.post("fang", f"{path}/evidence", PHOTO)
    play.post("shop", f"{path}/evidence", {"kind": "tracking", "text": "1Z-42"})
    play.post("fang", f"{path}/rest")
    play.post("shop", f"{path}/rest")
    part = {"outcome": "part", "amount": 5_000, "reasons": "Half of it is missing."}
    decided = play.post("house", f"{path}/decide", part)
    if decided["state"] == "proposed":
        play.post("lead", f"{path}/approve")
    play.post("shop", f"{path}/appeal", {"reasons": "See the weight."})
    again = play.post("chief", f"{path}/decide", part | {"amount": 3_000})
    assert again["state"] == "final"
    assert play.get("fang", f"/v1/evidence/{shown['id']}/content").content == IMAGE


def disputed_and_conceded(play: Play) -> None:
    trade = _sold(play)
    dispute = play.post("fang", "/v1/disputes", {"trade": trade, "amount": 3_333})
    play.post("shop", f"/v1/disputes/{dispute['id']}/concede")
    play.post("fang", f"/v1/trades/{trade}/confirm")


def debt_advanced_netted_and_written_off(play: Play) -> None:
    """The shop has paid out what it must give back: the operator advances it, and is paid by the next sale."""
    trade = _sold(play)
    play.post("fang", f"/v1/trades/{trade}/confirm")
    play.post("shop", "/v1/payouts", {"currency": "USD", "amount": 9_750})
    play.post("shop", f"{_asked(play, trade)}/agree")
    play.post("shop", "/v1/payments", {"currency": "USD", "amount": 1_000, "payer": play.id["fang"]})
    given_up = {"party": play.id["shop"], "currency": "USD", "amount": 500, "reason": "A gift."}
    play.post("house", "/v1/write_offs", given_up)
    assert play.get("shop", "/v1/receivables").json()["data"] != []


def released_in_parts_as_agreed(play: Play) -> None:
    first, second = _sold(play), _sold(play, 4_000)
    play.post("fang", f"/v1/trades/{first}/release", {"amount": 2_500})
    play.post("fang", f"/v1/trades/{first}/extend")
    play.post("shop", f"/v1/trades/{second}/propose", {"kind": "cancel"})
    play.post("fang", f"/v1/trades/{second}/agree", {"kind": "cancel"})
    play.post("fang", f"/v1/trades/{first}/confirm")


def paid_out_by_plan(play: Play) -> None:
    play.post("shop", "/v1/payout_plans", {"currency": "USD", "every": "day"})
    play.post("shop", "/v1/payments", {"currency": "USD", "amount": 10_000, "payer": play.id["fang"]})
    play.advance(1)
    play.post("shop", "/v1/payments", {"currency": "USD", "amount": 4_000, "payer": play.id["fang"]})
    play.advance(2)


QUARRELS = (
    claim_settled_by_an_offer,
    claim_with_goods_sent_back,
    claim_answered_by_silence,
    disputed_decided_and_appealed,
    disputed_and_conceded,
    debt_advanced_netted_and_written_off,
    released_in_parts_as_agreed,
    paid_out_by_plan,
)
"""In the order in which they are run."""
