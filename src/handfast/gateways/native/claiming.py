"""Claims: what buyer and seller write about money to give back, their words sealed under their own keys."""

from typing import Any

from handfast.core.ids import Id
from handfast.domain import claims
from handfast.domain.claims import CLAIMS, Claim
from handfast.domain.trades import TRADES, Trade
from handfast.gateways.native import quarrels, wire, wire_trades
from handfast.gateways.native.agreed import read_agreed
from handfast.gateways.native.calls import Call
from handfast.gateways.native.prefixes import parse_kind, unknown
from handfast.gateways.native.render_quarrels import claim
from handfast.gateways.native.sealing import Opener, sealed
from handfast.gateways.native.trading import owners
from handfast.store.reader import Reader, get
from handfast.store.verb import Verb


def sides(row: Claim) -> tuple[Id, ...]:
    """Whose a claim is."""
    return row.seller, row.merchant, row.buyer


async def named_trade(call: Call[Any], name: str) -> Trade:
    """The trade that a body names, if it is of the caller's. Raises NotFound."""
    key = parse_kind("trade", name)
    row = None if key is None else await call.look(lambda reader: get(reader, TRADES, key))
    if row is None or not call.caller.sees(*owners(row)):
        raise unknown("trade")
    return row


async def ask(call: Call[wire_trades.NewClaim]) -> quarrels.Claim:
    """Ask for money back; the trade's clock stops, and the seller's time to answer begins."""
    given = call.given
    trade = await named_trade(call, given.trade)
    words = await sealed(call, trade.buyer, given.words)
    command = claims.AskClaim(call.caller.party, trade.id, given.reason, given.goods, given.amount, words)
    return await _opened(call, await call.do(claims.ask, command))


async def change(call: Call[wire_trades.ClaimChange]) -> quarrels.Claim:
    """Ask for something else instead; the seller's time to answer begins anew."""
    given = call.given
    row = await call.find(CLAIMS, sides, "claim")
    words = await sealed(call, row.buyer, given.words)
    command = claims.ChangeClaim(call.caller.party, row.id, given.goods, given.amount, words)
    return await _opened(call, await call.do(claims.change, command))


async def offer(call: Call[wire_trades.NewOffer]) -> quarrels.Claim:
    """Offer less than is asked for; the buyer's time to accept begins."""
    given = call.given
    row = await call.find(CLAIMS, sides, "claim")
    answer = await sealed(call, row.seller, given.answer)
    command = claims.OfferPart(call.caller.party, row.id, given.amount, given.goods, answer)
    return await _opened(call, await call.do(claims.offer, command))


async def refuse(call: Call[wire_trades.ClaimAnswer]) -> quarrels.Claim:
    """Give nothing; the buyer may change the claim, or open a dispute."""
    row = await call.find(CLAIMS, sides, "claim")
    answer = await sealed(call, row.seller, call.given.answer)
    return await _opened(call, await call.do(claims.refuse, claims.RefuseClaim(call.caller.party, row.id, answer)))


async def send_back(call: Call[wire_trades.SentBack]) -> quarrels.Claim:
    """Tell that the goods are on their way back; the seller's time to receive them begins."""
    command = claims.SendBack(call.caller.party, call.id, call.given.tracking)
    return await _opened(call, await call.do(claims.send_back, command))


async def agree(call: Call[wire.Nothing]) -> quarrels.Claim:
    """Give what is asked for: at once or, where the goods are returned, once they are back."""
    return await _move(call, claims.agree)


async def accept(call: Call[wire.Nothing]) -> quarrels.Claim:
    """Take what the seller offered."""
    return await _move(call, claims.accept)


async def withdraw(call: Call[wire.Nothing]) -> quarrels.Claim:
    """Ask no longer; the trade goes on."""
    return await _move(call, claims.withdraw)


async def receive(call: Call[wire.Nothing]) -> quarrels.Claim:
    """Tell that the goods are back; the buyer gets its money."""
    return await _move(call, claims.receive)


async def see(call: Call[Any]) -> quarrels.Claim:
    """See a claim, with what both sides said."""
    return await _opened(call, await call.find(CLAIMS, sides, "claim"))


async def _move(call: Call[Any], verb: Verb) -> quarrels.Claim:
    return await _opened(call, await call.do(verb, claims.MoveClaim(call.caller.party, call.id)))


async def _opened(call: Call[Any], row: Claim) -> quarrels.Claim:
    def look(reader: Reader) -> quarrels.Claim:
        return claim(row, read_agreed(reader, [row]), Opener(reader, call.services.vault).said(row))

    return await call.look(look)
