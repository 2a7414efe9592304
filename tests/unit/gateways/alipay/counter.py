"""A shop's app at the gateway, in this process: requests signed as an SDK would, answers verified as an SDK would."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

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
from handfast.domain.transfers import CreateTransfer
from handfast.gateways.alipay import Alipay
from handfast.gateways.alipay.aes import read_aes_key
from handfast.gateways.alipay.house import app_certificate, make_certificates
from handfast.gateways.alipay.numbers import moment, thing_of
from handfast.gateways.alipay.signing import ALGORITHMS
from handfast.gateways.alipay.users import user_id
from handfast.services import Services

APP, SERVER = Pair(), Pair()
APP_ID = "2014102800000001"
AES_KEY = "AAECAwQFBgcICQoLDA0ODw=="
PERMISSIONS = "pay transfer bill auth escrow royalty user customs"
_ANSWER = re.compile(rb'\{"([A-Za-z0-9_]+)":(\{.*\}|"[^"]*"),"sign":"([^"]*)"(?:,"alipay_cert_sn":"[0-9a-f]+")?\}')


@cache
def house(wall: int) -> tuple[Settings, str]:
    """The gateway's keys and certificates, and the app's certificate: made once, since they are dear."""
    settings = Settings(data=Path(_folder.name), public_url="https://pay.example")
    keyring.write_private(settings.signing_key_file, SERVER.private)
    make_certificates(settings, wall)
    return settings, app_certificate(settings, APP.public, APP_ID, wall)


_folder = TemporaryDirectory(prefix="handfast-")


class Counter(Street):
    """The street's shop has an app with every permission, and 1,000.00 CNY; Fang pays with her wallet."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.settings, certificate = house(self.wall)
        self.shop, self.fang = self.parties["shop"], self.parties["fang"]
        self.pay_in("shop", "CNY", 100_000)
        self.do(
            RegisterApp(
                "alipay",
                APP_ID,
                self.shop,
                APP.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
                certificate.encode(),
                self.sealed(read_aes_key(AES_KEY)),
                permissions=PERMISSIONS,
            )
        )
        self.services: Services = replace(self.api.services, settings=self.settings)
        self.runner = asyncio.Runner()
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(Alipay(self.services)), base_url="http://pay")
        self.codes = 0

    def sealed(self, value: object) -> bytes:
        row = self.reader.rows("SELECT wrapped FROM person_keys WHERE id = ?", (self.shop,))
        return self.vault.seal(row[0][0], self.shop, value)

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()

    def user(self, party: Id) -> str:
        """The user number of a party."""
        return self.runner.run(user_id(self.services, party))

    def public(self, method: str, biz: Any, **more: str) -> dict[str, str]:
        """The parameters of a request, yet to be signed."""
        given = {
            "app_id": APP_ID,
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": moment(self.wall) or "",
            "version": "1.0",
            "biz_content": biz if isinstance(biz, str) else json.dumps(biz, ensure_ascii=False),
        }
        return {name: text for name, text in (given | more).items() if text}

    def send(self, params: dict[str, str], pair: Pair = APP) -> httpx.Response:
        """Sign and send: the public parameters in the query, biz_content in the body."""
        return self.send_signed({**params, "sign": signed(params, pair)})

    def send_signed(self, params: dict[str, str]) -> httpx.Response:
        charset = params.get("charset", "utf-8")
        query = {name: text for name, text in params.items() if name != "biz_content"}
        body = {"biz_content": params["biz_content"]} if "biz_content" in params else {}
        request = self.client.post(
            "/gateway.do?" + urlencode(query, encoding=charset),
            content=urlencode(body, encoding=charset),
            headers={"content-type": f"application/x-www-form-urlencoded;charset={charset}"},
        )
        return self.runner.run(request)

    def call(self, method: str, biz: Any, **more: str) -> dict[str, Any]:
        """The fields of the answer, whose signature fits."""
        answer = self.send(self.public(method, biz, **more))
        return verified(answer, method, more.get("sign_type", "RSA2"))

    def ok(self, method: str, biz: Any, **more: str) -> dict[str, Any]:
        """The fields of a success."""
        fields = self.call(method, biz, **more)
        assert fields["code"] in ("10000", "10003"), fields
        return fields

    def no(self, method: str, biz: Any, **more: str) -> str:
        """The sub_code of a refusal."""
        fields = self.call(method, biz, **more)
        assert fields["code"] not in ("10000", "10003"), fields
        return str(fields["sub_code"])

    def v3_raw(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """A POST to v3, whose answer's signature fits."""
        answer = self.runner.run(self.client.post(path, content=body, headers=headers))
        told = answer.headers
        text = b"%s\n%s\n%s\n" % (told["alipay-timestamp"].encode(), told["alipay-nonce"].encode(), answer.content)
        assert rsa.verify(SERVER.public, text, told["alipay-signature"])
        return answer

    def v3(self, method: str, biz: Any, pair: Pair = APP, off: int = 0) -> tuple[int, dict[str, Any]]:
        """Status and fields of a signed call of v3; `off` seconds late."""
        path, body = f"/v3/{method.replace('.', '/')}", json.dumps(biz).encode()
        nonce = f"app_id={APP_ID},nonce={self.codes},timestamp={self.wall // 1000 + off * 1000}"
        sign = rsa.sign(pair.private, f"{nonce}\nPOST\n{path}\n".encode() + body + b"\n")
        headers = {"authorization": f"ALIPAY-SHA256withRSA {nonce},sign={sign}", "content-type": "application/json"}
        answer = self.v3_raw(path, body, headers)
        return answer.status_code, answer.json()

    def code(self, *, confirm: bool = False, who: str = "fang") -> str:
        """A payment code that somebody shows."""
        self.codes += 1
        digits = f"28{self.codes:016}"
        self.do(IssueCode(self.parties[who], code_id(digits), confirm))
        return digits

    def order(self, number: str = "a_1", amount: Any = "88.88", **more: Any) -> dict[str, Any]:
        """An order's business parameters."""
        return {"out_trade_no": number, "total_amount": amount, "subject": "Tea & 茶 {1}", **more}

    def sold(self, number: str = "a_1", amount: Any = "88.88") -> dict[str, Any]:
        """A paid order's answer."""
        return self.ok("alipay.trade.pay", self.order(number, amount, scene="bar_code", auth_code=self.code()))

    def scan(self, address: str) -> Id:
        """Fang opens a cashier's address; the checkout's id."""
        checkout = bytes.fromhex(address.rpartition("/")[2]) + bytes(3)
        self.do(PresentCheckout(checkout, self.fang))
        return checkout

    def pays(self, checkout: Id) -> None:
        """Fang pays what was presented to her."""
        self.do(PayCheckout(self.fang, checkout))

    def pays_refused(self, code: str, checkout: Id) -> None:
        """Fang cannot pay."""
        assert self.do_refused(PayCheckout(self.fang, checkout)) == code

    def scan_refused(self, code: str, address: str) -> None:
        """The address leads nowhere any more."""
        checkout = bytes.fromhex(address.rpartition("/")[2]) + bytes(3)
        assert self.do_refused(PresentCheckout(checkout, self.fang)) == code

    def spend(self, party: Id, amount: int) -> None:
        """The party gives money to the market."""
        self.do(CreateTransfer(party, self.parties["market"], "CNY", amount))

    def another_app(self, name: str, number: str = "2014102800000002", permissions: str = PERMISSIONS) -> str:
        """The app_id of another party's app with the same keys."""
        key = APP.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.do(RegisterApp("alipay", number, self.parties[name], key, permissions=permissions))
        return number

    def thing(self, trade_no: str) -> Id:
        found = thing_of(trade_no)
        assert found is not None
        return found


def signed(params: dict[str, str], pair: Pair = APP) -> str:
    text = "&".join(f"{name}={text}" for name, text in sorted(params.items()) if text)
    charset = params.get("charset", "utf-8")
    return rsa.sign(pair.private, text.encode(charset), ALGORITHMS.get(params.get("sign_type", ""), rsa.SHA256))


def verified(answer: httpx.Response, method: str, sign_type: str = "RSA2") -> dict[str, Any]:
    """The fields of an answer, after its envelope and its signature were checked."""
    assert answer.status_code == 200, answer.text
    found = _ANSWER.fullmatch(answer.content)
    assert found is not None, answer.text
    assert found[1].decode() == f"{method.replace('.', '_')}_response"
    assert rsa.verify(SERVER.public, found[2], found[3].decode(), ALGORITHMS[sign_type])
    fields: dict[str, Any] = json.loads(found[2])
    return fields


@contextmanager
def opened(url: str) -> Iterator[Counter]:
    """A counter over a migrated database, closed in the end."""
    engine = open_engine(url)
    counter = Counter(engine)
    yield counter
    counter.close()
    counter.api.close()
    counter.reader.close()
    engine.store.close()
