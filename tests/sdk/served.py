"""A sandbox that is served, its merchant's app behind each of the SDKs, and the buyer who pays what they ask."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from tests.sdk.driver import Driver

from handfast.core.ids import Id
from handfast.gateways.alipay.numbers import thing_of
from handfast.sandbox import scanning
from handfast.sandbox.playing import playing

HANDFAST = Path(sys.executable).with_name("handfast")


class Box(Struct, frozen=True):
    """A served sandbox: its directory, and the section of sandbox.json that an Alipay SDK is told."""

    data: Path
    alipay: dict[str, str]

    @property
    def private_key(self) -> str:
        return Path(self.alipay["app_private_key"]).read_text()

    @property
    def server_key(self) -> str:
        return Path(self.alipay["server_public_key"]).read_text()

    @property
    def port(self) -> int:
        return urlsplit(self.alipay["gateway_url"]).port or 80

    def certificate(self, name: str) -> str:
        """One of the files in cert_dir."""
        return (Path(self.alipay["cert_dir"]) / name).read_text()

    def pays(self, checkout: Id) -> str:
        """The buyer pays; the address by which its browser returns."""
        with playing(self.data) as play:
            return play.return_address(play.pay_checkout(checkout))

    def scans(self, code: str) -> None:
        """The buyer scans a QR code, and pays."""
        self.pays(scanning.checkout_of(code))

    def confirms(self, trade_no: str) -> None:
        """The buyer pays a trade that waits."""
        found = thing_of(trade_no)
        assert found is not None
        self.pays(found)

    def opens(self, page: str) -> str:
        """The buyer opens a payment page, and pays; the address by which its browser returns."""
        with playing(self.data) as play:
            return play.return_address(play.pay_checkout(scanning.opened(play.base_url, page)))

    def lets_know(self, scope: str) -> str:
        """A code by which the app learns who the buyer is."""
        with playing(self.data) as play:
            return play.oauth_code(self.alipay["app_id"], scope)

    def shows_code(self, *, confirm: bool = False) -> str:
        """A payment code of the buyer's."""
        with playing(self.data) as play:
            return play.payment_code(confirm=confirm)


@contextmanager
def served(directory: Path) -> Iterator[Box]:
    """A fresh sandbox in that directory, served until the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = subprocess.run(
        [HANDFAST, "sandbox", "init", directory, "--port", str(port)], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stderr) == (0, "")
    with subprocess.Popen([HANDFAST, "serve", "--data", directory], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("handfast is ready")
        yield Box(directory, json.loads((directory / "sandbox.json").read_bytes())["alipay"])
        server.terminate()
    assert server.returncode == 0


class Sdk:
    """One of the SDKs with the sandbox's app: calls methods, and verifies the answers as its users' programs do."""

    def __init__(self, name: str, driver: Driver, box: Box) -> None:
        self.name = name
        self.box = box
        self.private_key = box.private_key
        self.driver = driver

    def call(self, method: str, biz: dict[str, Any]) -> dict[str, Any]:
        """The answer's fields; a refusal is one as well, with its `sub_code`."""
        told = self.box.alipay
        match self.name:
            case "official":
                found = self.driver.do("call", config=self.official(), port=self.box.port, **_plan(method, biz))
            case "community" | "community, certificates":
                config = self.community(certificates="cert" in self.name)
                found = self.driver.do("call", config=config, gateway=told["gateway_url"], method=method, biz=biz)
            case "npm" | "npm, certificates":
                config = self.npm(certificates="cert" in self.name)
                found = self.driver.do("call", config=config, method=method, params={"bizContent": biz})
            case _:
                return self._v3(method, biz)
        assert isinstance(found, dict)
        return found

    def official(self) -> dict[str, str]:
        """The official Python SDK's settings."""
        return {
            "server_url": "http://127.0.0.1/gateway.do",
            "app_id": self.box.alipay["app_id"],
            "app_private_key": self.private_key.strip(),
            "alipay_public_key": self.box.server_key.strip(),
        }

    def community(self, *, certificates: bool = False) -> dict[str, str]:
        """The community's SDK's settings."""
        config = {"appid": self.box.alipay["app_id"], "app_private_key_string": self.private_key}
        if not certificates:
            return config | {"alipay_public_key_string": self.box.server_key}
        return config | {
            "app_public_key_cert_string": self.box.certificate("appCert.crt"),
            "alipay_public_key_cert_string": self.box.certificate("serverCert.crt"),
            "alipay_root_cert_string": self.box.certificate("rootCert.crt"),
        }

    def npm(self, *, certificates: bool = False) -> dict[str, str]:
        """The npm SDK's settings."""
        told = self.box.alipay
        config = {
            "appId": told["app_id"],
            "privateKey": self.private_key.strip(),
            "gateway": told["gateway_url"],
            "endpoint": told["v3_endpoint"],
            "encryptKey": told["aes_key"],
        }
        if not certificates:
            return config | {"alipayPublicKey": self.box.server_key.strip()}
        return config | {
            "appCertContent": self.box.certificate("appCert.crt"),
            "alipayPublicCertContent": self.box.certificate("serverCert.crt"),
            "alipayRootCertContent": self.box.certificate("rootCert.crt"),
        }

    def _v3(self, method: str, biz: dict[str, Any]) -> dict[str, Any]:
        options = {"body": biz} | ({"needEncrypt": True} if self.name == "npm v3, encrypted" else {})
        config = self.npm(certificates=self.name == "npm v3, certificates")
        path = f"/v3/{method.replace('.', '/')}"
        done: dict[str, Any] = self.driver.do("call3", config=config, method="POST", path=path, options=options)
        if "refused" in done:
            return {"code": str(done["status"]), "sub_code": done["refused"]}
        return {"code": "10000" if done.get("gmt_payment") or method != "alipay.trade.pay" else "10003", **done}


def _plan(method: str, biz: dict[str, Any]) -> dict[str, Any]:
    return {"method": method, "biz": biz, "options": {}}
