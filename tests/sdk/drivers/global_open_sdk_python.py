"""The driver of Antom's Python SDK (global-open-sdk-python), run by the interpreter that has it."""

from importlib import import_module
from typing import Any

from tests.sdk.drivers.lines import serve

API = "com.alipay.ams.api"
TOOL = import_module(f"{API}.tools.signature_tool")
WEBHOOK = import_module(f"{API}.tools.webhook_tool")
CLIENT = import_module(f"{API}.default_alipay_client")
AMOUNTS = import_module(f"{API}.tools.amount_util")


def exchange(config: dict[str, Any], payment_request_id: str, answer: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the SDK sends to inquire about a payment; with an answer, what it makes of that."""
    sent: dict[str, Any] = {}

    def post(url: str, headers: dict[str, str], body: str) -> tuple[list[tuple[str, str]], bytes]:
        sent.update(url=url, headers=headers, body=body)
        if answer is None:
            raise ConnectionError("no answer was asked for")
        return [tuple(header) for header in answer["headers"]], answer["body"].encode()

    setattr(CLIENT, "do_post", post)  # noqa: B010 - the network, nothing else
    request = import_module(f"{API}.request.pay.alipay_pay_query_request").AlipayPayQueryRequest()
    request.payment_request_id = payment_request_id
    try:
        sent["read"] = CLIENT.DefaultAlipayClient("https://localhost", **config).execute(request)
    except ConnectionError:
        sent["read"] = None
    return sent


def check_notice(path: str, headers: dict[str, str], body: str, public_key: str) -> bool:
    return bool(
        WEBHOOK.check_signature(
            "POST", path, headers["client-id"], headers["request-time"], body, headers["signature"], public_key
        )
    )


def sign(private_key: str, text: str) -> str:
    return str(TOOL.sign("POST", "/", "1", "1", text, private_key))


def verify(public_key: str, text: str, signature: str) -> bool:
    return bool(TOOL.verify("POST", "/", "1", "1", text, signature, public_key))


def to_amount(decimal: str, currency: str) -> str:
    return str(AMOUNTS.to_amount(decimal, currency))


if __name__ == "__main__":
    serve({"exchange": exchange, "check_notice": check_notice, "sign": sign, "verify": verify, "to_amount": to_amount})
