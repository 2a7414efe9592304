"""Who takes part: the merchant's app, which signs as SDKs do, its shop's own server, and the buyers with their PINs."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from queue import Queue
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

import httpx

from handfast.core import rsa

_numbers = count(1)


class Shop:
    """The merchant's server: notes what is posted to it, and answers `success`; pages answer with their own address."""

    def __enter__(self) -> Self:
        shop = self
        self.told: Queue[dict[str, str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(b"<!doctype html><title>the shop</title>", "text/html")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                shop.told.put(dict(parse_qsl(body.decode())))
                self._say(b"success", "text/plain")

            def _say(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Town:
    """A served sandbox."""

    def __init__(self, data: Path, keys: Any, shop: Shop) -> None:
        self.data = data
        self.keys = keys
        self.shop = shop
        self.url: str = keys["base_url"]
        self.app = keys["alipay"]
        self.buyers: list[tuple[str, str]] = list(keys["pins"].items())
        self._key = rsa.private_key(Path(self.app["app_private_key"]).read_text())
        self.gateway_key = rsa.public_key(Path(self.app["server_public_key"]).read_text())

    def signed(self, method: str, biz: dict[str, Any], **more: str) -> str:
        """The address of a signed call."""
        fields = {
            "app_id": self.app["app_id"],
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            "biz_content": json.dumps(biz, ensure_ascii=False),
            **more,
        }
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        fields["sign"] = rsa.sign(self._key, text.encode())
        return f"{self.app['gateway_url']}?{urlencode(fields)}"

    def call(self, method: str, **biz: Any) -> dict[str, Any]:
        """The answer of a call."""
        answer = httpx.get(self.signed(method, biz)).json()
        return dict(answer[f"{method.replace('.', '_')}_response"])

    def number(self) -> str:
        return f"N{next(_numbers)}"

    def page_pay(self, amount: str, subject: str = "Two cups", number: str = "") -> str:
        """An address that a browser opens to pay."""
        biz = {"out_trade_no": number or self.number(), "total_amount": amount, "subject": subject}
        urls = {"return_url": f"{self.shop.url}/back?of=1", "notify_url": f"{self.shop.url}/notify"}
        return self.signed("alipay.trade.page.pay", biz, **urls)

    def order(self, amount: str, subject: str = "Two cups", number: str = "") -> str:
        """The address of an order's page."""
        return self.url + httpx.get(self.page_pay(amount, subject, number)).headers["location"]
