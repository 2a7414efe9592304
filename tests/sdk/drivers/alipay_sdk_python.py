"""The driver of the official Python SDK (alipay-sdk-python), run by the interpreter that has it."""

import json
import socket
from base64 import b64decode
from importlib import import_module
from typing import Any

from tests.sdk.drivers.lines import serve

API = "alipay.aop.api"
SIGNATURES = import_module(f"{API}.util.SignatureUtils")
WEB = import_module(f"{API}.util.WebUtils")
ENCRYPTION = import_module(f"{API}.util.EncryptUtils")


def client(config: dict[str, Any]) -> Any:
    settings = import_module(f"{API}.AlipayClientConfig").AlipayClientConfig()
    settings.server_url = "http://localhost/gateway.do"
    for name, value in config.items():
        setattr(settings, name, value)
    local = import_module(f"{API}.constant.CommonConstants").THREAD_LOCAL
    local.uuid, local.logger = "test", None  # what a call sets before it comes to the parts used here
    return import_module(f"{API}.DefaultAlipayClient").DefaultAlipayClient(settings)


def request(method: str, biz: dict[str, Any], options: dict[str, Any]) -> Any:
    name = "".join(part.capitalize() for part in method.replace("_", ".").split(".")) + "Request"
    made = getattr(import_module(f"{API}.request.{name}"), name)()
    made.biz_content = biz
    for option, value in options.items():
        setattr(made, option, value)
    return made


def send(config: dict[str, Any], method: str, biz: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
    """Query and body of the POST that the SDK would send."""
    sender = client(config)
    query, params = sender._DefaultAlipayClient__prepare_request(request(method, biz, options))
    return {"query": query, "body": WEB.url_encode(params, config.get("charset", "utf-8"))}


def page(config: dict[str, Any], method: str, biz: dict[str, Any], options: dict[str, Any]) -> str:
    return str(client(config).page_execute(request(method, biz, options), http_method="GET"))


def call(config: dict[str, Any], port: int, method: str, biz: dict[str, Any], options: dict[str, Any]) -> Any:
    """What the SDK makes of the gateway's answer. It dials port 80 only: the way leads to another one."""
    direct = socket.create_connection
    socket.create_connection = lambda address, *rest, **more: direct((address[0], port), *rest, **more)
    try:
        return json.loads(client(config).execute(request(method, biz, options)))
    finally:
        socket.create_connection = direct


def receive(config: dict[str, Any], answer: str) -> str:
    """The text of an answer (bytes in base64) that the SDK has verified."""
    return str(client(config)._DefaultAlipayClient__parse_response(b64decode(answer)))


def check_notice(public_key: str, params: dict[str, str], charset: str) -> bool:
    """What its users write for notifications, from the SDK's own two functions."""
    sign = params.pop("sign")
    params.pop("sign_type")
    text = SIGNATURES.get_sign_content(params).encode(charset)
    return bool(SIGNATURES.verify_with_rsa(public_key, text, sign))


def sign(private_key: str, text: str) -> str:
    return str(SIGNATURES.sign_with_rsa2(private_key, text, "utf-8"))


def verify(public_key: str, text: str, signature: str) -> bool:
    return bool(SIGNATURES.verify_with_rsa(public_key, text.encode(), signature))


def encrypt(text: str, key: str) -> str:
    return str(ENCRYPTION.encrypt_content(text, "AES", key, "utf-8"))


if __name__ == "__main__":
    serve(
        {
            "send": send,
            "page": page,
            "call": call,
            "receive": receive,
            "check_notice": check_notice,
            "sign": sign,
            "verify": verify,
            "encrypt": encrypt,
        }
    )
