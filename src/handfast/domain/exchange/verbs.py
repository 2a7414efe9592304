"""What can be done with exchange: lock a rate in a quote; agree on a deal with the bank and book its lines."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.clocks import MINUTE
from handfast.core.errors import Conflict, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.core.states import move
from handfast.domain.custody import BankLine, admit_line, keep_matched, must_match
from handfast.domain.exchange import postings
from handfast.domain.exchange.model import DEAL_STATES, QUOTE_STATES, Deal, Quote
from handfast.domain.exchange.rates import rate
from handfast.domain.exchange.tables import DEALS, QUOTES
from handfast.domain.parties import HOUSE
from handfast.store.verb import Tx, verb

QUOTE_STANDS = 30 * MINUTE


class CreateQuote(Struct, frozen=True):
    """Lock today's rate from the price's currency to the payer's."""

    owner: Id
    price_currency: str
    pay_currency: str


class AgreeDeal(Struct, frozen=True):
    """Note an exchange agreed with the bank; `reference` is what both statement lines will carry."""

    sell_currency: str
    sell_amount: int
    buy_currency: str
    buy_amount: int
    reference: str


class BookDealLine(Struct, frozen=True):
    """A statement's line of a deal, in a row that is ready to be kept as matched to it."""

    deal: Id
    line: BankLine


@verb("quotes.create")
async def create(tx: Tx, command: CreateQuote) -> Quote:
    """Lock a rate for half an hour of market time, or for the life of the payment that uses it. Raises Invalid."""
    if command.price_currency == command.pay_currency:
        raise Invalid("quote_mismatch", "one currency needs no quote", "pay_currency")
    numerator, denominator, source = rate(command.price_currency, command.pay_currency, tx.now)
    quote = Quote(
        id=tx.new_id(),
        owner=command.owner,
        state="open",
        price_currency=command.price_currency,
        pay_currency=command.pay_currency,
        numerator=numerator,
        denominator=denominator,
        source=source,
        expires=tx.now + QUOTE_STANDS,
        version=1,
        created=tx.now,
    )
    tx.put(QUOTES, quote)
    tx.event("quote.created", quote, owner=quote.owner)
    return quote


def use(tx: Tx, quote: Quote, owners: tuple[Id, ...], price_currency: str) -> None:
    """Stage that a payment takes the quote.

    Raises NotFound, Conflict(quote_expired, quote_used), Invalid(quote_mismatch).
    """
    if quote.owner not in owners:
        raise NotFound("object_not_found", "no such quote", "quote")
    if quote.state == "used":
        raise Conflict("quote_used", "this quote has served another payment", "quote")
    if tx.now >= quote.expires:
        raise Conflict("quote_expired", "this quote stands no longer; ask for a new one", "quote")
    if quote.price_currency != price_currency:
        raise Invalid("quote_mismatch", f"the quote prices in {quote.price_currency}", "quote")
    used = replace(quote, state=move(QUOTE_STATES, quote.state, "use"), version=quote.version + 1)
    tx.put(QUOTES, used)
    tx.event("quote.used", used, owner=used.owner)


@verb("deals.agree")
async def agree_deal(tx: Tx, command: AgreeDeal) -> Deal:
    """Note a deal with the bank, so that its lines will be known. Raises Invalid."""
    for currency in (command.sell_currency, command.buy_currency):
        exponent(currency)
    check_amount(command.sell_amount, "sell_amount")
    check_amount(command.buy_amount, "buy_amount")
    if command.sell_currency == command.buy_currency:
        raise Invalid("currency_mismatch", "a deal is between two currencies", "buy_currency")
    deal = Deal(
        id=tx.new_id(),
        state="agreed",
        sell_currency=command.sell_currency,
        sell_amount=command.sell_amount,
        buy_currency=command.buy_currency,
        buy_amount=command.buy_amount,
        sold=0,
        bought=0,
        reference=command.reference,
        version=1,
        created=tx.now,
    )
    tx.put(DEALS, deal)
    tx.event("deal.agreed", deal, owner=HOUSE)
    return deal


@verb("deals.book_line", about="deal")
async def book_deal_line(tx: Tx, command: BookDealLine) -> Deal:
    """Book one of the deal's two lines; a line counts once. Raises NotFound, Invalid(currency_mismatch), Conflict."""
    known = await admit_line(tx, command.line)
    deal = await tx.get(DEALS, command.deal)
    if deal is None:
        raise NotFound("object_not_found", "no such deal", "deal")
    if known is not None:
        must_match(known, deal.id)
        return deal
    currency, amount = command.line.currency, command.line.amount
    sold = currency == deal.sell_currency and -amount == deal.sell_amount and not deal.sold
    bought = currency == deal.buy_currency and amount == deal.buy_amount and not deal.bought
    if not (sold or bought):
        raise Invalid("currency_mismatch", "the line is neither the deal's sale nor its purchase", "line")
    line = keep_matched(tx, command.line, deal.id)
    booked = replace(
        deal,
        sold=deal.sell_amount if sold else deal.sold,
        bought=deal.buy_amount if bought else deal.bought,
        version=deal.version + 1,
    )
    if booked.sold and booked.bought:
        booked = replace(booked, state=move(DEAL_STATES, deal.state, "book"))
    tx.put(DEALS, booked)
    tx.event("deal.booked", booked, owner=HOUSE)
    await tx.post(postings.book(line))
    return booked


VERBS = (create, agree_deal, book_deal_line)
