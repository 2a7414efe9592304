"""The driver of the community's Python SDK (python-alipay-sdk), run by the interpreter that has it."""

from functools import cache
from importlib import import_module
from typing import Any

from tests.sdk.drivers.lines import serve

SDK = import_module("alipay")


def client(config: dict[str, str]) -> Any:
    return made(tuple(config.items()))


@cache
def made(config: tuple[tuple[str, str], ...]) -> Any:
    options = dict(config)
    kind = SDK.DCAliPay if "app_public_key_cert_string" in options else SDK.AliPay
    return kind(**options)


def send(config: dict[str, Any], method: str, biz: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
    """The query of the GET that the SDK would send."""
    sender = client(config)
    return {"query": sender.sign_data(sender.build_body(method, biz, **options)), "body": ""}


def call(config: dict[str, Any], gateway: str, method: str, biz: dict[str, Any]) -> Any:
    """What the method that the SDK has for it returns: an answer's fields, or a page's query."""
    sender = client(config)
    sender._gateway = gateway
    own = getattr(sender, "api_" + method.replace(".", "_"), None)
    return own(**biz) if own else sender.server_api(method, biz)


def transfer(config: dict[str, str], plan: dict[str, Any]) -> dict[str, str]:
    """The same for the one method that asks for certificate mode, without the answer."""
    sender = client(config)
    sent: list[str] = []
    sender.verified_sync_response = lambda data, _name: sent.append(sender.sign_data(data))
    sender.api_alipay_fund_trans_uni_transfer(**plan)
    return {"query": sent[0], "body": ""}


def receive(config: dict[str, Any], answer: str, method: str) -> Any:
    name = method.replace(".", "_") + "_response"
    return client(config)._verify_and_return_sync_response(answer, name)


def check_notice(config: dict[str, Any], params: dict[str, str]) -> bool:
    return bool(client(config).verify(params, params.pop("sign")))


def sign(private_key: str, text: str, public_key: str) -> str:
    config = {"appid": "1", "app_private_key_string": private_key, "alipay_public_key_string": public_key}
    return str(client(config)._sign(text))


def verify(public_key: str, text: str, signature: str, private_key: str) -> bool:
    config = {"appid": "1", "app_private_key_string": private_key, "alipay_public_key_string": public_key}
    return bool(client(config)._verify(text, signature))


def names(config: dict[str, Any]) -> list[str]:
    """How it names the app's certificate and the roots."""
    sender = client(config)
    return [sender.app_cert_sn, sender.alipay_root_cert_sn]


if __name__ == "__main__":
    serve(
        {
            "send": send,
            "call": call,
            "transfer": transfer,
            "receive": receive,
            "check_notice": check_notice,
            "sign": sign,
            "verify": verify,
            "names": names,
        }
    )
