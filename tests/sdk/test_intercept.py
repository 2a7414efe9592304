"""The SDKs, unmodified and set to the vendors' own addresses, reach a service on this machine through the front."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from tests.sdk.driver import Driver, SdkError, python_driver
from tests.sdk.environments import ROOT, missing_npm, npm_modules, python_of
from tests.sdk.pair import Pair
from tests.sdk.test_alipay_requests import community_config, official_config
from tests.sdk.test_antom import config_of, headers_of, shown
from tests.unit.gateways.fronts import Doors, Handfast, front, handfast

from handfast.core.clocks import wall_clock
from handfast.gateways.alipay.envelope import answer, success
from handfast.gateways.antom import results, signing
from handfast.gateways.intercept import variables

METHOD = "alipay.trade.query"
GATEWAYS = ("https://openapi.alipay.com/gateway.do", "https://openapi-sandbox.dl.alipaydev.com/gateway.do")
SAID = success({"trade_status": "TRADE_SUCCESS", "subject": '兜底 {&} "x"'})


@pytest.fixture
def service(server: Pair) -> Iterator[Handfast]:
    """Answers every query as an Alipay would that has one trade."""
    with handfast() as running:
        running.answer = (200, [("content-type", "application/json")], answer(METHOD, SAID, server.private))
        yield running


@pytest.fixture
def doors(service: Handfast, tmp_path: Path) -> Iterator[Doors]:
    with front(tmp_path, service.url) as running:
        yield running


def environment(doors: Doors) -> dict[str, str]:
    """What --print-env says, with no other roots than the front's."""
    return variables(f"http://127.0.0.1:{doors.proxy}", doors.authority, doors.authority)


def ports(doors: Doors) -> dict[str, int]:
    return {"443": doors.secure, "80": doors.plain}


@contextmanager
def driven(sdk: str, doors: Doors) -> Iterator[Callable[..., object]]:
    interpreter = python_of(sdk)
    driver = Driver([str(interpreter), "-m", "tests.sdk.drivers.dialling"], **environment(doors))
    try:
        yield driver.do
    finally:
        driver.close()


@pytest.mark.parametrize("gateway", [*GATEWAYS, "http://openapi.alipay.com/gateway.do"])
def test_alipays_own_sdk_in_the_hosts_place(
    app: Pair, server: Pair, service: Handfast, doors: Doors, gateway: str
) -> None:
    with driven("alipay-sdk-python", doors) as do:
        config = official_config(app, server, server_url=gateway)
        read = do("official", config=config, method=METHOD, biz={"out_trade_no": "1"}, ports=ports(doors))
    assert json.loads(str(read)) == SAID
    (seen,) = service.seen
    assert seen.line.startswith("POST /gateway.do?")
    assert dict(parse_qsl(seen.body.decode())) == {"biz_content": '{"out_trade_no":"1"}'}
    assert seen.header("x-forwarded-proto") == gateway.partition(":")[0]


@pytest.mark.parametrize(
    ("client_id", "path"),
    [
        ("5Y01", "/ams/api/v1/payments/inquiryPayment"),
        ("SANDBOX_5Y01", "/ams/sandbox/api/v1/payments/inquiryPayment"),
    ],
)
def test_antoms_sdk_in_the_hosts_place(
    app: Pair, server: Pair, service: Handfast, doors: Doors, client_id: str, path: str
) -> None:
    """The path is signed on both ways, the sandbox's too, and the answer's headers are found as they were spelt."""
    body = results.answer({"paymentStatus": "SUCCESS"})
    headers = signing.answer_headers(server.private, path.encode(), client_id, wall_clock(), body)
    service.answer = (200, shown(headers), body)
    with driven("global-open-sdk-python", doors) as do:
        config = config_of(app, server, client_id)
        url = "https://open-na-global.alipay.com"
        read = do("antom", url=url, config=config, payment_request_id="1", ports=ports(doors))
    assert json.loads(str(read)) == {"result": results.result(), "paymentStatus": "SUCCESS"}
    (seen,) = service.seen
    assert seen.line == f"POST {path} HTTP/1.1"
    signed = signing.read_headers(headers_of({"headers": dict(seen.headers)}))
    assert signing.verify_request(app.public, path.encode(), signed, seen.body)


def test_the_community_sdk_by_the_environment_alone(app: Pair, server: Pair, service: Handfast, doors: Doors) -> None:
    with driven("python-alipay-sdk", doors) as do:
        read = do("community", config=community_config(app, server), out_trade_no="1")
    assert read == SAID
    assert service.seen[0].header("x-forwarded-host") == "openapi.alipay.com"


def test_an_sdk_that_does_not_trust_the_authority_sends_nothing(
    app: Pair, server: Pair, service: Handfast, doors: Doors
) -> None:
    driver = python_driver(python_of("alipay-sdk-python"), "dialling")
    config = official_config(app, server, server_url=GATEWAYS[0])
    with pytest.raises(SdkError, match="CERTIFICATE_VERIFY_FAILED"):
        driver.do("official", config=config, method=METHOD, biz={}, ports=ports(doors))
    driver.close()
    assert service.seen == []


@pytest.fixture
def node(doors: Doors) -> Iterator[Driver]:
    if reason := missing_npm():
        pytest.skip(reason)
    modules = str(npm_modules() / "node_modules")
    driver = Driver(
        ["node", str(ROOT / "tests/sdk/drivers/proxied.cjs")],
        NODE_PATH=modules,
        NODE_EXTRA_CA_CERTS=environment(doors)["NODE_EXTRA_CA_CERTS"],
    )
    yield driver
    driver.close()


def test_the_npm_sdk_by_the_proxy(node: Driver, app: Pair, server: Pair, service: Handfast, doors: Doors) -> None:
    config = {"appId": "2021", "privateKey": app.pem, "alipayPublicKey": server.public_pem}
    proxy = f"http://127.0.0.1:{doors.proxy}"
    plan = {"config": config, "method": METHOD, "params": {"bizContent": {"out_trade_no": "1"}}}
    read = node.do("exec", proxy=proxy, **plan)
    assert {name: read[name] for name in SAID} == SAID
    assert service.seen[0].header("x-forwarded-host") == "openapi.alipay.com"


def test_node_itself_in_the_hosts_place(node: Driver, service: Handfast, doors: Doors) -> None:
    service.answer = (200, [], b"ok")
    url = "https://open-sea-global.alipay.com/ams/api/v1/x?y"
    assert node.do("get", url=url, port=doors.secure) == {"status": 200, "body": "ok"}
    assert service.seen[0].line == "GET /ams/api/v1/x?y HTTP/1.1"
