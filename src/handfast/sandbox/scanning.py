"""The buyer at a gateway's merchant: scans a code, opens a payment page, shows a payment code."""

import http.client
from urllib.parse import urlsplit

from msgspec import Struct

from handfast.core.errors import Invalid
from handfast.core.ids import Id, parse
from handfast.gateways.alipay.numbers import thing_of
from handfast.gateways.alipay.paying import CASHIER
from handfast.gateways.alipay.standing import Sale

_PATIENCE = 30.0


class Paid(Struct, frozen=True):
    """A trade that the buyer paid, by both its numbers."""

    trade_no: str
    out_trade_no: str
    trade_status: str


def told(sale: Sale) -> Paid:
    """What is printed of a trade."""
    return Paid(sale.trade_no, sale.checkout.number, sale.status)


def checkout_of(code: str) -> Id:
    """The checkout that a QR code or a cashier's address leads to. Raises Invalid(field_invalid)."""
    path = urlsplit(code.strip()).path
    found = parse("", f"_{path.rpartition('/')[2]}")
    if found is None or (CASHIER not in f"/{path}" and "/" in path):
        raise Invalid("field_invalid", "this leads to no cashier", "code")
    return found


def trade_of(number: str) -> Id:
    """The checkout with that trade_no. Raises Invalid(field_invalid)."""
    found = thing_of(number)
    if found is None:
        raise Invalid("field_invalid", "this is no trade_no", "trade_no")
    return found


def opened(base_url: str, target: str) -> Id:
    """The checkout that a payment page leads to: a whole address, or the order string that an app is handed.

    It is asked of the sandbox's server, whatever host the address names. Raises Invalid(field_invalid) with the
    gateway's answer where it refuses, Invalid(settings_invalid) where no server is running.
    """
    parts = urlsplit(target)
    query = parts.query if "?" in target else target
    path = parts.path if parts.netloc else "/gateway.do"
    if CASHIER in path:
        return checkout_of(target)
    status, location, body = _get(base_url, f"{path}?{query}")
    if status not in (302, 303) or not location:
        raise Invalid("field_invalid", f"the gateway answered {body.decode('utf-8', 'replace')}", "url")
    return checkout_of(location)


def _get(base_url: str, target: str) -> tuple[int, str, bytes]:
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=_PATIENCE)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.getheader("location") or "", answer.read()
    except OSError:
        no = f"nobody answers at {base_url}: handfast serve --data serves the sandbox"
        raise Invalid("settings_invalid", no, "data") from None
    finally:
        connection.close()
