"""OpenAPI v3 with the npm SDK, the one here that speaks it: signed headers both ways, encryption, errors."""

import time
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.driver import Driver, SdkError
from tests.sdk.pair import Pair
from tests.sdk.test_alipay_requests import AES_KEY
from tests.sdk.texts import texts

from handfast.core.json_text import read_object
from handfast.gateways.alipay import aes, v3
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.envelope import compact

PATH = "/v3/alipay/trade/query"
FIELDS = st.fixed_dictionaries({"out_trade_no": texts(), "subject": texts()})


def config_of(app: Pair, server: Pair) -> dict[str, str]:
    return {"appId": "2021", "privateKey": app.pem, "alipayPublicKey": server.public_pem, "encryptKey": AES_KEY}


def reply(server: Pair, body: bytes, status: int = 200, cert_sn: str = "") -> dict[str, Any]:
    headers = v3.answer_headers(server.private, body, 1_700_000_000_000, "nonce", "trace", cert_sn)
    shown = {name.decode(): value.decode() for name, value in headers}
    return {"status": status, "headers": shown, "body": b64encode(body).decode()}


def signed_by(app: Pair, sent: dict[str, Any], token: str = "") -> bool:
    authorization = v3.read_authorization(sent["headers"]["authorization"])
    assert authorization.app_id == "2021"
    assert abs(authorization.timestamp - time.time_ns() // 1_000_000) < 60_000
    body = b64decode(sent["body"])
    text = v3.request_text(authorization, sent["method"], sent["target"].encode(), body, token)
    return v3.verify_request(app.public, text, authorization)


@given(fields=FIELDS)
def test_any_text_there_and_back(npm: Driver, app: Pair, server: Pair, fields: dict[str, str]) -> None:
    plan = {"config": config_of(app, server), "method": "POST", "path": PATH, "options": {"body": fields}}
    done = npm.do("curl", reply=reply(server, compact(fields).encode()), **plan)
    assert done["read"] == fields
    assert signed_by(app, done["sent"])
    assert read_object(b64decode(done["sent"]["body"]).decode()) == fields


@given(fields=FIELDS)
def test_encrypted_there_and_back(npm: Driver, app: Pair, server: Pair, fields: dict[str, str]) -> None:
    key = aes.read_aes_key(AES_KEY)
    options = {"body": fields, "needEncrypt": True}
    plan = {"config": config_of(app, server), "method": "POST", "path": PATH, "options": options}
    done = npm.do("curl", reply=reply(server, aes.encrypt(compact(fields), key).encode()), **plan)
    assert done["read"] == fields
    assert signed_by(app, done["sent"])
    assert done["sent"]["headers"]["alipay-encrypt-type"] == "AES"
    assert read_object(aes.decrypt(b64decode(done["sent"]["body"]).decode(), key)) == fields


def test_a_query_and_a_token_are_signed_too(npm: Driver, app: Pair, server: Pair) -> None:
    options = {"query": {"name": "张 & 三", "x": "{1}"}, "appAuthToken": "2026token"}
    sent = npm.do("curl", config=config_of(app, server), method="GET", path=PATH, options=options)
    assert sent["headers"]["alipay-app-auth-token"] == "2026token"
    assert signed_by(app, sent, "2026token")
    assert not signed_by(app, sent)
    assert not signed_by(app, sent | {"target": sent["target"].replace("1", "2")}, "2026token")
    assert not signed_by(server, sent, "2026token")


def test_a_forged_answer_is_refused(npm: Driver, app: Pair, server: Pair) -> None:
    plan = {"config": config_of(app, server), "method": "POST", "path": PATH, "options": {"body": {"a": "b"}}}
    with pytest.raises(SdkError, match="AlipayRequestError"):
        npm.do("curl", reply=reply(app, b"{}"), **plan)


def test_errors_are_read_by_code(npm: Driver, app: Pair, server: Pair) -> None:
    plan = {"config": config_of(app, server), "method": "POST", "path": PATH, "options": {"body": {"a": "b"}}}
    no = Refused("ACQ.TRADE_NOT_EXIST", 'no such trade: "{1}"')
    with pytest.raises(SdkError, match=r'no such trade: "\{1\}"'):
        npm.do("curl", reply=reply(server, v3.error_body(no), no.status), **plan)
