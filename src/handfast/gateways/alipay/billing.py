"""Bills to download: the address of a merchant's bill, signed and short-lived, and what is found there."""

import hmac
import re
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from handfast.core.clocks import DAY, SECOND
from handfast.core.ids import Id
from handfast.domain.apps import APPS, app_id
from handfast.domain.parties import PARTIES
from handfast.gateways.alipay.bills import Span, account_bill, trade_bill
from handfast.gateways.alipay.books import Books
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import end_of_day, midnight
from handfast.gateways.alipay.refusals import TRANSFERS, bad_field
from handfast.gateways.alipay.users import known_user, user_id
from handfast.gateways.alipay.v3 import Headers
from handfast.gateways.alipay.wire import Text64
from handfast.services import Services
from handfast.store.reader import Reader, get

BILLS = "/alipay/bill"
"""Where bills are."""

LIVES = 30 * SECOND
"""For how long an address leads there (wall time)."""

TYPES = ("trade", "signcustomer")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", re.ASCII)
_MOST_QUERY = 2048


class Bill(Struct, frozen=True, kw_only=True):
    """A day's or a month's bill: sales and refunds (trade), or all that moved the wallet (signcustomer)."""

    bill_type: Text64
    bill_date: Text64


class Address(Struct, frozen=True):
    """Where the bill is, for half a minute."""

    bill_download_url: str


class Given(Struct, frozen=True):
    """What goes back over HTTP."""

    status: int
    headers: Headers
    body: bytes


@method("alipay.data.dataservice.bill.downloadurl.query", "bill", TRANSFERS, also=("BILL_NOT_EXIST",))
async def bill_downloadurl_query(call: Call[Bill]) -> Address:
    """Get the address, good for 30 seconds, of a ZIP with a day's or a month's bill in CSV; of days that are over."""
    given, services = call.given, call.services
    if given.bill_type not in TYPES:
        raise bad_field(TRANSFERS, f"bill_type is {' or '.join(TYPES)}")
    span = span_of(given.bill_date)
    if span is None:
        raise bad_field(TRANSFERS, "bill_date is yyyy-MM-dd or yyyy-MM")
    party = await call.look(lambda reader: get(reader, PARTIES, call.caller.party))
    if party is None or span.end > services.market() or span.end <= end_of_day(party.created) - DAY:
        raise Refused("BILL_NOT_EXIST")
    await user_id(services, call.caller.party)
    fields = {
        "app_id": call.caller.app.number,
        "bill_type": given.bill_type,
        "bill_date": given.bill_date,
        "expires": str(services.wall() + LIVES),
    }
    return Address(f"{call.base_url}{BILLS}?{urlencode(fields | {'sign': _sign(services, fields)})}")


def span_of(date: str) -> Span | None:
    """The days of a bill by its date, yyyy-MM-dd or yyyy-MM; None for what is neither."""
    found = _DATE.fullmatch(date)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2]), int(found[3] or 1)
    try:
        start = midnight(year, month, day)
        end = start + DAY if found[3] else midnight(year + month // 12, month % 12 + 1, 1)
    except ValueError:
        return None
    return Span(date.replace("-", ""), start, end)


async def download(services: Services, query: bytes) -> Given:
    """The ZIP that a signed address leads to; 403 for an address that is not ours, or too old."""
    fields = dict(parse_qsl(query[:_MOST_QUERY].decode("latin-1")))
    sign, expires = fields.pop("sign", ""), fields.get("expires", "")
    if not hmac.compare_digest(sign.encode(), _sign(services, fields).encode()):
        return _refusal("this address was not given out here")
    if int(expires) <= services.wall():
        return _refusal("this address has expired: ask for another one")
    span = span_of(fields["bill_date"])
    assert span is not None, "it was signed"
    made = services.market()

    def read(reader: Reader) -> tuple[str, bytes] | None:
        with reader.snapshot():
            app = get(reader, APPS, app_id(GATEWAY, fields["app_id"]))
            return None if app is None else _written(services, reader, app.party, fields["bill_type"], span, made)

    found = await services.read.long(read)
    if found is None:
        return _refusal("there is no such app")
    user, body = found
    name = f"{user}_{span.name}.csv.zip"
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Given(200, headers, body)


def _written(services: Services, reader: Reader, merchant: Id, bill: str, span: Span, made: int) -> tuple[str, bytes]:
    """Whose bill it is, and its ZIP."""
    user, books = known_user(reader, merchant), Books(services, reader, merchant)
    if bill == "trade":
        return user, trade_bill(user, span, made, books.sales(span))
    return user, account_bill(user, span, made, books.moves(span))


def _sign(services: Services, fields: dict[str, str]) -> str:
    """The mark by which an address is known as ours."""
    text = urlencode(sorted(fields.items())).encode()
    return hmac.digest(services.vault.subkey("alipay bill"), text, "sha256").hex()


def _refusal(why: str) -> Given:
    return Given(403, [(b"content-type", b"text/plain;charset=utf-8")], f"{why}\n".encode())


METHODS = (bill_downloadurl_query,)
