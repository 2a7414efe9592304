"""Every event of a sale has a sentence: what can happen to trades, claims and disputes is played, and then read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.gateways.native.street import Street

from handfast.domain.policies import preset_text
from handfast.gateways.native.telling import SAYS

SECOND = 1_000_000
DOCUMENTED = re.findall(r"^\| `([\w.]+)` \|", (Path(__file__).parents[4] / "docs/events.md").read_text(), re.MULTILINE)


def test_every_event_of_a_sale_has_a_sentence() -> None:
    things = {"trade", "claim", "dispute", "evidence", "refund"}
    assert sorted(SAYS) == [event for event in DOCUMENTED if event.partition(".")[0] in things]


class Sale:
    """A trade of USD 100.00 and what is done to it."""

    def __init__(self, street: Street, **line: Any) -> None:
        self._street = street
        self.trade = street.sell(**line)
        self.claim = ""

    def do(self, who: str, act: str, **body: Any) -> Any:
        return self._street.api.post(who, f"/v1/trades/{self.trade}/{act}", body)

    def ask(self, **body: Any) -> None:
        wanted = {"trade": self.trade, "reason": "not_as_described", "amount": 4_000} | body
        self.claim = self._street.api.post("fang", "/v1/claims", wanted)["id"]

    def answer(self, who: str, act: str, **body: Any) -> Any:
        return self._street.api.post(who, f"/v1/claims/{self.claim}/{act}", body)

    def dispute(self, who: str = "fang") -> Any:
        return self._street.api.post(who, "/v1/disputes", {"trade": self.trade})

    def wait(self) -> None:
        """Let the trade's open step run out."""
        due = self._street.api.get("house", f"/v1/trades/{self.trade}")["clock"]["due"]
        self._street.now = due * SECOND + SECOND
        self._street.silence()

    def told(self) -> list[tuple[str, str]]:
        found = self._street.api.get("house", f"/v1/trades/{self.trade}/timeline")["data"]
        return [(moment["type"], moment["says"]) for moment in found]


def told(street: Street, *sales: Sale) -> dict[str, str]:
    return {kind: says for sale in sales for kind, says in sale.told()}


def publish(street: Street, **changes: Any) -> None:
    """Put the default book in force, with its express policy changed."""
    text = json.loads(preset_text("taobao"))
    (policy,) = (each for each in text["policies"] if each["name"] == "taobao-express")
    policy |= {"version": 2, **changes}
    street.api.post("house", "/v1/policies", text)


def test_what_is_agreed_extended_and_released(street: Street) -> None:
    kept = {"share_bps": 1_000, "period": {"length": 7, "unit": "days"}}
    ship = {"within": {"length": 5, "unit": "days"}, "silence": "extend", "again": 1, "then": "refund"}
    publish(street, reserve=kept, ship=ship)
    sale = Sale(street)
    later = street.now // SECOND + 86_400
    sale.do("shop", "propose", kind="amend", due=later)
    sale.do("fang", "drop")
    sale.do("shop", "propose", kind="amend", due=later)
    sale.do("fang", "agree", kind="amend", due=later)
    sale.wait()
    sale.do("fang", "release", amount=1_000)
    sale.do("shop", "ship", tracking="SF1")
    sale.do("shop", "deliver")
    sale.do("shop", "extend")
    sale.wait()
    sale.wait()
    sale.wait()
    service = Sale(street, delivery="service")
    service.do("shop", "ship")
    service.do("fang", "confirm")
    assert [says for _, says in sale.told()] == [
        "100.00 USD were paid, and are held for the trade.",
        "The seller proposed that the open step end at 2014-10-29 00:00 UTC.",
        "The proposal was dropped.",
        "The seller proposed that the open step end at 2014-10-29 00:00 UTC.",
        "Both sides agreed: the open step ends otherwise from now on. Its open step ends at 2014-10-29 00:00 UTC.",
        "Nobody acted, and the open step was extended. Its open step ends at 2014-11-03 00:00 UTC.",
        "The buyer let the seller have 10.00 USD already.",
        "The seller shipped (SF1).",
        "The carrier delivered the goods.",
        "The seller extended the open step. Its open step ends at 2014-11-11 00:00 UTC.",
        "90.00 USD went to the seller; nothing is held any more.",
        "The time of the seller's reserve was over.",
        "The time for refunds was over: the trade is finished.",
    ]
    assert (
        told(street, service)["trade.milestone_released"] == "Milestone 1 was released: 30.00 USD went to the seller."
    )


def test_what_two_sides_settle(street: Street) -> None:
    api = street.api
    other = Sale(street)
    first = api.get("house", f"/v1/trades/{other.trade}")["policy"]["id"]
    publish(street, claim_unshipped={"length": 0, "unit": "hours"})
    other.do("fang", "propose", kind="cancel")
    other.do("shop", "agree", kind="cancel")
    sale = Sale(street)
    sale.do("fang", "propose", kind="amend", policy=first)
    sale.do("shop", "agree", kind="amend", policy=first)
    sale.do("shop", "ship")
    sale.ask(goods="return")
    sale.answer("fang", "change", amount=3_000)
    sale.answer("shop", "offer", amount=1_000, goods="return")
    sale.answer("fang", "accept")
    sale.answer("fang", "send_back", tracking="SF2")
    sale.answer("shop", "receive")
    sale.ask()
    sale.answer("fang", "withdraw")
    api.post("shop", "/v1/refunds", {"payment": other_payment(street, sale), "trade": sale.trade, "amount": 500})
    assert [says for _, says in sale.told()[1:]] == [
        "The buyer proposed another policy for the trade.",
        "Both sides agreed: another policy counts from now on. Its open step ends at 2014-11-02 00:00 UTC.",
        "The seller shipped.",
        "The clock stopped for the claim.",
        "The buyer asked for 40.00 USD back: it is not as described; the goods are returned.",
        "The buyer changed the claim to 30.00 USD; the buyer keeps the goods.",
        "The seller offered 10.00 USD instead; the goods are returned.",
        "The claim was granted, for the goods; the buyer sends them back.",
        "The buyer sent the goods back (SF2).",
        "The claim was granted: 10.00 USD go back.",
        "10.00 USD went back to the buyer; the trade is shipped.",
        "A refund of 10.00 USD.",
        "The clock stopped for the claim.",
        "The buyer asked for 40.00 USD back: it is not as described; the buyer keeps the goods.",
        "The trade goes on. Its open step ends at 2014-11-07 00:00 UTC.",
        "The buyer withdrew the claim.",
        "5.00 USD went back to the buyer; the trade is shipped.",
        "A refund of 5.00 USD.",
    ]
    cancelled = told(street, other)
    assert cancelled["trade.proposed"] == "The buyer proposed to cancel the trade."
    assert cancelled["trade.refunded"] == "100.00 USD went back to the buyer; all is given back, and the trade is over."


def other_payment(street: Street, sale: Sale) -> str:
    payment: str = street.api.get("house", f"/v1/trades/{sale.trade}")["payment"]
    return payment


@pytest.mark.parametrize(
    ("outcome", "amount", "says"),
    [
        ("refund", None, "all that is left, 100.00 USD, goes back to the buyer"),
        ("part", 4_000, "40.00 USD go back to the buyer, and the trade goes on"),
        ("split", 4_000, "40.00 USD go back to the buyer, and the rest goes to the seller"),
        ("release", None, "the money goes to the seller"),
        ("dismiss", None, "nothing goes back, and the trade goes on"),
    ],
)
def test_what_a_handler_decides(street: Street, outcome: str, amount: int | None, says: str) -> None:
    """By a policy that has two persons agree to everything, and a dispute opened by silence."""
    disputing = json.loads(preset_text("taobao"))["policies"][2]["disputing"] | {"second_eyes": {"*": 0}}
    step = {"within": {"length": 10, "unit": "days"}, "silence": "dispute"}
    publish(street, disputing=disputing, confirm=step)
    sale = Sale(street)
    sale.do("shop", "ship")
    sale.wait()
    (opened,) = street.api.get("house", "/v1/disputes/queue")["data"]
    path = f"/v1/disputes/{opened['id']}"
    for who in ("fang", "shop"):
        street.api.post(who, f"{path}/rest")
    body = {"outcome": outcome, "reasons": "r"} | ({} if amount is None else {"amount": amount})
    for act in ("reject", "approve"):
        street.api.post("house", f"{path}/decide", body)
        street.api.post("lead", f"{path}/{act}")
    for who in ("fang", "shop"):
        street.api.post(who, f"{path}/accept")
    found = told(street, sale)
    assert found["dispute.opened"] == "Nobody acted, and a dispute opened about 100.00 USD."
    assert found["dispute.proposed"] == "A decision was proposed; a second person has to agree."
    assert found["dispute.rejected"] == "The second person did not agree to the proposed decision."
    assert found["dispute.decided"] == f"The case handler decided: {says}."
    assert found["dispute.accepted"] == "The buyer accepted the decision."
    assert found["dispute.final"] == f"The dispute ended: {says}."


def test_what_ends_without_a_decision(street: Street) -> None:
    sale = Sale(street)
    sale.do("shop", "ship")
    sale.ask()
    sale.answer("shop", "refuse")
    opened = sale.dispute("shop")
    street.api.post("house", f"/v1/disputes/{opened['id']}/evidence", {"kind": "message", "text": "Tell us more."})
    street.api.post("fang", f"/v1/disputes/{opened['id']}/withdraw")
    found = told(street, sale)
    assert found["dispute.opened"] == "The seller opened a dispute about 40.00 USD."
    assert found["evidence.added"] == "The case handler showed a message."
    assert found["dispute.withdrawn"] == "The buyer withdrew from the dispute."
    assert found["claim.closed"] == "The claim ended without effect."
