"""What a merchant says of a paid trade: its order's business, and declarations to customs."""

from typing import Annotated, Any

from msgspec import Meta, Struct, json

from handfast.core.errors import Refusal
from handfast.core.ids import digest_id
from handfast.domain import declarations
from handfast.domain.apps import ALIASES
from handfast.domain.declarations import DECLARATIONS, Declaration, DeclareCheckout, ReportOrder, declaration_number
from handfast.domain.parties import compare
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.standing import WAITS, Sale, find, told_by_status
from handfast.gateways.alipay.users import details_of, give_open_id, user_id
from handfast.gateways.alipay.wire import CURRENCY, Kept64, Text64, Text256, Text2048, Yuan, yuan
from handfast.store.reader import Reader, get

WAITING = "ws"
"""The status of every declaration here: it waits to be sent, since Handfast sends nothing to customs."""

_ABOUT_STATUS = ("ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.TRADE_HAS_FINISHED")
_REUSED = {"number_reused": "ACQ.DISCORDANT_REPEAT_REQUEST"}
_OTHERS = "3"
"""The vendor's code of a clearing channel that is neither of the two national ones."""

_MOST_ASKED = 10

DeclareNumber = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_:\-]{1,32}\Z")]
Text20 = Annotated[str, Meta(min_length=1, max_length=20)]
Kept32 = Annotated[str, Meta(max_length=32, pattern=r"^[^\x00]*\Z")]


class Sync(Struct, frozen=True, kw_only=True):
    """What is said of a trade, as JSON text whose content the two sides agree on."""

    trade_no: Text64
    out_request_no: Kept64
    biz_type: Kept64
    order_biz_info: Text2048 = ""
    orig_request_no: Text64 = ""


class Synced(Struct, frozen=True):
    """The trade's numbers, and its buyer's."""

    trade_no: str
    out_trade_no: str
    buyer_user_id: str | None
    buyer_open_id: str | None


class Buyer(Struct, frozen=True, kw_only=True):
    """Whom the merchant's order names."""

    buyer_name: Text64 = ""
    buyer_cert_no: Text64 = ""


class Declare(Struct, frozen=True, kw_only=True):
    """What is declared of a trade, or of a part of its order where `is_split` is T."""

    out_request_no: DeclareNumber
    trade_no: Text64 = ""
    out_trade_no: Text64 = ""
    merchant_customs_code: Text20
    merchant_customs_name: Text256
    amount: Yuan
    customs_place: Text20
    is_split: Text64 = "F"
    sub_out_biz_no: Kept32 = ""
    buyer_info: Buyer | None = None


class Said(Struct, frozen=True, kw_only=True):
    """What is kept of a declaration, sealed."""

    code: str
    name: str
    split: bool
    buyer: Buyer | None


class Declared(Struct, frozen=True):
    """The numbers under which customs would find the payment; `identity_check` is T where the payer has that name."""

    trade_no: str
    out_trade_no: str
    alipay_declare_no: str
    pay_transaction_id: str
    total_amount: str
    currency: str
    ver_dept: str
    identity_check: str | None


class Asked(Struct, frozen=True, kw_only=True):
    """Declarations by their numbers, separated by commas."""

    out_request_nos: Annotated[str, Meta(min_length=1, max_length=329)]


class Record(Struct, frozen=True):
    """A declaration."""

    out_request_no: str
    trade_no: str
    alipay_declare_no: str
    merchant_customs_code: str
    merchant_customs_name: str
    customs_place: str
    amount: str
    is_split: str
    sub_out_biz_no: str | None
    status: str
    last_modified_time: str | None


class Records(Struct, frozen=True):
    """The declarations that there are, and the numbers of which there is none."""

    records: list[Record]
    not_found: list[str] | None


@method("alipay.trade.orderinfo.sync", "pay", also=("ACQ.TRADE_HAS_CLOSE",), instead=_REUSED)
async def orderinfo_sync(call: Call[Sync]) -> Synced:
    """Say something of a paid trade, once for each out_request_no; it is kept with the trade."""
    given = call.given
    if not given.out_request_no or not given.biz_type:
        raise bad_field(TRADES, "out_request_no and biz_type are needed")
    if given.order_biz_info:
        try:
            json.decode(given.order_biz_info, type=dict[str, Any])
        except ValueError:
            raise bad_field(TRADES, "order_biz_info is the text of a JSON object") from None
    sale = await _paid(call, "", given.trade_no)
    said = {"order_biz_info": given.order_biz_info, "orig_request_no": given.orig_request_no}
    digest = digest_id(json.encode((given.biz_type, said)))
    command = ReportOrder(
        call.caller.party, sale.checkout.id, given.out_request_no, given.biz_type, call.seal(said), digest
    )
    await call.do(declarations.report, command)
    buyer = sale.payment.payer
    return Synced(
        sale.trade_no,
        sale.checkout.number,
        await user_id(call.services, buyer) if buyer else None,
        await give_open_id(call.services, call.caller.app.id, buyer) if buyer else None,
    )


@method("alipay.trade.customs.declare", "customs", also=_ABOUT_STATUS, instead=_REUSED)
async def customs_declare(call: Call[Declare]) -> Declared:
    """Declare a trade, or a part of it, to customs, once for each out_request_no; it is kept, and sent nowhere."""
    given, split = call.given, call.given.is_split in ("T", "t")
    if split and not given.sub_out_biz_no:
        raise bad_field(TRADES, "a split order is declared under a sub_out_biz_no")
    if not split and given.is_split not in ("F", "f"):
        raise bad_field(TRADES, "is_split is T or F")
    sale = await _paid(call, given.out_trade_no, given.trade_no)
    said = Said(code=given.merchant_customs_code, name=given.merchant_customs_name, split=split, buyer=given.buyer_info)
    amount, place = int(given.amount), given.customs_place.upper()
    command = DeclareCheckout(
        by=call.caller.party,
        checkout=sale.checkout.id,
        number=given.out_request_no,
        digest=digest_id(sale.checkout.id, json.encode((amount, place, given.sub_out_biz_no, said))),
        currency=CURRENCY,
        amount=amount,
        customs=place,
        order_number=given.sub_out_biz_no or sale.checkout.number,
        declared=call.seal(said),
    )
    try:
        made: Declaration = await call.do(declarations.declare, command)
    except Refusal as no:
        raise await told_by_status(call, no, sale.checkout.number, sale.trade_no) from no
    return Declared(
        sale.trade_no,
        sale.checkout.number,
        number_of(made.id),
        sale.trade_no,
        yuan(sale.payment.amount),
        CURRENCY,
        _OTHERS,
        await _identity_check(call, sale, given.buyer_info),
    )


@method("alipay.trade.customs.query", "customs")
async def customs_query(call: Call[Asked]) -> Records:
    """See up to ten declarations."""
    numbers = call.given.out_request_nos.split(",")
    if len(numbers) > _MOST_ASKED:
        raise bad_field(TRADES, f"out_request_nos are at most {_MOST_ASKED}")
    app = call.caller.app.id

    def query(reader: Reader) -> dict[str, Declaration | None]:
        found: dict[str, Declaration | None] = {}
        for number in numbers:
            alias = get(reader, ALIASES, declaration_number(app, number))
            found[number] = get(reader, DECLARATIONS, alias.object) if alias else None
        return found

    found = await call.look(query)
    missing = [number for number, row in found.items() if row is None]
    return Records([_record(call, row) for row in found.values() if row is not None], missing or None)


async def _paid(call: Call[Any], out_trade_no: str, trade_no: str) -> Sale:
    """The trade, which has been paid. Raises Refused(ACQ.TRADE_NOT_EXIST, ACQ.TRADE_STATUS_ERROR, …TRADE_HAS_CLOSE)."""
    sale = await find(call, out_trade_no, trade_no)
    if sale.payment.state not in ("authorised", "captured"):
        raise Refused("ACQ.TRADE_STATUS_ERROR" if sale.status == WAITS else "ACQ.TRADE_HAS_CLOSE")
    return sale


async def _identity_check(call: Call[Any], sale: Sale, buyer: Buyer | None) -> str | None:
    """Whether the payer has the name that the order has; of the payer's papers nothing is known here."""
    payer = sale.payment.payer
    if buyer is None or not buyer.buyer_name or payer is None:
        return None
    details = await call.look(lambda reader: details_of(call.services, reader, payer))
    return "T" if details is not None and compare(buyer.buyer_name, details.name) == "match" else "F"


def _record(call: Call[Any], row: Declaration) -> Record:
    vault, caller = call.services.vault, call.caller
    said = vault.open(caller.wrapped, caller.party, row.declared, Said)
    assert said is not None, "an app whose merchant was erased may not call"
    return Record(
        row.number,
        number_of(row.checkout),
        number_of(row.id),
        said.code,
        said.name,
        row.customs,
        yuan(row.amount),
        "T" if said.split else "F",
        row.order_number if said.split else None,
        WAITING,
        moment(row.created),
    )


METHODS = (orderinfo_sync, customs_declare, customs_query)
