"""Royalties: the receivers with whom a merchant may share, sharing a sale with them, and what became of it."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import Id, digest_id
from handfast.domain import checkouts, royalties
from handfast.domain.apps import ALIASES
from handfast.domain.checkouts import SettleCheckout, frozen_mark, is_settled
from handfast.domain.payments import lines_of
from handfast.domain.royalties import (
    MOST_RECEIVERS,
    RECEIVERS,
    ROYALTIES,
    Receiver,
    Royalty,
    ShareCheckout,
    TieReceivers,
    receiver_id,
    receivers_of,
    royalty_number,
    shared_with,
)
from handfast.domain.trades import TRADES as HELD
from handfast.domain.trades import Trade, earnings, held_left, shares_of
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.escrow import is_true
from handfast.gateways.alipay.numbers import moment, number_of, thing_of
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.standing import CLOSED, FINISHED, WAITS, Sale, find
from handfast.gateways.alipay.users import known_user, party_of
from handfast.gateways.alipay.wire import Kept64, Text64, Text128, Text256, Yuan, yuan
from handfast.store.reader import Reader, get

_PAGE = 20
_USERS = ("userId", "openId")


class ReceiverNamed(Struct, frozen=True, kw_only=True):
    """A receiver by its user number."""

    account: Text64
    type: Text64 = "userId"
    name: Text128 = ""
    memo: Text256 = ""


class Tie(Struct, frozen=True, kw_only=True):
    """Receivers that are bound or unbound."""

    receiver_list: list[ReceiverNamed]
    out_request_no: Text64 = ""


class Tied(Struct, frozen=True):
    """Whether it was done."""

    result_code: str


class Pages(Struct, frozen=True, kw_only=True):
    """Which page of the receivers."""

    page_num: int = 1
    page_size: int = _PAGE
    out_request_no: Text64 = ""


class ReceiverTold(Struct, frozen=True):
    """A receiver."""

    type: str
    account: str
    memo: str | None


class ReceiversTold(Struct, frozen=True, kw_only=True):
    """A page of the receivers."""

    result_code: str
    receiver_list: list[ReceiverTold]
    total_page_num: int
    total_record_num: int
    current_page_num: int
    current_page_size: int


class RoyaltyParameter(Struct, frozen=True, kw_only=True):
    """Who is given how much of a sale; in a refund, who gives it back (`trans_out`)."""

    amount: Yuan
    trans_in: Text64 = ""
    trans_in_type: Text64 = "userId"
    trans_out: Text64 = ""
    trans_out_type: Text64 = "userId"
    royalty_type: Text64 = "transfer"
    desc: Text256 = ""


class Settle(Struct, frozen=True, kw_only=True):
    """How a sale is shared; royalty_finish in extend_params lets the merchant have what is still held of it."""

    out_request_no: Kept64
    trade_no: Text64
    royalty_parameters: list[RoyaltyParameter]
    extend_params: dict[str, Any] = {}
    royalty_mode: Text64 = ""
    operator_id: Text64 = ""


class Settled(Struct, frozen=True):
    """The number of what was shared."""

    trade_no: str
    settle_no: str


class SettleNamed(Struct, frozen=True, kw_only=True):
    """What was shared, by the vendor's number, or by the trade's and the request's."""

    settle_no: Text64 = ""
    trade_no: Text64 = ""
    out_request_no: Text64 = ""


class RoyaltyTold(Struct, frozen=True, kw_only=True):
    """What one receiver was given."""

    operation_type: str
    execute_dt: str | None
    trans_out: str
    trans_out_type: str
    trans_in: str
    trans_in_type: str
    amount: str
    state: str
    detail_id: str


class SettleTold(Struct, frozen=True):
    """What became of a request to share."""

    out_request_no: str
    operation_dt: str | None
    royalty_detail_list: list[RoyaltyTold]


async def _tie(call: Call[Tie], *, bind: bool) -> Tied:
    given = call.given.receiver_list
    if not 1 <= len(given) <= MOST_RECEIVERS:
        raise bad_field(TRADES, f"receiver_list has 1 to {MOST_RECEIVERS} receivers")
    payees = [(await receiver(call, named.account, named.type), call.seal(named.memo)) for named in given]
    await call.do(royalties.tie_receivers, TieReceivers(call.caller.party, tuple(payees), bind))
    return Tied("SUCCESS")


@method("alipay.trade.royalty.relation.bind", "royalty", also=("ACQ.ROYALTY_RECEIVER_INVALID",))
async def bind(call: Call[Tie]) -> Tied:
    """Let receivers be shared with."""
    return await _tie(call, bind=True)


@method("alipay.trade.royalty.relation.unbind", "royalty", also=("ACQ.ROYALTY_RECEIVER_INVALID",))
async def unbind(call: Call[Tie]) -> Tied:
    """Let receivers be shared with no longer."""
    return await _tie(call, bind=False)


@method("alipay.trade.royalty.relation.batchquery", "royalty")
async def batchquery(call: Call[Pages]) -> ReceiversTold:
    """See with whom the merchant may share."""
    number, size = call.given.page_num, call.given.page_size
    if not (1 <= number <= 10_000 and 1 <= size <= 100):
        raise bad_field(TRADES, "page_num begins at 1, page_size is 1 to 100")
    found = await call.look(lambda reader: receivers_of(reader, call.caller.party))
    page = found[(number - 1) * size : number * size]
    return ReceiversTold(
        result_code="SUCCESS",
        receiver_list=[await _receiver_told(call, each) for each in page],
        total_page_num=-(-len(found) // size),
        total_record_num=len(found),
        current_page_num=number,
        current_page_size=len(page),
    )


async def _receiver_told(call: Call[Any], tie: Receiver) -> ReceiverTold:
    memo = call.services.vault.open(call.caller.wrapped, call.caller.party, tie.memo, str) if tie.memo else None
    return ReceiverTold("userId", await call.look(lambda reader: known_user(reader, tie.payee)), memo or None)


async def receiver(call: Call[Any], account: str, kind: str) -> Id:
    """The party of that account, which is another than the merchant. Raises Refused(ACQ.ROYALTY_RECEIVER_INVALID)."""
    party = await party_of(call.services, account) if kind in _USERS else None
    if party is None or party == call.caller.party:
        raise Refused("ACQ.ROYALTY_RECEIVER_INVALID")
    return party


def digest_of(shares: tuple[tuple[Id, int], ...]) -> bytes:
    """What must be equal for two requests to share to be one."""
    return digest_id(*(payee + str(amount).encode() for payee, amount in sorted(shares)))


@method(
    "alipay.trade.order.settle",
    "royalty",
    also=("ACQ.TRADE_SETTLE_ERROR", "ACQ.TRADE_STATUS_ERROR"),
    instead={
        "balance_insufficient": "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "number_reused": "ACQ.DISCORDANT_REPEAT_REQUEST",
        "object_not_found": "ACQ.ROYALTY_RECEIVER_INVALID",
        "party_suspended": "ACQ.ROYALTY_RECEIVER_INVALID",
        "state_conflict": "ACQ.TRADE_SETTLE_ERROR",
    },
)
async def settle(call: Call[Settle]) -> Settled:
    """Share what the merchant earned by a sale, once for each out_request_no."""
    given = call.given
    if not given.out_request_no or not 1 <= len(given.royalty_parameters) <= MOST_RECEIVERS:
        raise bad_field(TRADES, f"out_request_no and 1 to {MOST_RECEIVERS} royalty_parameters are needed")
    own = await call.look(lambda reader: known_user(reader, call.caller.party))
    if any(part.royalty_type != "transfer" or part.trans_out not in ("", own) for part in given.royalty_parameters):
        raise bad_field(TRADES, "royalty_type is transfer, trans_out the merchant itself")
    sale = await find(call, "", given.trade_no)
    if sale.status in (WAITS, CLOSED, FINISHED):
        raise Refused("ACQ.TRADE_STATUS_ERROR")
    parts = given.royalty_parameters
    shares = tuple([(await receiver(call, part.trans_in, part.trans_in_type), int(part.amount)) for part in parts])
    digest = digest_of(shares)
    command = ShareCheckout(call.caller.party, sale.checkout.id, given.out_request_no, digest, shares)
    if is_settled(sale.checkout):
        await _let_go(call, sale, command, all_of_it=is_true(given.extend_params, "royalty_finish"))
    made: Royalty = await call.do(royalties.share_sale, command)
    return Settled(sale.trade_no, number_of(made.id))


async def _let_go(call: Call[Settle], sale: Sale, command: ShareCheckout, *, all_of_it: bool) -> None:
    """Settle so much of what is held of a sale that the shares can be given. Raises Refused, and refusals."""

    def query(reader: Reader) -> tuple[Trade | None, bool, bool, bool]:
        ties = [get(reader, RECEIVERS, receiver_id(call.caller.party, payee)) for payee, _ in command.shares]
        mark = get(reader, ALIASES, frozen_mark(sale.checkout))
        known = get(reader, ALIASES, royalty_number(sale.checkout, "share", command.number))
        trade = get(reader, HELD, lines_of(sale.payment)[0].trade)
        bound = all(tie is not None and tie.state == "bound" for tie in ties)
        return trade, bound, mark is not None, known is not None

    trade, bound, frozen, known = await call.look(query)
    if known or trade is None or held_left(trade) == 0:
        return
    if not frozen:
        raise Refused("ACQ.TRADE_SETTLE_ERROR")
    if not bound:
        raise Refused("ACQ.ROYALTY_RECEIVER_INVALID")
    amount = held_left(trade) if all_of_it else needed(trade, sum(part for _, part in command.shares))
    number, digest = f"\0royalty {command.number}", digest_id(command.number.encode())
    try:
        await call.do(checkouts.settle, SettleCheckout(command.by, command.checkout, number, digest, amount))
    except Refusal as no:
        raise Refused("ACQ.TRADE_SETTLE_ERROR") if no.code == "claim_open" else no from no


def needed(trade: Trade, shared: int) -> int:
    """How much of what is held makes the seller earn so many minor units. Raises Refused(ALLOC_AMOUNT_…)."""
    earns = earnings(trade, shares_of(trade))
    most = held_left(trade)
    amount = -(-shared * trade.amount // earns) + 1 if earns else most + 1
    if shared > earns * most // trade.amount:
        raise Refused("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR")
    return min(amount, most)


@method("alipay.trade.order.settle.query", "royalty", also=("ACQ.TRADE_SETTLE_ERROR",))
async def settle_query(call: Call[SettleNamed]) -> SettleTold:
    """See what became of a request to share."""
    given = call.given
    key = thing_of(given.settle_no) if given.settle_no else None
    if not given.settle_no:
        if not given.out_request_no:
            raise bad_field(TRADES, "settle_no, or trade_no and out_request_no are needed")
        sale = await find(call, "", given.trade_no)
        number = royalty_number(sale.checkout, "share", given.out_request_no)
        alias = await call.look(lambda reader: get(reader, ALIASES, number))
        key = alias.object if alias else None
    royalty = await call.look(lambda reader: get(reader, ROYALTIES, key)) if key else None
    if royalty is None or royalty.kind != "share":
        raise Refused("ACQ.TRADE_SETTLE_ERROR")
    await find(call, "", number_of(royalty.checkout))
    return await call.look(lambda reader: _told(reader, call.caller.party, royalty))


def _told(reader: Reader, merchant: Id, royalty: Royalty) -> SettleTold:
    own, at = known_user(reader, merchant), moment(royalty.created)
    details = [
        RoyaltyTold(
            operation_type="transfer",
            execute_dt=at,
            trans_out=own,
            trans_out_type="userId",
            trans_in=known_user(reader, payee),
            trans_in_type="userId",
            amount=yuan(amount),
            state="SUCCESS",
            detail_id=f"{number_of(royalty.id)}{n:02}",
        )
        for n, (payee, amount) in enumerate(shared_with(royalty))
    ]
    return SettleTold(royalty.number, at, details)


METHODS = (bind, unbind, batchquery, settle, settle_query)
