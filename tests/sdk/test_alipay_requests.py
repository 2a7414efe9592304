"""What each Alipay SDK signs and sends arrives: read, verified, and word for word as the merchant wrote it."""

import time
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.driver import Driver, SdkError
from tests.sdk.pair import Pair
from tests.sdk.texts import FEW, texts

from handfast.gateways.alipay import aes, forms
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.forms import Form
from handfast.gateways.alipay.signing import verify_request

FORM = b"application/x-www-form-urlencoded"
NOTIFY = "http://shop.example/notify?a=1&b={x}&c=支付"
AES_KEY = b64encode(bytes(range(16))).decode()

ORDERS = st.fixed_dictionaries({"out_trade_no": texts(), "subject": texts(), "body": texts()})


def now() -> int:
    return time.time_ns() // 1000


def arrived(sent: dict[str, str]) -> Form:
    return forms.read(sent["query"].encode(), sent["body"].encode(), FORM)


def through_npm(npm: Driver, app: Pair, method: str, params: dict[str, Any], **config: Any) -> Form:
    sent = npm.do("send", config={"appId": "2021", "privateKey": app.pem, **config}, method=method, params=params)
    path, query = forms.origin_form(sent["target"].encode())
    assert path == b"/gateway.do"
    return forms.read(query, b64decode(sent["body"]), sent["headers"]["content-type"].encode())


def official_config(app: Pair, server: Pair, **more: str) -> dict[str, str]:
    return {"app_id": "2021", "app_private_key": app.pem, "alipay_public_key": server.public_pem, **more}


def community_config(app: Pair, server: Pair, **more: str) -> dict[str, str]:
    return {
        "appid": "2021",
        "app_private_key_string": app.pem,
        "alipay_public_key_string": server.public_pem,
        **more,
    }


def check(form: Form, app: Pair, order: dict[str, Any], sign_type: str = "RSA2") -> None:
    public = forms.public(form.params, now())
    assert (public.app_id, public.method, public.notify_url) == ("2021", "alipay.trade.pay", NOTIFY)
    assert forms.signature(form.params)[1] == sign_type
    assert verify_request(form.raw, app.public, sign_type)
    assert forms.biz_content(form) == order


@FEW
@given(order=ORDERS)
def test_the_official_python_sdk(official: Driver, app: Pair, server: Pair, order: dict[str, str]) -> None:
    config = official_config(app, server)
    sent = official.do("send", config=config, method="alipay.trade.pay", biz=order, options={"notify_url": NOTIFY})
    check(arrived(sent), app, order)


@given(order=ORDERS)
def test_the_community_sdk(community: Driver, app: Pair, server: Pair, order: dict[str, str]) -> None:
    config = community_config(app, server)
    sent = community.do("send", config=config, method="alipay.trade.pay", biz=order, options={"notify_url": NOTIFY})
    check(arrived(sent), app, order)


@given(order=ORDERS)
def test_the_npm_sdk(npm: Driver, app: Pair, order: dict[str, str]) -> None:
    check(through_npm(npm, app, "alipay.trade.pay", {"notify_url": NOTIFY, "bizContent": order}), app, order)


@pytest.mark.parametrize("charset", ["gbk", "GBK", "gb2312", "gb18030"])
def test_chinese_charsets(official: Driver, app: Pair, server: Pair, charset: str) -> None:
    @FEW
    @given(st.fixed_dictionaries({"subject": texts(charset), "body": texts(charset)}))
    def arrives(order: dict[str, str]) -> None:
        config = official_config(app, server, charset=charset)
        options = {"notify_url": NOTIFY}
        check(
            arrived(official.do("send", config=config, method="alipay.trade.pay", biz=order, options=options)),
            app,
            order,
        )

    arrives()


def test_sha_1_where_the_app_still_signs_with_rsa(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair
) -> None:
    order = {"subject": "旧"}
    plan = {"method": "alipay.trade.pay", "biz": order, "options": {"notify_url": NOTIFY}}
    sent = official.do("send", config=official_config(app, server, sign_type="RSA"), **plan)
    check(arrived(sent), app, order, "RSA")
    sent = community.do("send", config=community_config(app, server, sign_type="RSA"), **plan)
    check(arrived(sent), app, order, "RSA")
    params = {"notify_url": NOTIFY, "bizContent": order}
    check(through_npm(npm, app, "alipay.trade.pay", params, signType="RSA"), app, order, "RSA")


def test_floats_of_the_community_sdk_are_decimals(community: Driver, app: Pair, server: Pair) -> None:
    order = {"total_amount": 88.88, "discountable_amount": 0.1, "quantity": 3}
    plan = {"method": "alipay.trade.pay", "biz": order, "options": {}}
    form = arrived(community.do("send", config=community_config(app, server), **plan))
    assert forms.biz_content(form) == {
        "total_amount": Decimal("88.88"),
        "discountable_amount": Decimal("0.1"),
        "quantity": Decimal(3),
    }


def test_a_page_payment_is_a_get_with_everything_in_the_query(
    official: Driver, npm: Driver, app: Pair, server: Pair
) -> None:
    order = {"out_trade_no": "1", "subject": 'a&b="{ç}"'}
    options = {"notify_url": NOTIFY, "return_url": "http://shop.example/back?x=1&y=2"}
    config = official_config(app, server)
    address = official.do("page", config=config, method="alipay.trade.page.pay", biz=order, options=options)
    params = {"method": "get", "bizContent": order, **options}
    config = {"appId": "2021", "privateKey": app.pem}
    other = npm.do("page", config=config, method="alipay.trade.page.pay", params=params)
    for url in (address, other):
        form = forms.read(urlsplit(url).query.encode(), b"")
        assert verify_request(form.raw, app.public, "RSA2")
        assert forms.biz_content(form) == order
        assert forms.public(form.params, now()).return_url == options["return_url"]


def test_the_string_for_a_phone_app(npm: Driver, app: Pair) -> None:
    params = {"bizContent": {"subject": "苹果 & 梨"}}
    config = {"appId": "2021", "privateKey": app.pem}
    form = forms.read(npm.do("string", config=config, method="alipay.trade.app.pay", params=params).encode(), b"")
    assert verify_request(form.raw, app.public, "RSA2")
    assert forms.biz_content(form) == params["bizContent"]


@given(order=ORDERS)
def test_encrypted_contents(npm: Driver, app: Pair, order: dict[str, str]) -> None:
    key = aes.read_aes_key(AES_KEY)
    params = {"bizContent": order, "needEncrypt": True}
    form = through_npm(npm, app, "alipay.trade.pay", params, encryptKey=AES_KEY)
    assert verify_request(form.raw, app.public, "RSA2")
    assert forms.biz_content(form, form.params["encrypt_type"], key) == order
    with pytest.raises(Refused, match="missing-encrypt-type"):
        forms.biz_content(form, "", key)


def test_the_official_python_sdk_cannot_encrypt(official: Driver) -> None:
    """Its IV is a str, which its library refuses: should it ever work, it belongs to the test above."""
    with pytest.raises(SdkError, match="TypeError"):
        official.do("encrypt", text="{}", key=AES_KEY)


def test_what_was_changed_on_the_way_is_refused(community: Driver, app: Pair, server: Pair) -> None:
    plan = {"method": "alipay.trade.refund", "biz": {"refund_amount": "1.00"}, "options": {}}
    sent = community.do("send", config=community_config(app, server), **plan)
    changed = arrived({"query": sent["query"].replace("1.00", "9.00"), "body": ""})
    assert forms.biz_content(changed) == {"refund_amount": "9.00"}
    assert not verify_request(changed.raw, app.public, "RSA2")
    assert not verify_request(arrived(sent).raw, server.public, "RSA2")
    assert not verify_request(arrived(sent).raw, app.public, "RSA")
