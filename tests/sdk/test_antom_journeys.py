"""A shop's day with Antom's unmodified SDK, set to the vendor's own address, against a served sandbox."""

import html
import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.sdk.driver import Driver, SdkError
from tests.sdk.environments import python_of
from tests.sdk.pair import Pair
from tests.sdk.served import HANDFAST, Box
from tests.unit.gateways.fronts import front

from handfast.gateways.intercept import variables
from handfast.sandbox import scanning
from handfast.sandbox.playing import playing

TEXT = '茶 {"a": [1]} & "two" } { + = % \\ \'x\' <b>'
CALLS = {
    "pay": "pay.alipay_pay_request.AlipayPayRequest",
    "session": "pay.alipay_payment_session_request.AlipayPaymentSessionRequest",
    "consult": "pay.alipay_pay_consult_request.AlipayPayConsultRequest",
    "inquiry": "pay.alipay_pay_query_request.AlipayPayQueryRequest",
    "refund": "pay.alipay_refund_request.AlipayRefundRequest",
    "inquiryRefund": "pay.alipay_inquiry_refund_request.AlipayInquiryRefundRequest",
    "cancel": "pay.alipay_pay_cancel_request.AlipayPayCancelRequest",
    "capture": "pay.alipay_capture_request.AlipayCaptureRequest",
    "rate": "pay.alipay_inquire_exchange_rate_request.AlipayInquireExchangeRateRequest",
    "vault": "pay.alipay_vaulting_session_request.AlipayVaultingSessionRequest",
}
_numbers = count(1)


class Shop:
    """The SDK with one of the sandbox's clients."""

    def __init__(self, box: Box, do: Callable[..., Any], ports: dict[str, int]) -> None:
        self.told = json.loads((box.data / "sandbox.json").read_bytes())["antom"]
        self._data = box.data
        self._do = do
        self._ports = ports
        self.key = Path(self.told["private_key"]).read_text().strip()

    def call(self, name: str, client: str = "sandbox_client_id", **members: Any) -> dict[str, Any]:
        """The members of an answer that the SDK verified."""
        config = {
            "client_id": self.told[client],
            "merchant_private_key": self.key,
            "alipay_public_key": Path(self.told["public_key"]).read_text().strip(),
        }
        url = "https://open-sea-global.alipay.com"
        read = self._do("ams", url=url, config=config, call=CALLS[name], members=members, ports=self._ports)
        found: dict[str, Any] = json.loads(read)
        return found

    def code(self, name: str, **members: Any) -> str:
        """The result code of an answer."""
        return str(self.call(name, **members)["result"]["resultCode"])

    def pays(self, address: str, currency: str | None = None) -> None:
        """The buyer opens the cashier, and pays."""
        with playing(self._data) as play:
            play.pay_checkout(scanning.checkout_of(address), currency)

    def shows_code(self) -> str:
        """A payment code of the buyer's."""
        with playing(self._data) as play:
            return play.payment_code(confirm=False)


@pytest.fixture(scope="module")
def shop(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with front(tmp_path_factory.mktemp("front"), f"http://127.0.0.1:{box.port}") as doors:
        trust = variables(None, doors.authority, doors.authority)
        interpreter = str(python_of("global-open-sdk-python"))
        driver = Driver([interpreter, "-m", "tests.sdk.drivers.dialling"], **trust)
        yield Shop(box, driver.do, {"443": doors.secure, "80": doors.plain})
        driver.close()


def money(value: int, currency: str = "USD") -> dict[str, str]:
    return {"currency": currency, "value": str(value)}


def order(value: int = 8_888, currency: str = "USD", **more: Any) -> dict[str, Any]:
    return {
        "paymentRequestId": f"{TEXT}{next(_numbers)}",
        "productCode": "CASHIER_PAYMENT",
        "paymentAmount": money(value, currency),
        "order": {"referenceOrderId": TEXT, "orderDescription": TEXT, "orderAmount": money(value, currency)},
        "paymentMethod": {"paymentMethodType": "ALIPAY_CN"},
        "paymentRedirectUrl": "https://shop.example/thanks?x=1",
        "settlementStrategy": {"settlementCurrency": "USD"},
        **more,
    }


@pytest.mark.parametrize("client", ["client_id", "sandbox_client_id"])
def test_paid_at_the_cashier_and_refunded(shop: Shop, client: str) -> None:
    asked = order()
    number = {"paymentRequestId": asked["paymentRequestId"]}
    waits = shop.call("pay", client, **asked)
    assert waits["result"]["resultCode"] == "PAYMENT_IN_PROCESS"
    assert waits["normalUrl"] == waits["redirectActionForm"]["redirectUrl"]
    assert shop.call("inquiry", client, **number)["paymentStatus"] == "PROCESSING"
    shop.pays(waits["normalUrl"])
    paid = shop.call("inquiry", client, **number)
    assert (paid["paymentStatus"], paid["paymentAmount"]) == ("SUCCESS", money(8_888))
    assert paid["paymentRequestId"] == asked["paymentRequestId"]
    part = {"refundRequestId": f"{TEXT}{next(_numbers)}", "paymentId": paid["paymentId"], "refundReason": TEXT}
    first = shop.call("refund", client, **part, refundAmount=money(888))
    assert first["result"]["resultStatus"] == "S"
    assert shop.call("refund", client, **part, refundAmount=money(888)) == first
    changed = shop.call("refund", client, **part, refundAmount=money(887))
    assert changed["result"]["resultCode"] == "REPEAT_REQ_INCONSISTENT"
    found = shop.call("inquiryRefund", client, refundRequestId=part["refundRequestId"])
    assert (found["refundStatus"], found["refundAmount"]) == ("SUCCESS", money(888))
    over = shop.call("refund", client, **part | {"refundRequestId": "over"}, refundAmount=money(8_001))
    assert over["result"]["resultCode"] == "REFUND_AMOUNT_EXCEED"


def test_what_is_refused(shop: Shop) -> None:
    asked = order()
    shop.call("pay", **asked)
    assert shop.code("pay", **asked | {"paymentAmount": money(8_887)}) == "REPEAT_REQ_INCONSISTENT"
    assert shop.code("inquiry", paymentRequestId="none") == "ORDER_NOT_EXIST"
    assert shop.code("inquiryRefund", refundRequestId="none") == "REFUND_NOT_EXIST"
    assert shop.code("pay", **order(productCode="AGREEMENT_PAYMENT")) == "BUSINESS_NOT_SUPPORT"
    assert shop.code("vault", paymentMethodType="CARD") == "BUSINESS_NOT_SUPPORT"


def test_a_wrong_signature_is_refused_with_a_right_one(shop: Shop, app: Pair) -> None:
    own, shop.key = shop.key, app.pem
    result = shop.call("inquiry", paymentRequestId="none")["result"]
    shop.key = own
    assert result["resultCode"] == "INVALID_SIGNATURE"
    assert "POST /ams/sandbox/api/v1/payments/inquiryPayment" in result["resultMessage"]


def test_an_answer_of_somebody_elses_is_not_believed(shop: Shop, app: Pair, tmp_path: Path) -> None:
    own, path = shop.told["public_key"], tmp_path / "other.pem"
    path.write_text(app.public_pem)
    shop.told["public_key"] = str(path)
    with pytest.raises(SdkError, match="verify failed"):
        shop.call("inquiry", paymentRequestId="none")
    shop.told["public_key"] = own


def test_undone_before_and_after_it_was_paid(shop: Shop) -> None:
    for paid in (False, True):
        waits = shop.call("pay", **(asked := order()))
        if paid:
            shop.pays(waits["normalUrl"])
        done = shop.call("cancel", paymentId=waits["paymentId"])
        assert done["result"]["resultStatus"] == "S"
        assert shop.call("inquiry", paymentId=waits["paymentId"])["paymentStatus"] == "CANCELLED"
        assert shop.code("pay", **asked) == "ORDER_IS_CLOSED"


def test_set_aside_and_captured(shop: Shop) -> None:
    waits = shop.call("pay", **order(paymentFactor={"captureMode": "MANUAL"}))
    shop.pays(waits["normalUrl"])
    part = {"captureRequestId": f"c{next(_numbers)}", "paymentId": waits["paymentId"], "captureAmount": money(8_000)}
    taken = shop.call("capture", **part, isLastCapture=True)
    assert taken["captureAmount"] == money(8_000)
    assert shop.call("capture", **part, isLastCapture=True) == taken


def test_in_the_store(shop: Shop) -> None:
    asked = order(
        productCode="IN_STORE_PAYMENT",
        paymentMethod={"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": shop.shows_code()},
        paymentFactor={"inStorePaymentScenario": "PaymentCode"},
    )
    paid = shop.call("pay", **asked)
    assert paid["result"]["resultStatus"] == "S"
    assert shop.call("pay", **asked) == paid


def test_priced_in_one_currency_and_paid_in_another(shop: Shop) -> None:
    (quote,) = shop.call("rate", currencyPairs=[{"sellCurrency": "CNY", "buyCurrency": "USD"}])["quotes"]
    waits = shop.call("pay", **order(paymentQuote={"quoteId": quote["quoteId"]}))
    shop.pays(waits["normalUrl"])
    paid = shop.call("inquiry", paymentId=waits["paymentId"])
    assert paid["paymentQuote"]["quotePrice"] == quote["quotePrice"]
    assert paid["customsDeclarationAmount"]["currency"] == "CNY"
    (option,) = shop.call("consult", productCode="CASHIER_PAYMENT", paymentAmount=money(1))["paymentOptions"]
    assert option["enabled"] is True
    session = shop.call("session", **order())
    shop.pays(session["normalUrl"], "CNY")
    assert shop.call("inquiry", paymentId=session["paymentSessionId"])["paymentQuote"]["quoteCurrencyPair"] == "USD/CNY"


def test_the_cashier_says_what_is_bought(shop: Shop) -> None:
    address = shop.call("pay", **order())["normalUrl"]
    with urlopen(address) as page:
        assert html.escape(TEXT) in page.read().decode().replace("&#34;", "&quot;").replace("&#39;", "&#x27;")


def handfast(*words: object) -> Any:
    done = subprocess.run([HANDFAST, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_by_command(shop: Shop, box: Box, app: Pair, tmp_path: Path) -> None:
    """A client of one's own is registered; the buyer pays what it asks for, in CNY."""
    path = tmp_path / "client.pem"
    path.write_text(app.public_pem)
    seller = json.loads((box.data / "sandbox.json").read_bytes())["sellers"][0]
    told = handfast("antom", "add-client", seller, path, "--data", box.data)
    assert Path(told["server_public_key"]).read_text() == Path(shop.told["public_key"]).read_text()
    kept, shop.told, own, shop.key = shop.told, {**shop.told, **told}, shop.key, app.pem
    asked = order(settlementStrategy={})
    waits = shop.call("pay", **asked)
    shop.told, shop.key = kept, own
    paid = handfast("sandbox", "buyer", "ams-pay", waits["normalUrl"], "--currency", "CNY", "--data", box.data)
    assert paid == {
        "paymentId": waits["paymentId"],
        "paymentRequestId": asked["paymentRequestId"],
        "paymentStatus": "SUCCESS",
        "paymentRedirectUrl": "https://shop.example/thanks?x=1",
    }
