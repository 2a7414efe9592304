"""The Python SDKs' whole way over the network, each run by the interpreter that has it, to the vendor's own address."""

import socket
from importlib import import_module
from typing import Any

from tests.sdk.drivers.lines import serve

DIAL = socket.create_connection


def lead(ports: dict[str, int]) -> None:
    """Do what a hosts file does, and a kernel that leads some ports elsewhere."""

    def led(address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
        return DIAL(("127.0.0.1", ports[str(address[1])]), *more, **named)

    setattr(socket, "create_connection", led)  # noqa: B010 - the network, nothing else


def official(config: dict[str, Any], method: str, biz: dict[str, Any], ports: dict[str, int]) -> str:
    """What alipay-sdk-python read, and verified."""
    lead(ports)
    sdk = import_module("tests.sdk.drivers.alipay_sdk_python")
    return str(sdk.client(config).execute(sdk.request(method, biz, {})))


def antom(url: str, config: dict[str, str], payment_request_id: str, ports: dict[str, int]) -> str:
    """What global-open-sdk-python read, and verified."""
    lead(ports)
    api = "com.alipay.ams.api"
    request = import_module(f"{api}.request.pay.alipay_pay_query_request").AlipayPayQueryRequest()
    request.payment_request_id = payment_request_id
    return str(import_module(f"{api}.default_alipay_client").DefaultAlipayClient(url, **config).execute(request))


def ams(url: str, config: dict[str, str], call: str, members: dict[str, Any], ports: dict[str, int]) -> str:
    """The same for any call, which a class of the SDK names, with the members that it knows."""
    lead(ports)
    api = "com.alipay.ams.api"
    module, _, name = call.rpartition(".")
    request = getattr(import_module(f"{api}.request.{module}"), name)()
    request.parse_rsp_body(members)
    return str(import_module(f"{api}.default_alipay_client").DefaultAlipayClient(url, **config).execute(request))


def community(config: dict[str, str], out_trade_no: str) -> Any:
    """What python-alipay-sdk read, and verified; it asks the environment for a proxy."""
    return import_module("alipay").AliPay(**config).api_alipay_trade_query(out_trade_no=out_trade_no)


if __name__ == "__main__":
    serve({"official": official, "antom": antom, "ams": ams, "community": community})
