"""A shop's client at the gateway, in this process: requests signed, and answers verified, as an SDK would."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, unquote

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.conftest import Engine, open_engine
from tests.sdk.pair import Pair
from tests.unit.gateways.native.street import Street

from handfast.core import keyring, rsa
from handfast.core.ids import Id
from handfast.core.settings import Settings
from handfast.domain.apps import RegisterApp
from handfast.domain.checkouts import IssueCode, PayCheckout, PresentCheckout, code_id
from handfast.domain.exchange import CreateQuote
from handfast.gateways.antom import Antom
from handfast.gateways.antom.results import RESULTS
from handfast.gateways.antom.signing import iso_time
from handfast.services import Services

CLIENT, SERVER = Pair(), Pair()
CLIENT_ID = "SANDBOX_5Y01"
SPKI = CLIENT.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
ROOT = "/ams/sandbox/api/v1/"


class AntomDesk(Street):
    """The street's shop has a client, and so has an exporter that settles in EUR; Fang pays with her wallet."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._folder = TemporaryDirectory(prefix="handfast-")
        folder = Path(self._folder.name)
        self.settings = Settings(data=folder, public_url="https://pay.example")
        keyring.write_private(self.settings.signing_key_file, SERVER.private)
        self.shop, self.fang = self.parties["shop"], self.parties["fang"]
        self.exporter = self.party("merchant", settle_currency="EUR")
        self.register(CLIENT_ID, self.shop)
        self.register("EXPORT", self.exporter)
        self.register("GUARD", self.shop, "pay guaranteed")
        self.register("NOTHING", self.shop, "")
        self.services: Services = replace(self.api.services, settings=self.settings)
        self.runner = asyncio.Runner()
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(Antom(self.services)), base_url="http://pay")
        self.codes = 0

    def register(self, number: str, party: Id, permissions: str = "pay customs") -> None:
        self.do(RegisterApp("antom", number, party, SPKI, permissions=permissions))

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()
        self._folder.cleanup()

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.runner.run(self.client.post(path, content=body, headers=headers))

    def send(
        self, call: str, given: Any, client: str = CLIENT_ID, pair: Pair = CLIENT, root: str = ROOT
    ) -> httpx.Response:
        """Sign and send."""
        body = given if isinstance(given, bytes) else json.dumps(given, ensure_ascii=False).encode()
        path = root + call
        return self.post(path, body, self.signed(path, body, client, pair))

    def signed(self, path: str, body: bytes, client: str = CLIENT_ID, pair: Pair = CLIENT) -> dict[str, str]:
        time = iso_time(self.wall)
        signature = rsa.sign(pair.private, b"POST %s\n%s.%s.%s" % (path.encode(), client.encode(), time.encode(), body))
        return {
            "client-id": client,
            "request-time": time,
            "signature": f"algorithm=RSA256,keyVersion=1,signature={quote(signature, safe='')}",
            "content-type": "application/json; charset=UTF-8",
        }

    def call(self, call: str, given: Any, client: str = CLIENT_ID) -> dict[str, Any]:
        """The members of an answer, whose signature fits."""
        return verified(self.send(call, given, client), client)

    def ok(self, call: str, given: Any, client: str = CLIENT_ID) -> dict[str, Any]:
        """The members of a success, or of what is being done."""
        told = self.call(call, given, client)
        assert told["result"]["resultStatus"] in "SU", told
        return told

    def no(self, call: str, given: Any, client: str = CLIENT_ID) -> str:
        """The code of a refusal."""
        told = self.call(call, given, client)
        assert told["result"]["resultStatus"] == "F", told
        return str(told["result"]["resultCode"])

    def code(self, *, confirm: bool = False) -> str:
        """A payment code that Fang shows."""
        self.codes += 1
        digits = f"28{self.codes:016}"
        self.do(IssueCode(self.fang, code_id(digits), confirm))
        return digits

    def order(self, number: str = "p_1", value: str = "8888", currency: str = "CNY", **more: Any) -> dict[str, Any]:
        """A payment's members."""
        return {
            "paymentRequestId": number,
            "productCode": "CASHIER_PAYMENT",
            "paymentAmount": {"currency": currency, "value": value},
            "order": {"referenceOrderId": "r_1", "orderDescription": "Tea & 茶 {1}"},
            "paymentMethod": {"paymentMethodType": "ALIPAY_CN"},
            **more,
        }

    def asked(self, number: str = "p_1", client: str = CLIENT_ID, **more: Any) -> str:
        """The id of a payment that waits at the cashier."""
        told = self.ok("payments/pay", self.order(number, **more), client)
        assert told["result"]["resultCode"] == "PAYMENT_IN_PROCESS"
        return str(told["paymentId"])

    def sold(self, number: str = "p_1", client: str = CLIENT_ID, **more: Any) -> str:
        """The id of a payment that Fang paid at the cashier."""
        payment = self.asked(number, client, **more)
        self.pays(payment)
        return payment

    def pays(self, payment: str, currency: str | None = None) -> None:
        """Fang opens the cashier and pays, at a quote of the day where the currency is not the price's."""
        checkout = bytes.fromhex(payment) + bytes(3)
        row = self.do(PresentCheckout(checkout, self.fang))
        lock = currency not in (None, row.currency)
        quote_id = self.do(CreateQuote(self.fang, row.currency, str(currency))).id if lock else None
        self.do(PayCheckout(self.fang, checkout, quote_id))


def verified(answer: httpx.Response, client: str = CLIENT_ID) -> dict[str, Any]:
    """The members of an answer, after its status, headers, signature and result were checked."""
    assert answer.status_code == 200, answer.text
    names = [name.decode() for name, _ in answer.headers.raw]
    assert {"client-id", "response-time", "signature"} <= set(names), names
    assert answer.headers["client-id"] == client
    signature = unquote(answer.headers["signature"].split("signature=")[1])
    path = answer.request.url.raw_path.partition(b"?")[0]
    text = b"POST %s\n%s.%s.%s" % (path, client.encode(), answer.headers["response-time"].encode(), answer.content)
    assert rsa.verify(SERVER.public, text, signature)
    told: dict[str, Any] = json.loads(answer.content)
    assert RESULTS[told["result"]["resultCode"]][0] == told["result"]["resultStatus"]
    assert len(told["result"]["resultMessage"]) <= 256
    return told


@contextmanager
def opened(url: str) -> Iterator[AntomDesk]:
    """A desk over a migrated database, closed in the end."""
    engine = open_engine(url)
    desk = AntomDesk(engine)
    yield desk
    desk.close()
    desk.api.close()
    desk.reader.close()
    engine.store.close()
