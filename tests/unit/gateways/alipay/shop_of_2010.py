"""A shop that was never moved to the OpenAPI: it signs with MD5 and a shared key, and reads XML."""

from hashlib import md5
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.gateways.alipay.counter import APP, SERVER, Counter

from handfast.core import rsa
from handfast.core.ids import Id
from handfast.domain.apps import RegisterApp
from handfast.domain.payments import PAYMENTS, lines_of
from handfast.gateways.alipay.legacy import GATEWAY
from handfast.gateways.alipay.numbers import number_of
from handfast.store.reader import get

KEY = "k" * 32


def signing_text(params: dict[str, str]) -> str:
    return "&".join(f"{k}={v}" for k, v in sorted(params.items()) if v and k not in ("sign", "sign_type"))


class OldShop:
    """The street's shop as a partner."""

    def __init__(self, counter: Counter, *, md5_key: str = KEY, rsa_key: bool = True) -> None:
        self.counter = counter
        self.partner = counter.user(counter.shop)
        der = APP.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if rsa_key else b""
        secret = counter.sealed(md5_key) if md5_key else b""
        counter.do(RegisterApp(GATEWAY, self.partner, counter.shop, der, secret=secret))

    def signed(self, service: str, sign_type: str = "MD5", **given: Any) -> dict[str, str]:
        params = {"service": service, "partner": self.partner, "_input_charset": "utf-8"}
        params |= {name: str(value) for name, value in given.items()}
        text = signing_text(params).encode(params["_input_charset"])
        sign = md5(text + KEY.encode(), usedforsecurity=False).hexdigest()
        if sign_type == "RSA":
            sign = rsa.sign(APP.private, text, rsa.SHA1)
        return params | {"sign": sign, "sign_type": sign_type}

    def send(self, params: dict[str, str]) -> httpx.Response:
        query = urlencode(params, encoding=params.get("_input_charset", "utf-8"))
        return self.counter.runner.run(self.counter.client.get(f"/gateway.do?{query}"))

    def told(self, service: str, sign_type: str = "MD5", **given: Any) -> dict[str, str]:
        """The signed fields of a yes."""
        answer = ET.fromstring(self.send(self.signed(service, sign_type, **given)).content)
        assert answer.findtext("is_success") == "T", ET.tostring(answer)
        fields = next(iter(answer.find("response") or []), ET.Element("none"))
        found = {field.tag: field.text or "" for field in fields}
        text, sign = signing_text(found).encode(), answer.findtext("sign") or ""
        if sign_type == "RSA":
            assert rsa.verify(SERVER.public, text, sign, rsa.SHA1)
        else:
            assert sign == md5(text + KEY.encode(), usedforsecurity=False).hexdigest()
        return found

    def refused(self, service: str, sign_type: str = "MD5", **given: Any) -> str:
        """The error of a no."""
        return error(self.send(self.signed(service, sign_type, **given)))

    def order(self, number: str = "o_1", **more: Any) -> dict[str, Any]:
        """Three pieces at 20.00, and 5.00 for freight that the buyer pays: 65.00."""
        asked: dict[str, Any] = {
            "out_trade_no": number,
            "subject": "Tea & 茶 <1>",
            "payment_type": "1",
            "price": "20.00",
        }
        asked |= {"quantity": 3, "logistics_type": "EXPRESS", "logistics_fee": "5.00"}
        asked |= {"logistics_payment": "BUYER_PAY", "receive_name": "Fang Lin", "receive_address": "Nanshan 1"}
        return asked | more

    def sold(self, number: str = "o_1", **more: Any) -> Id:
        """An order that Fang looked at and paid."""
        checkout = self.looked_at(number, **more)
        self.counter.pays(checkout)
        return checkout

    def looked_at(self, number: str = "o_1", **more: Any) -> Id:
        """An order that Fang looked at."""
        params = self.signed("create_partner_trade_by_buyer", **self.order(number, **more))
        answer = self.send(params)
        assert answer.status_code == 302, answer.text
        return self.counter.scan(answer.headers["location"])

    def trade(self, checkout: Id) -> Id:
        payment = get(self.counter.reader, PAYMENTS, checkout)
        assert payment is not None
        return lines_of(payment)[0].trade

    def stands(self, checkout: Id) -> tuple[str, str]:
        """trade_status and refund_status."""
        found = self.told("single_trade_query", trade_no=number_of(checkout))
        return found["trade_status"], found.get("refund_status", "")


def error(answer: httpx.Response) -> str:
    """The error of a no."""
    told = ET.fromstring(answer.content)
    assert (answer.status_code, told.findtext("is_success")) == (200, "F"), answer.text
    return told.findtext("error") or ""
