"""What the gateway answers verifies in each Alipay SDK, whatever is in its fields; so do notifications."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.driver import Driver, SdkError
from tests.sdk.pair import Pair
from tests.sdk.test_alipay_requests import AES_KEY, community_config, official_config
from tests.sdk.texts import texts, values

from handfast.gateways.alipay.aes import read_aes_key
from handfast.gateways.alipay.codes import SUB_CODES, Refused
from handfast.gateways.alipay.envelope import answer, refusal, success
from handfast.gateways.alipay.signing import signed_notice

METHOD = "alipay.trade.query"
FIELDS = st.fixed_dictionaries({"subject": texts(), "passback": texts(), "detail": values(texts())}).map(
    lambda fields: {name: value for name, value in fields.items() if value is not None}
)
NOTICES = st.fixed_dictionaries({"subject": texts(), "body": texts(), "passback_params": texts()})


def read_by_official(official: Driver, app: Pair, server: Pair, body: bytes, **config: str) -> Any:
    config = official_config(app, server, **config)
    return json.loads(official.do("receive", config=config, answer=b64encode(body).decode()))


def read_by_community(community: Driver, app: Pair, server: Pair, body: bytes, method: str = METHOD) -> Any:
    config = community_config(app, server)
    return community.do("receive", config=config, answer=body.decode(), method=method)


def read_by_npm(npm: Driver, app: Pair, server: Pair, body: bytes, method: str = METHOD) -> Any:
    config = {"appId": "2021", "privateKey": app.pem, "alipayPublicKey": server.public_pem}
    return npm.do("exchange", config=config, method=method, params={}, body=b64encode(body).decode())


@given(fields=FIELDS)
def test_any_text_in_any_field(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair, fields: dict[str, Any]
) -> None:
    said = success(fields)
    body = answer(METHOD, said, server.private)
    assert read_by_official(official, app, server, body) == said
    assert read_by_official(official, app, server, body, charset="gb2312") == said
    assert read_by_community(community, app, server, body) == said
    assert read_by_npm(npm, app, server, body) == said


@pytest.mark.parametrize("sub_code", sorted(SUB_CODES))
def test_every_refusal_in_the_methods_own_envelope(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair, sub_code: str
) -> None:
    said = refusal(Refused(sub_code, 'we would sign: biz_content={"a":"}"}&app_id=1'))
    body = answer(METHOD, said, server.private)
    assert read_by_official(official, app, server, body) == said
    assert read_by_community(community, app, server, body) == said
    assert read_by_npm(npm, app, server, body) == said


def test_the_certificates_name_may_follow_the_signature(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair
) -> None:
    said = success({"trade_no": "1"})
    body = answer(METHOD, said, server.private, cert_sn="a5b59edf65dcda9ca26e071ab6f5a0a7")
    assert body.endswith(b'","alipay_cert_sn":"a5b59edf65dcda9ca26e071ab6f5a0a7"}')
    assert read_by_official(official, app, server, body) == said
    assert read_by_community(community, app, server, body) == said
    assert read_by_npm(npm, app, server, body) == said


def test_sha_1_for_an_app_that_signs_so(official: Driver, community: Driver, app: Pair, server: Pair) -> None:
    body = answer(METHOD, success({}), server.private, "RSA")
    assert read_by_official(official, app, server, body, sign_type="RSA") == success({})
    config = community_config(app, server, sign_type="RSA")
    assert community.do("receive", config=config, answer=body.decode(), method=METHOD) == success({})


def test_a_changed_answer_is_refused_by_all(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair
) -> None:
    body = answer(METHOD, success({"total_amount": "1.00"}), server.private).replace(b"1.00", b"9.00")
    with pytest.raises(SdkError, match="sign verify failed"):
        read_by_official(official, app, server, body)
    with pytest.raises(SdkError, match="AliPayValidationError"):
        read_by_community(community, app, server, body)
    with pytest.raises(SdkError, match="AlipayRequestError"):
        read_by_npm(npm, app, server, body)


def test_the_longest_method_still_verifies(npm: Driver, app: Pair, server: Pair) -> None:
    """The npm SDK cuts at a place that depends on the method's length."""
    method = "a" + ".b" * 63
    body = answer(method, success({"text": 'x","sign":"y}'}), server.private)
    assert read_by_npm(npm, app, server, body, method) == success({"text": 'x","sign":"y}'})


@given(fields=FIELDS)
def test_encrypted_answers(official: Driver, npm: Driver, app: Pair, server: Pair, fields: dict[str, Any]) -> None:
    said = success(fields)
    body = answer(METHOD, said, server.private, aes_key=read_aes_key(AES_KEY))
    config = {"appId": "2021", "privateKey": app.pem, "encryptKey": AES_KEY}
    params = {"needEncrypt": True, "bizContent": {"a": "b"}}
    plan = {"config": config, "method": METHOD, "params": params, "body": b64encode(body).decode()}
    assert npm.do("exchange", verify=False, **plan) == said
    # The official Python SDK verifies the signature, quotes included, and then fails to decrypt.
    with pytest.raises(SdkError, match="TypeError"):
        read_by_official(official, app, server, body, encrypt_type="AES", encrypt_key=AES_KEY)
    with pytest.raises(SdkError, match="sign verify failed"):
        read_by_official(official, app, app, body, encrypt_type="AES", encrypt_key=AES_KEY)


@given(fields=NOTICES)
def test_notifications(
    official: Driver, community: Driver, npm: Driver, app: Pair, server: Pair, fields: dict[str, str]
) -> None:
    fields |= {"trade_status": "TRADE_SUCCESS", "fund_bill_list": '[{"amount":"1.00"}]', "gmt_close": ""}
    body, charset = signed_notice(fields, server.private)
    params = dict(parse_qsl(body.decode(), strict_parsing=True))
    assert {name: params[name] for name in fields if fields[name]} == {k: v for k, v in fields.items() if v}
    assert charset == params["charset"] == "utf-8"
    assert official.do("check_notice", public_key=server.public_pem, params=params, charset="utf-8")
    assert community.do("check_notice", config=community_config(app, server), params=params)
    config = {"appId": "2021", "privateKey": app.pem, "alipayPublicKey": server.public_pem}
    assert npm.do("notice", config=config, params=params, raw=True)
    changed = params | {"subject": params["subject"] + "!"}
    assert not community.do("check_notice", config=community_config(app, server), params=changed)
    assert not npm.do("notice", config=config, params=changed, raw=True)


def test_the_older_check_of_the_npm_sdk_decodes_once_more(npm: Driver, app: Pair, server: Pair) -> None:
    """Its users are told (its issue 45) to use the newer one, which takes a percent sign; both take the rest."""
    config = {"appId": "2021", "privateKey": app.pem, "alipayPublicKey": server.public_pem}
    for subject, older in (("支付 & {1}", True), ("100%", False)):
        params = dict(parse_qsl(signed_notice({"subject": subject}, server.private)[0].decode()))
        assert npm.do("notice", config=config, params=params, raw=True)
        if older:
            assert npm.do("notice", config=config, params=params, raw=False)
        else:
            with pytest.raises(SdkError, match="URIError"):
                npm.do("notice", config=config, params=params, raw=False)


def test_notifications_in_a_chinese_charset(official: Driver, server: Pair) -> None:
    body, charset = signed_notice({"subject": "中文 & €"}, server.private, charset="gb18030")
    params = dict(parse_qsl(body.decode(), encoding="gb18030"))
    assert (charset, params["charset"], params["subject"]) == ("gb18030", "gb18030", "中文 & €")
    assert official.do("check_notice", public_key=server.public_pem, params=params, charset="gb18030")


def test_what_a_charset_cannot_write_goes_out_in_utf_8(official: Driver, server: Pair) -> None:
    body, charset = signed_notice({"subject": "\U0001f600"}, server.private, charset="gbk")
    params = dict(parse_qsl(body.decode()))
    assert (charset, params["charset"], params["subject"]) == ("utf-8", "utf-8", "\U0001f600")
    assert official.do("check_notice", public_key=server.public_pem, params=params, charset="utf-8")
