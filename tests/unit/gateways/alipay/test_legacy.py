"""The guaranteed trade of the first interface: signed with MD5 or RSA, held, sent, confirmed, quarrelled about."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace as with_fields
from tests.unit.gateways.alipay.counter import Counter
from tests.unit.gateways.alipay.shop_of_2010 import KEY, OldShop, error, signing_text

from handfast.core.clocks import DAY
from handfast.core.errors import CODES
from handfast.domain.checkouts import CHECKOUTS
from handfast.domain.claims import CLAIM_STATES, AskClaim, MoveClaim, OfferPart, RefuseClaim, SendBack, withdraw
from handfast.domain.claims import agree as agree_claim
from handfast.domain.claims import receive as receive_claim
from handfast.domain.payments import PAYMENT_STATES, RefundPayment
from handfast.domain.trades import TRADE_STATES, ConfirmTrade
from handfast.gateways.alipay import Alipay
from handfast.gateways.alipay.legacy import LegacyCashier
from handfast.gateways.alipay.legacy.answers import ERRORS, REFUSALS
from handfast.gateways.alipay.legacy.finding import people, sale_of
from handfast.gateways.alipay.legacy.partners import md5_sign
from handfast.gateways.alipay.legacy.states import BY_CLAIM, BY_PAYMENT, BY_TRADE, notice_fields
from handfast.gateways.alipay.numbers import number_of
from handfast.store.reader import get

CREATE, SEND = "create_partner_trade_by_buyer", "send_goods_confirm_by_platform"
QUERY, CLOSE = "single_trade_query", "close_trade"


@pytest.fixture
def shop(counter: Counter) -> OldShop:
    return OldShop(counter)


def sent(shop: OldShop) -> Any:
    checkout = shop.sold()
    shop.told(SEND, trade_no=number_of(checkout), logistics_name="SF", invoice_no="123")
    return checkout


def test_the_tables_know_every_state() -> None:
    assert BY_PAYMENT.keys() == PAYMENT_STATES.keys()
    assert BY_TRADE.keys() == TRADE_STATES.keys()
    assert BY_CLAIM.keys() == CLAIM_STATES.keys()
    assert REFUSALS.keys() == CODES.keys()
    assert set(REFUSALS.values()) <= ERRORS.keys()


@pytest.mark.parametrize("sign_type", ["MD5", "RSA"])
def test_sold_sent_and_confirmed(shop: OldShop, sign_type: str) -> None:
    counter = shop.counter
    checkout = shop.looked_at()
    assert shop.stands(checkout) == ("WAIT_BUYER_PAY", "")
    counter.pays(checkout)
    assert shop.stands(checkout) == ("WAIT_SELLER_SEND_GOODS", "")
    assert counter.wallet(counter.fang, "CNY") == 1_000_000 - 6_500
    assert counter.wallet(counter.shop, "CNY") == 100_000
    told = shop.told(SEND, sign_type, trade_no=number_of(checkout), logistics_name="SF", invoice_no="123")
    assert (told["trade_status"], told["total_fee"]) == ("WAIT_BUYER_CONFIRM_GOODS", "65.00")
    assert (told["subject"], told["receive_name"], told["quantity"]) == ("Tea & 茶 <1>", "Fang Lin", "3")
    counter.do(ConfirmTrade(counter.fang, shop.trade(checkout)))
    assert shop.stands(checkout) == ("TRADE_FINISHED", "")
    assert counter.wallet(counter.shop, "CNY") == 100_000 + 6_500 - 162  # 2.5 % commission of 65.00, half to even


def test_the_clocks_go_on_in_silence(shop: OldShop) -> None:
    checkout = sent(shop)
    shop.counter.now += 60 * DAY
    assert shop.counter.silence() == 1
    assert shop.stands(checkout) == ("TRADE_FINISHED", "")
    unsent = shop.sold("o_2")
    shop.counter.now += 60 * DAY
    shop.counter.silence()
    assert shop.stands(unsent) == ("TRADE_CLOSED", "REFUND_SUCCESS")


def test_a_claim_in_the_words_of_that_time(shop: OldShop) -> None:
    counter, checkout = shop.counter, sent(shop)
    fang, seller, trade = counter.fang, counter.shop, shop.trade(checkout)
    asked = AskClaim(fang, trade, "not_as_described", "return", 2_000)
    claim = counter.do(asked)
    assert shop.stands(checkout) == ("WAIT_BUYER_CONFIRM_GOODS", "WAIT_SELLER_AGREE")
    counter.do(RefuseClaim(seller, claim.id))
    assert shop.stands(checkout)[1] == "SELLER_REFUSE_BUYER"
    counter.do(MoveClaim(fang, claim.id), withdraw.name)
    assert shop.stands(checkout)[1] == "REFUND_CLOSED"
    counter.now += 1_000_000
    claim = counter.do(asked)
    counter.do(OfferPart(seller, claim.id, 500))
    assert shop.stands(checkout)[1] == "SELLER_REFUSE_BUYER"
    counter.do(MoveClaim(fang, claim.id), withdraw.name)
    counter.now += 1_000_000
    claim = counter.do(asked)
    counter.do(MoveClaim(seller, claim.id), agree_claim.name)
    assert shop.stands(checkout)[1] == "WAIT_BUYER_RETURN_GOODS"
    counter.do(SendBack(fang, claim.id, "SF 9"))
    assert shop.stands(checkout)[1] == "WAIT_SELLER_CONFIRM_GOODS"
    counter.do(MoveClaim(seller, claim.id), receive_claim.name)
    assert shop.stands(checkout) == ("WAIT_BUYER_CONFIRM_GOODS", "REFUND_SUCCESS")
    assert counter.wallet(fang, "CNY") == 1_000_000 - 4_500


def test_refunded_by_the_shop(shop: OldShop) -> None:
    checkout = shop.sold()
    shop.counter.do(RefundPayment(shop.counter.shop, checkout, shop.trade(checkout)))
    assert shop.stands(checkout) == ("TRADE_CLOSED", "REFUND_SUCCESS")


def test_closed_before_it_is_paid(shop: OldShop) -> None:
    checkout = shop.looked_at()
    answer = shop.send(shop.signed(CLOSE, out_order_no="o_1", trade_role="S"))
    assert b"<is_success>T</is_success>" in answer.content
    assert shop.stands(checkout) == ("TRADE_CLOSED", "")
    assert shop.refused(CLOSE, out_order_no="o_1") == "TRADE_STATUS_NOT_AVAILD"
    assert shop.refused(CLOSE, out_order_no="o_9") == "TRADE_NOT_EXIST"


def test_who_pays_the_freight(shop: OldShop) -> None:
    for n, (payment, fee, total) in enumerate(
        [("SELLER_PAY", "5.00", "60.00"), ("BUYER_PAY_AFTER_RECEIVE", "5.00", "60.00"), ("BUYER_PAY", "0.00", "60.00")]
    ):
        checkout = shop.looked_at(f"f_{n}", logistics_payment=payment, logistics_fee=fee)
        assert shop.told(QUERY, trade_no=number_of(checkout))["total_fee"] == total


def test_what_is_refused(shop: OldShop) -> None:
    order = shop.order()
    for change in (
        *({"price": "0"}, {"price": "1.001"}, {"quantity": 0}, {"quantity": "many"}, {"discount": "-1.00"}),
        *({"logistics_type": "DRONE"}, {"logistics_payment": ""}, {"seller_id": "2088000000000000"}),
        *({"price": "99999999.00"}, {"it_b_pay": "soon"}, {"notify_url": "ftp://shop"}, {"payment_type": "2"}),
        {"logistics_fee": "x"},
    ):
        assert shop.refused(CREATE, **{**order, **change}) == "ILLEGAL_ARGUMENT", change
    shop.sold()
    assert shop.refused(CREATE, **{**order, "subject": "Coffee"}) == "TRADE_DATA_MATCH_ERROR"
    assert shop.refused(SEND, trade_no="1" * 33, logistics_name="SF") == "TRADE_NOT_EXIST"
    assert shop.refused("pay_everything") == "ILLEGAL_SERVICE"
    waits = number_of(shop.looked_at("o_2"))
    assert shop.refused(SEND, trade_no=waits, logistics_name="SF") == "TRADE_STATUS_NOT_AVAILD"


def test_signatures(shop: OldShop) -> None:
    good = shop.signed(QUERY, out_trade_no="o_1")
    assert error(shop.send(good | {"sign": "0" * 32})) == "ILLEGAL_SIGN"
    assert error(shop.send(good | {"out_trade_no": "o_2"})) == "ILLEGAL_SIGN"
    assert error(shop.send(good | {"sign_type": "RSA"})) == "ILLEGAL_SIGN"
    assert error(shop.send(good | {"sign_type": "DSA"})) == "ILLEGAL_SIGN_TYPE"
    assert error(shop.send(good | {"partner": "2088000000000000"})) == "ILLEGAL_PARTNER"
    assert error(shop.send(good | {"_input_charset": "latin"})) == "ILLEGAL_CHARSET"
    assert error(shop.send(good)) == "TRADE_NOT_EXIST"


def test_a_partner_without_keys_and_a_house_without_md5(counter: Counter) -> None:
    shop = OldShop(counter, md5_key="", rsa_key=False)
    assert shop.refused(QUERY, out_trade_no="o_1") == "ILLEGAL_SIGN_TYPE"
    assert shop.refused(QUERY, "RSA", out_trade_no="o_1") == "ILLEGAL_SIGN_TYPE"


def test_md5_can_be_refused(shop: OldShop) -> None:
    counter = shop.counter
    settings = with_fields(counter.settings, alipay_md5=False)
    counter.client._transport.app = Alipay(replace(counter.services, settings=settings))  # type: ignore[attr-defined]
    assert shop.refused(QUERY, out_trade_no="o_1") == "ILLEGAL_SIGN_TYPE"
    assert shop.refused(QUERY, "RSA", out_trade_no="o_1") == "TRADE_NOT_EXIST"


def test_gbk(shop: OldShop) -> None:
    params = shop.signed(CREATE, _input_charset="gbk", **shop.order(subject="茶"))
    assert shop.send(params).status_code == 302


def test_a_notification_can_be_verified(shop: OldShop) -> None:
    checkout = shop.sold()
    events = shop.counter.reader.rows("SELECT id FROM events WHERE type = ?", ("payment.captured",))
    ask = {"service": "notify_verify", "partner": shop.partner, "_input_charset": "utf-8"}
    assert shop.send(ask | {"notify_id": events[-1][0].hex()}).text == "true"
    assert shop.send(ask | {"notify_id": number_of(checkout)}).text == "false"
    other = shop.counter.sold("x_1")
    event = shop.counter.thing(other["trade_no"])[:13] + (1).to_bytes(3, "big")
    assert shop.send(ask | {"notify_id": event.hex()}).text == "false"


def test_the_fields_of_a_notification(shop: OldShop) -> None:
    counter, checkout = shop.counter, shop.sold()
    counter.do(RefundPayment(counter.shop, checkout, shop.trade(checkout)))
    row = get(counter.reader, CHECKOUTS, checkout)
    assert row is not None
    sale = sale_of(counter.reader, row)
    assert sale is not None
    fields = notice_fields(sale, {"subject": "茶"}, people(counter.services, counter.reader, row), "n1", 0, DAY)
    assert (fields["trade_status"], fields["refund_status"]) == ("TRADE_CLOSED", "REFUND_SUCCESS")
    assert (fields["gmt_refund"], fields["notify_time"]) == ("1970-01-01 08:00:00", "1970-01-02 08:00:00")
    assert fields["gmt_close"] == "1970-01-01 08:00:00"


def test_the_way_back_to_the_shop(shop: OldShop) -> None:
    counter = shop.counter
    checkout = shop.sold(return_url="https://shop.example/back?a=1")
    row = get(counter.reader, CHECKOUTS, checkout)
    assert row is not None
    cashier = LegacyCashier(counter.services)
    assert cashier.subject(counter.reader, row) == ("Tea & 茶 <1>", "")
    found = dict(parse_qsl(urlsplit(cashier.return_url(counter.reader, row)).query))
    assert found.pop("a") == "1"
    assert (found["is_success"], found["trade_status"]) == ("T", "WAIT_SELLER_SEND_GOODS")
    assert found["sign"] == md5_sign(signing_text(found).encode(), KEY)
