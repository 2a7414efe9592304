"""Exchange: rates locked in quotes, and the operator's deals that close its position."""

from handfast.domain.exchange.model import DEAL_STATES, QUOTE_STATES, Deal, Quote
from handfast.domain.exchange.rates import rate
from handfast.domain.exchange.tables import DEALS, QUOTES, deal_by_reference
from handfast.domain.exchange.verbs import (
    VERBS,
    AgreeDeal,
    BookDealLine,
    CreateQuote,
    agree_deal,
    book_deal_line,
    create,
    use,
)

__all__ = [
    "DEALS",
    "DEAL_STATES",
    "QUOTES",
    "QUOTE_STATES",
    "VERBS",
    "AgreeDeal",
    "BookDealLine",
    "CreateQuote",
    "Deal",
    "Quote",
    "agree_deal",
    "book_deal_line",
    "create",
    "deal_by_reference",
    "rate",
    "use",
]
