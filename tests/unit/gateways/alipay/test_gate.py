"""Before a method is run: who calls, in what words, signed how; every no is signed in the method's own envelope."""

import json
from urllib.parse import urlencode

import pytest
from tests.sdk.pair import Pair
from tests.unit.gateways.alipay.counter import AES_KEY, APP, APP_ID, SERVER, Counter, signed, verified

from handfast.core import rsa
from handfast.core.clocks import DAY, SECOND
from handfast.domain.apps import MoveApp, app_id
from handfast.domain.parties import MoveParty
from handfast.gateways.alipay.aes import decrypt, encrypt, read_aes_key
from handfast.gateways.alipay.callers import REMEMBERED
from handfast.gateways.alipay.certificates import read_certificate, sn
from handfast.gateways.alipay.house import house
from handfast.gateways.alipay.numbers import moment

QUERY, PRECREATE = "alipay.trade.query", "alipay.trade.precreate"
STRANGER = Pair()


def refused(counter: Counter, params: dict[str, str], pair: Pair = APP) -> tuple[str, str]:
    """Code and sub_code of a signed refusal."""
    fields = verified(counter.send(params, pair), QUERY, params.get("sign_type", "RSA2"))
    return fields["code"], fields["sub_code"]


def asked(counter: Counter, **more: str) -> dict[str, str]:
    return counter.public(QUERY, {"out_trade_no": "a_1"}, **more)


def test_each_public_parameter_is_asked_for(counter: Counter) -> None:
    cases = {
        "app_id": ("40001", "isv.missing-app-id"),
        "timestamp": ("40001", "isv.missing-timestamp"),
        "version": ("40001", "isv.missing-version"),
        "sign_type": ("40001", "isv.missing-signature-type"),
        "charset": ("40002", "isv.invalid-charset"),
    }
    for name, no in cases.items():
        params = asked(counter)
        del params[name]
        fields = verified(counter.send_signed({**params, "sign": signed(params)}), QUERY)
        assert (fields["code"], fields["sub_code"]) == no, name
    fields = verified(counter.send_signed(asked(counter)), QUERY)
    assert fields["sub_code"] == "isv.missing-signature"


def test_each_public_parameter_is_checked(counter: Counter) -> None:
    cases = {
        "isv.invalid-app-id": {"app_id": "2014102899999999"},
        "isv.invalid-timestamp": {"timestamp": moment(counter.wall + DAY + SECOND) or ""},
        "isv.invalid-signature-type": {"sign_type": "MD5"},
        "isv.invalid-charset": {"charset": "utf-16"},
        "isv.invalid-format": {"format": "xml"},
        "isv.invalid-parameter": {"notify_url": "javascript:alert(1)"},
        "isv.illegal-json": {"biz_content": '{"a":1,"a":2}'},
        "isv.decryption-error-not-valid-encrypt-type": {"encrypt_type": "DES"},
        "isv.decryption-error-unknown": {"encrypt_type": "AES"},
        "isv.missing-app-cert-sn": {"app_cert_sn": "0" * 32},
    }
    for sub_code, more in cases.items():
        params = asked(counter) | more
        sent = {**params, "sign": signed({**params, "charset": "utf-8"})}
        if sub_code == "isv.invalid-charset":
            answer = counter.runner.run(counter.client.post("/gateway.do?" + urlencode(sent)))
        else:
            answer = counter.send_signed(sent)
        assert verified(answer, QUERY)["sub_code"] == sub_code, sub_code


def test_a_day_off_is_forgiven(counter: Counter) -> None:
    for off in (-DAY, DAY):
        assert counter.no(QUERY, {"out_trade_no": "a_1"}, timestamp=moment(counter.wall + off) or "") == (
            "ACQ.TRADE_NOT_EXIST"
        )


def test_a_method_that_there_is_not_is_refused_in_its_own_envelope(counter: Counter) -> None:
    assert counter.no("alipay.trade.unheard.of", {}) == "isv.invalid-method"


def test_a_wrong_signature_is_explained(counter: Counter) -> None:
    params = asked(counter)
    fields = verified(counter.send(params, STRANGER), QUERY)
    assert (fields["code"], fields["sub_code"]) == ("40002", "isv.invalid-signature")
    assert "does not belong to the app's registered public key" in fields["sub_msg"]
    assert "app_id=2014102800000001&biz_content=" in fields["sub_msg"]
    sign = signed({name: text for name, text in params.items() if name != "sign_type"})
    fields = verified(counter.send_signed({**params, "sign": sign}), QUERY)
    assert "sign_type was left out of the string" in fields["sub_msg"]


def test_what_was_changed_after_signing_is_refused(counter: Counter) -> None:
    params = counter.public(PRECREATE, counter.order())
    sign = signed(params)
    for changed in (
        {"biz_content": params["biz_content"].replace("a_1", "a_2")},
        {"notify_url": "http://elsewhere.example/"},
        {"app_id": counter.another_app("other")},
        {"timestamp": moment(counter.wall + SECOND) or ""},
    ):
        fields = verified(counter.send_signed({**params, **changed, "sign": sign}), PRECREATE)
        assert fields["sub_code"] == "isv.invalid-signature", changed


def test_an_app_that_was_disabled(counter: Counter) -> None:
    app = app_id("alipay", APP_ID)
    assert counter.no(QUERY, {"out_trade_no": "a_1"}) == "ACQ.TRADE_NOT_EXIST"
    counter.do(MoveApp(app, "disable"))
    counter.wall += REMEMBERED
    assert refused(counter, asked(counter)) == ("40002", "isv.invalid-app-id")
    counter.do(MoveApp(app, "enable"))
    assert counter.no(QUERY, {"out_trade_no": "a_1"}) == "ACQ.TRADE_NOT_EXIST"
    counter.do(MoveParty(counter.shop, "suspend"))
    counter.wall += REMEMBERED
    assert refused(counter, asked(counter)) == ("40002", "isv.invalid-app-id")


def test_an_app_without_the_permission(counter: Counter) -> None:
    other = counter.another_app("market", permissions="transfer")
    assert refused(counter, asked(counter, app_id=other)) == ("40006", "isv.insufficient-isv-permissions")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "gbk", "GB2312", "gb18030"])
def test_charsets(counter: Counter, charset: str) -> None:
    counter.ok(PRECREATE, counter.order(subject='茶叶{1}&"两"'), charset=charset)
    seen = counter.scan(counter.ok(PRECREATE, counter.order(subject='茶叶{1}&"两"'), charset="utf-8")["qr_code"])
    assert counter.ok(QUERY, {"out_trade_no": "a_1"}, charset=charset)["subject"] == '茶叶{1}&"两"'
    counter.pays(seen)


def test_rsa_with_sha1_is_answered_alike(counter: Counter) -> None:
    assert counter.no(QUERY, {"out_trade_no": "a_1"}, sign_type="RSA") == "ACQ.TRADE_NOT_EXIST"


def test_everything_in_a_gets_query_or_a_posts_body(counter: Counter) -> None:
    params = asked(counter)
    words = urlencode({**params, "sign": signed(params)})
    form = {"content-type": "application/x-www-form-urlencoded"}
    for request in (
        counter.client.get(f"/gateway.do?{words}"),
        counter.client.post("/gateway.do", content=words, headers=form),
    ):
        assert verified(counter.runner.run(request), QUERY)["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_certificate_mode(counter: Counter) -> None:
    own = house(counter.settings)
    row = counter.reader.rows("SELECT certificate FROM apps WHERE number = ?", (APP_ID,))
    name = sn(read_certificate(row[0][0].decode()))
    params = asked(counter, app_cert_sn=name, alipay_root_cert_sn=own.root_sn)
    answer = counter.send(params)
    assert verified(answer, QUERY)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert answer.json()["alipay_cert_sn"] == own.cert_sn
    assert refused(counter, params | {"alipay_root_cert_sn": "0"}) == ("40002", "isv.missing-alipay-root-cert-sn")
    counter.wall += 6 * 365 * DAY
    later = {**params, "timestamp": moment(counter.wall) or ""}
    assert refused(counter, later) == ("40002", "isv.app-cert-expired")


def test_encrypted_there_and_back(counter: Counter) -> None:
    key = read_aes_key(AES_KEY)
    order = encrypt(json.dumps(counter.order()), key)
    answer = counter.send(counter.public(PRECREATE, order, encrypt_type="AES"))
    body = answer.json()
    cipher = body["alipay_trade_precreate_response"]
    assert rsa.verify(SERVER.public, f'"{cipher}"'.encode(), body["sign"])
    assert json.loads(decrypt(cipher, key))["out_trade_no"] == "a_1"
    plain = counter.public(PRECREATE, order)
    assert verified(counter.send(plain), PRECREATE)["sub_code"] == "isv.decryption-error-missing-encrypt-type"
    other = counter.another_app("market")
    without = counter.public(PRECREATE, order, encrypt_type="AES", app_id=other)
    assert verified(counter.send(without), PRECREATE)["sub_code"] == "isv.decryption-error-not-valid-encrypt-key"


def test_too_much_is_refused_and_signed(counter: Counter) -> None:
    answer = counter.runner.run(counter.client.post(f"/gateway.do?method={QUERY}", content=b"a" * (1024 * 1024 + 1)))
    assert verified(answer, QUERY)["sub_code"] == "isv.invalid-parameter"
    assert answer.headers["connection"] == "close"
