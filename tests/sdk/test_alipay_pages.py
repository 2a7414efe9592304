"""Pages with each unmodified SDK: the buyer is led to the cashier, and returns with fields that the SDK verifies."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.sdk.driver import Driver, SdkError
from tests.sdk.served import Box, Sdk
from tests.sdk.test_alipay_journeys import QUERY, SUBJECT, ok, order

RETURN = "http://shop.example/back?session=a%26b"
PAGES = {
    "alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY",
    "alipay.trade.wap.pay": "QUICK_WAP_WAY",
}


def fields_of(address: str) -> dict[str, str]:
    """The fields that came back, after the shop's own."""
    assert address.startswith(RETURN + "&")
    return dict(parse_qsl(urlsplit(address).query.removeprefix("session=a%26b&"), strict_parsing=True))


def check(sdk: Sdk, address: str, asked: dict[str, Any], method: str) -> None:
    fields = fields_of(address)
    paid = ok(sdk.call(QUERY, {"out_trade_no": asked["out_trade_no"]}))
    assert paid["trade_status"] == "TRADE_SUCCESS"
    assert fields["trade_no"] == paid["trade_no"]
    assert (fields["total_amount"], fields["method"]) == ("88.88", f"{method}.return")
    assert (fields["app_id"], fields["seller_id"]) == (sdk.box.alipay["app_id"], sdk.box.alipay["seller_id"])
    assert "trade_status" not in fields


@pytest.mark.parametrize("method", PAGES)
def test_the_official_sdk(box: Box, official: Driver, method: str) -> None:
    sdk = Sdk("official", official, box)
    asked = order(product_code=PAGES[method])
    address = official.do("page", config=sdk.official(), method=method, biz=asked, options={"return_url": RETURN})
    back = box.opens(address)
    check(sdk, back, asked, method)
    params = fields_of(back)
    assert official.do("check_notice", public_key=box.server_key, params=params, charset=params["charset"])
    params["total_amount"] = "0.01"
    with pytest.raises(SdkError, match="VerificationError"):
        official.do("check_notice", public_key=box.server_key, params=params, charset=params["charset"])


@pytest.mark.parametrize("method", PAGES)
def test_the_community_sdk(box: Box, community: Driver, method: str) -> None:
    sdk = Sdk("community", community, box)
    asked = order()
    plan = {**asked, "return_url": RETURN}
    query = community.do("call", config=sdk.community(), gateway="", method=method, biz=plan)
    back = box.opens(f"https://openapi.alipay.com/gateway.do?{query}")
    check(sdk, back, asked, method)
    assert community.do("check_notice", config=sdk.community(), params=fields_of(back))


@pytest.mark.parametrize("method", PAGES)
def test_the_npm_sdk(box: Box, npm: Driver, method: str) -> None:
    sdk = Sdk("npm", npm, box)
    asked = order(product_code=PAGES[method])
    params = {"bizContent": asked, "returnUrl": RETURN}
    back = box.opens(npm.do("page", config=sdk.npm(), method=method, params=params))
    check(sdk, back, asked, method)
    assert npm.do("notice", config=sdk.npm(), params=fields_of(back), raw=False)


def test_an_order_string_of_an_app(box: Box, official: Driver, community: Driver, npm: Driver) -> None:
    """What the merchant's server signs and its app hands to the wallet."""
    strings = []
    for sdk in (Sdk("community", community, box), Sdk("npm", npm, box)):
        asked = order("1.00", product_code="QUICK_MSECURITY_PAY")
        biz = {name: text for name, text in asked.items() if name != "product_code"}
        method = "alipay.trade.app.pay"
        if sdk.name == "community":
            string = community.do("call", config=sdk.community(), gateway="", method=method, biz=biz)
        else:
            string = npm.do("string", config=sdk.npm(), method=method, params={"bizContent": asked})
        strings.append(string)
        assert box.opens(string) == ""
        paid = ok(sdk.call(QUERY, {"out_trade_no": asked["out_trade_no"]}))
        assert (paid["trade_status"], paid["subject"]) == ("TRADE_SUCCESS", SUBJECT)
    assert all(string.count("sign=") == 1 for string in strings)
