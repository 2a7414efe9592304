"""Money from the merchant's wallet to a user's: transfers, how they stand, and what the merchant has; old and new."""

from base64 import b64decode, b64encode
from typing import Any

from msgspec import Struct, json, msgpack

from handfast.core.ids import account_id, digest_id
from handfast.domain import transfers
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.parties import compare
from handfast.domain.transfers import CreateNumbered, CreateTransfer, Transfer
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment, number_of, thing_of
from handfast.gateways.alipay.refusals import TRANSFERS, bad_field
from handfast.gateways.alipay.users import details_of, party_by_login, party_by_open_id, party_of, user_id
from handfast.gateways.alipay.wire import CURRENCY, Kept256, Number, Text64, Text256, Yuan, yuan
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of
from handfast.store.reader import Reader, get

TRANSFER = "transfer"
"""The kind of number that names a transfer (see apps.alias_id)."""

PRODUCT, SCENE = "TRANS_ACCOUNT_NO_PWD", "DIRECT_TRANSFER"
LOGON_ID = "ALIPAY_LOGON_ID"
_OLD_TYPES = {
    "ALIPAY_USERID": "ALIPAY_USER_ID",
    "ALIPAY_LOGONID": LOGON_ID,
    "ALIPAY_OPENID": "ALIPAY_OPEN_ID",
}
_ALSO = ("PAYEE_NOT_EXIST", "PAYEE_USER_INFO_ERROR", "PAYER_PAYEE_CANNOT_SAME")
_INSTEAD = {"party_suspended": "PAYEE_USERINFO_STATUS_ERROR"}


class Payee(Struct, frozen=True, kw_only=True):
    """Who is paid: a user number, an e-mail address or an open id, and the name that it must have."""

    identity: Text256
    identity_type: Text64
    name: Text256 = ""


class NewTransfer(Struct, frozen=True, kw_only=True):
    """A transfer under the merchant's own number."""

    out_biz_no: Number
    trans_amount: Yuan
    product_code: Text64 = PRODUCT
    biz_scene: Text64 = SCENE
    order_title: Kept256 = ""
    payee_info: Payee
    remark: Kept256 = ""


class Made(Struct, frozen=True):
    """A transfer that was made; its two numbers are one here."""

    out_biz_no: str
    order_id: str
    pay_fund_order_id: str
    status: str
    trans_date: str | None


class OldTransfer(Struct, frozen=True, kw_only=True):
    """A transfer as it was asked before there was uni.transfer."""

    out_biz_no: Number
    payee_type: Text64
    payee_account: Text256
    amount: Yuan
    payer_show_name: Kept256 = ""
    payee_real_name: Text256 = ""
    remark: Kept256 = ""


class OldMade(Struct, frozen=True):
    """A transfer that was made."""

    out_biz_no: str
    order_id: str
    pay_date: str | None


class NamedTransfer(Struct, frozen=True, kw_only=True):
    """A transfer by one of its numbers; order_id wins, out_biz_no comes last."""

    out_biz_no: Text64 = ""
    order_id: Text64 = ""
    pay_fund_order_id: Text64 = ""
    product_code: Text64 = PRODUCT
    biz_scene: Text64 = SCENE


class Found(Struct, frozen=True):
    """How a transfer stands: one that is found succeeded at once."""

    order_id: str
    pay_fund_order_id: str
    out_biz_no: str
    trans_amount: str
    status: str
    pay_date: str | None
    arrival_time_end: str | None
    order_fee: str


class OldNamed(Struct, frozen=True, kw_only=True):
    """A transfer by one of its numbers; order_id wins."""

    out_biz_no: Text64 = ""
    order_id: Text64 = ""


class OldFound(Struct, frozen=True):
    """How a transfer stands."""

    order_id: str
    status: str
    pay_date: str | None
    arrival_time_end: str | None
    order_fee: str
    out_biz_no: str


class Account(Struct, frozen=True, kw_only=True):
    """Whose balance; an app sees its own merchant's."""

    alipay_user_id: Text64 = ""
    alipay_open_id: Text64 = ""
    account_type: Text64 = "ACCTRANS_ACCOUNT"


class Funds(Struct, frozen=True):
    """What can be spent now, and what is set aside and may come free again."""

    available_amount: str
    freeze_amount: str


class Written(Struct, frozen=True):
    """What a transfer carries of its request, in its metadata: `words` are sealed under the payer's key, in base64."""

    out_biz_no: str
    words: str


@method("alipay.fund.trans.uni.transfer", "transfer", TRANSFERS, _ALSO, instead=_INSTEAD)
async def uni_transfer(call: Call[NewTransfer]) -> Made:
    """Move money from the merchant's wallet to a user's, once for each out_biz_no."""
    given = call.given
    _must_be_direct(given.product_code, given.biz_scene)
    words = {"subject": given.order_title, "remark": given.remark}
    made = await _transfer(call, given.out_biz_no, given.trans_amount, given.payee_info, words)
    number = number_of(made.id)
    return Made(given.out_biz_no, number, number, "SUCCESS", moment(made.created))


@method("alipay.fund.trans.toaccount.transfer", "transfer", TRANSFERS, _ALSO, instead=_INSTEAD)
async def toaccount_transfer(call: Call[OldTransfer]) -> OldMade:
    """Move money from the merchant's wallet to a user's; the older form of uni.transfer, which shares its numbers."""
    given = call.given
    identity_type = _OLD_TYPES.get(given.payee_type, "")
    payee = Payee(identity=given.payee_account, identity_type=identity_type, name=given.payee_real_name)
    words = {"subject": "", "remark": given.remark, "payer": given.payer_show_name}
    made = await _transfer(call, given.out_biz_no, given.amount, payee, words, named=False)
    return OldMade(given.out_biz_no, number_of(made.id), moment(made.created))


@method("alipay.fund.trans.common.query", "transfer", TRANSFERS)
async def common_query(call: Call[NamedTransfer]) -> Found:
    """See what became of a transfer; one that was refused is not there, and its out_biz_no is free."""
    given = call.given
    _must_be_direct(given.product_code, given.biz_scene)
    made, number = await _find(call, given.out_biz_no, given.order_id or given.pay_fund_order_id)
    name, at = number_of(made.id), moment(made.created)
    return Found(name, name, number, yuan(made.amount), "SUCCESS", at, at, yuan(0))


@method("alipay.fund.trans.order.query", "transfer", TRANSFERS)
async def order_query(call: Call[OldNamed]) -> OldFound:
    """See what became of a transfer; the older form of common.query."""
    made, number = await _find(call, call.given.out_biz_no, call.given.order_id)
    at = moment(made.created)
    return OldFound(number_of(made.id), "SUCCESS", at, at, yuan(0), number)


@method("alipay.fund.account.query", "transfer", TRANSFERS, ("isv.insufficient-user-permissions",))
async def account_query(call: Call[Account]) -> Funds:
    """See what the merchant's wallet holds."""
    given, own = call.given, call.caller.party
    if given.account_type != "ACCTRANS_ACCOUNT":
        raise bad_field(TRANSFERS, "account_type is ACCTRANS_ACCOUNT")
    if given.alipay_user_id and given.alipay_user_id != await user_id(call.services, own):
        raise Refused("isv.insufficient-user-permissions")
    if given.alipay_open_id and await party_by_open_id(call.services, call.caller.app.id, given.alipay_open_id) != own:
        raise Refused("isv.insufficient-user-permissions")
    wallet = account_id(own, Purpose.WALLET, CURRENCY)
    balances = await call.look(lambda reader: balances_of(reader, own))
    found = next((each for each in balances if each.account == wallet), None)
    return Funds(yuan(found.available if found else 0), yuan(found.debits_pending if found else 0))


def _must_be_direct(product: str, scene: str) -> None:
    if product != PRODUCT:
        raise bad_field(TRANSFERS, f"product_code is {PRODUCT}: bank cards and red packets are not paid here")
    if scene != SCENE:
        raise bad_field(TRANSFERS, f"biz_scene is {SCENE}")


async def _transfer(
    call: Call[Any], number: str, amount: Yuan, payee: Payee, words: dict[str, str], *, named: bool = True
) -> Transfer:
    party = await _payee(call, payee, named=named)
    written = Written(number, b64encode(call.seal(words)).decode())
    command = CreateNumbered(
        alias_id(call.caller.app.id, TRANSFER, number),
        digest_id(msgpack.encode((int(amount), party))),
        CreateTransfer(call.caller.party, party, CURRENCY, int(amount), metadata=json.encode(written)),
    )
    made: Transfer = await call.do(transfers.create_numbered, command)
    return made


async def _payee(call: Call[Any], payee: Payee, *, named: bool) -> bytes:
    """Who is paid. A name that was given must be theirs; `named` is whether an address needs one."""
    match payee.identity_type:
        case "ALIPAY_USER_ID":
            party = await party_of(call.services, payee.identity)
        case "ALIPAY_LOGON_ID":
            if named and not payee.name:
                raise bad_field(TRANSFERS, f"payee_info.name is needed with {LOGON_ID}")
            party = await party_by_login(call.services, payee.identity)
        case "ALIPAY_OPEN_ID":
            party = await party_by_open_id(call.services, call.caller.app.id, payee.identity)
        case _:
            raise bad_field(TRANSFERS, "a payee is named by user id, logon id or open id")
    if party is None:
        raise Refused("PAYEE_NOT_EXIST")
    if party == call.caller.party:
        raise Refused("PAYER_PAYEE_CANNOT_SAME")
    if payee.name:
        details = await call.look(lambda reader: details_of(call.services, reader, party))
        if details is None or compare(payee.name, details.name) != "match":
            raise Refused("PAYEE_USER_INFO_ERROR")
    return party


async def _find(call: Call[Any], number: str, order_id: str) -> tuple[Transfer, str]:
    """The transfer that the merchant made, and its out_biz_no. Raises Refused(ORDER_NOT_EXIST)."""
    if not number and not order_id:
        raise bad_field(TRANSFERS, "one of out_biz_no and order_id is needed")

    def query(reader: Reader) -> Transfer | None:
        alias = None if order_id else get(reader, ALIASES, alias_id(call.caller.app.id, TRANSFER, number))
        key = thing_of(order_id) if order_id else alias.object if alias else None
        return get(reader, transfers.TRANSFERS, key) if key else None

    made = await call.look(query)
    written = written_of(made) if made is not None and made.payer == call.caller.party else None
    if made is None or written is None:
        raise Refused("ORDER_NOT_EXIST")
    return made, written.out_biz_no


def written_of(transfer: Transfer) -> Written | None:
    """What a transfer carries of its request; None for one that was not asked for through this gateway."""
    try:
        return json.decode(transfer.metadata, type=Written)
    except ValueError:
        return None


def words_of(written: Written) -> bytes:
    """The sealed words: title and remark."""
    return b64decode(written.words)


METHODS = (uni_transfer, common_query, account_query, toaccount_transfer, order_query)
