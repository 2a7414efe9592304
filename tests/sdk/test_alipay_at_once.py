"""Many at once over HTTP: no more is refunded than was paid, and what is repeated happens once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.sdk.driver import Driver, python_driver
from tests.sdk.environments import python_of
from tests.sdk.served import Box, Sdk
from tests.sdk.test_alipay_journeys import PAY, QUERY, REFUND, ok, order

PEOPLE = 3


def at_once(box: Box, first: Driver, method: str, plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to calls that several processes make at the same time."""
    drivers = [first, *(python_driver(python_of("python-alipay-sdk"), "python_alipay_sdk") for _ in range(PEOPLE - 1))]
    shares = [plans[n::PEOPLE] for n in range(PEOPLE)]

    def run(n: int) -> list[dict[str, Any]]:
        sdk = Sdk("community", drivers[n], box)
        return [sdk.call(method, plan) for plan in shares[n]]

    with ThreadPoolExecutor(PEOPLE) as pool:
        answers = [answer for told in pool.map(run, range(PEOPLE)) for answer in told]
    for driver in drivers[1:]:
        driver.close()
    return answers


def sold(box: Box, community: Driver, amount: str) -> str:
    sale = order(amount, scene="bar_code", auth_code=box.shows_code())
    ok(Sdk("community", community, box).call(PAY, sale))
    number: str = sale["out_trade_no"]
    return number


def test_many_refunds_at_once_give_back_what_was_paid(box: Box, community: Driver) -> None:
    number = sold(box, community, "10.00")
    plans = [{"out_trade_no": number, "refund_amount": "2.00", "out_request_no": f"r{n}"} for n in range(12)]
    codes = [answer.get("sub_code", "") for answer in at_once(box, community, REFUND, plans)]
    assert sorted(codes) == [""] * 5 + ["ACQ.REASON_TRADE_REFUND_FEE_ERR"] * 7
    told = ok(Sdk("community", community, box).call(QUERY, {"out_trade_no": number}))
    assert told["trade_status"] == "TRADE_CLOSED"


def test_one_refund_asked_many_times_at_once_is_made_once(box: Box, community: Driver) -> None:
    number = sold(box, community, "10.00")
    plan = {"out_trade_no": number, "refund_amount": "4.00", "out_request_no": "r"}
    answers = [ok(answer) for answer in at_once(box, community, REFUND, [plan] * 9)]
    assert sorted(answer["fund_change"] for answer in answers) == ["N"] * 8 + ["Y"]
    assert {answer["refund_fee"] for answer in answers} == {"4.00"}


def test_one_payment_code_at_many_tills_pays_once(box: Box, community: Driver) -> None:
    code = box.shows_code()
    plans = [order("1.00", scene="bar_code", auth_code=code) for _ in range(9)]
    codes = [answer.get("sub_code", "") for answer in at_once(box, community, PAY, plans)]
    assert sorted(codes) == ["", *["ACQ.PAYMENT_AUTH_CODE_INVALID"] * 8]
