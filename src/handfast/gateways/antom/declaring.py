"""Declarations to customs: kept, with who pays what for which order, for whoever files them."""

from typing import Annotated, Any

from msgspec import Meta, json

from handfast.core.errors import Refusal
from handfast.core.ids import digest_id
from handfast.domain import declarations
from handfast.domain.apps import ALIASES
from handfast.domain.declarations import DECLARATIONS, Declaration, DeclareCheckout, declaration_number
from handfast.gateways.antom.calls import Call, endpoint
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.standing import find, told_by_status
from handfast.gateways.antom.wire import Given, Money, Text64, Text256, Told, show_id
from handfast.store.reader import Reader, get

WAITS = "PROCESSING"
"""What becomes of every declaration here: it waits for whoever files it, since nothing is sent to customs."""

DeclarationId = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,32}\Z")]
Text128 = Annotated[str, Meta(max_length=128)]


class Customs(Given, frozen=True, kw_only=True):
    """A customs office."""

    customs_code: Annotated[str, Meta(min_length=1, max_length=128)]
    region: Text64 = ""


class Importer(Given, frozen=True, kw_only=True):
    """The merchant as customs know it."""

    merchant_customs_code: Annotated[str, Meta(min_length=1, max_length=128)]
    merchant_customs_name: Text256 = ""


class Certificate(Given, frozen=True, kw_only=True):
    """Who buys, by a paper of its own."""

    certificate_type: Text64 = ""
    certificate_no: Text64 = ""
    holder_name: dict[str, Any] | None = None


class Declare(Given, frozen=True, kw_only=True):
    """What is declared of a payment, or of a part of its order."""

    declaration_request_id: DeclarationId
    payment_id: Text64
    declaration_amount: Money
    customs: Customs
    merchant_customs_info: Importer
    split_order: bool = False
    suborder_id: Text64 = ""
    buyer_certificate: Certificate | None = None


class Kept(Given, frozen=True, kw_only=True):
    """What is kept of a declaration, sealed."""

    customs: Customs
    merchant_customs_info: Importer
    split_order: bool
    buyer_certificate: Certificate | None


class Declared(Told, frozen=True, kw_only=True):
    """The numbers under which customs would find payment and order."""

    customs_payment_id: str
    customs_order_id: str
    clearing_channel: str = ""


class Inquire(Given, frozen=True, kw_only=True):
    """Declarations by their numbers."""

    declaration_request_ids: Annotated[tuple[DeclarationId, ...], Meta(min_length=1, max_length=10)]


class Office(Told, frozen=True, kw_only=True):
    """A customs office."""

    customs_code: str
    region: str = ""


class ImporterTold(Told, frozen=True, kw_only=True):
    """The merchant as customs know it."""

    merchant_customs_code: str
    merchant_customs_name: str = ""


class Record(Told, frozen=True, kw_only=True):
    """A declaration."""

    declaration_request_id: str
    customs_payment_id: str
    customs_order_id: str
    customs: Office | None = None
    merchant_customs_info: ImporterTold | None = None
    declaration_amount: Money
    split_order: bool | None = None
    declaration_request_status: str
    last_modified_time: str


class Records(Told, frozen=True, kw_only=True):
    """The declarations that there are, and the numbers of which there is none."""

    declaration_records: list[Record]
    declaration_requests_not_found: list[str] | None = None


@endpoint("customs/declare", "customs", also=("ORDER_IS_CLOSED",))
async def declare(call: Call[Declare]) -> Declared:
    """Declare a payment, or a part of it, to customs, once for each declarationRequestId; nothing is sent there."""
    given = call.given
    sale = await find(call, "", given.payment_id)
    if given.split_order and not given.suborder_id:
        raise Refused("PARAM_ILLEGAL", "a split order is declared under a suborderId")
    kept = Kept(
        customs=given.customs,
        merchant_customs_info=given.merchant_customs_info,
        split_order=given.split_order,
        buyer_certificate=given.buyer_certificate,
    )
    money = given.declaration_amount
    parts = (show_id(sale.checkout.id), money.currency, money.amount, given.suborder_id, kept)
    command = DeclareCheckout(
        by=call.party,
        checkout=sale.checkout.id,
        number=given.declaration_request_id,
        digest=digest_id(b"declare", json.encode(parts)),
        currency=money.currency,
        amount=money.amount,
        customs=given.customs.customs_code,
        order_number=given.suborder_id or sale.checkout.number,
        declared=call.seal(kept),
    )
    if sale.payment is None:
        raise Refused("ORDER_STATUS_INVALID" if sale.checkout.state == "asked" else "ORDER_IS_CLOSED")
    try:
        made: Declaration = await call.do(declarations.declare, command)
    except Refusal as no:
        raise await told_by_status(call, no, sale.checkout.id) from no
    return Declared(customs_payment_id=sale.payment_id, customs_order_id=made.order_number, clearing_channel="OTHER")


@endpoint("customs/inquiryDeclarationRequests", "customs")
async def inquiry_declaration_requests(call: Call[Inquire]) -> Records:
    """See declarations."""
    app = call.caller.app.id

    def query(reader: Reader) -> dict[str, Declaration | None]:
        found: dict[str, Declaration | None] = {}
        for number in call.given.declaration_request_ids:
            alias = get(reader, ALIASES, declaration_number(app, number))
            found[number] = get(reader, DECLARATIONS, alias.object) if alias else None
        return found

    found = await call.look(query)
    missing = [number for number, row in found.items() if row is None]
    return Records(
        declaration_records=[_record(call, row) for row in found.values() if row is not None],
        declaration_requests_not_found=missing or None,
    )


def _record(call: Call[Any], row: Declaration) -> Record:
    kept = call.unseal(row.declared, Kept)
    office = importer = None
    if kept is not None:
        office = Office(customs_code=kept.customs.customs_code, region=kept.customs.region)
        known = kept.merchant_customs_info
        importer = ImporterTold(
            merchant_customs_code=known.merchant_customs_code, merchant_customs_name=known.merchant_customs_name
        )
    return Record(
        declaration_request_id=row.number,
        customs_payment_id=show_id(row.checkout),
        customs_order_id=row.order_number,
        customs=office,
        merchant_customs_info=importer,
        declaration_amount=Money(row.amount, row.currency),
        split_order=kept.split_order if kept else None,
        declaration_request_status=WAITS,
        last_modified_time=iso_time(row.created),
    )


ENDPOINTS = (declare, inquiry_declaration_requests)
