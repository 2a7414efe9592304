"""What merchants share of a sale with third parties, out of what they earn, and what comes back of it."""

from handfast.domain.royalties.model import RECEIVER_STATES, Pot, Receiver, Royalty
from handfast.domain.royalties.postings import shared_with
from handfast.domain.royalties.tables import POTS, RECEIVERS, ROYALTIES, receiver_id, receivers_of
from handfast.domain.royalties.verbs import (
    MOST_RECEIVERS,
    VERBS,
    ReturnShares,
    ShareCheckout,
    TieReceivers,
    return_shares,
    royalty_number,
    share_sale,
    tie_receivers,
)

__all__ = [
    "MOST_RECEIVERS",
    "POTS",
    "RECEIVERS",
    "RECEIVER_STATES",
    "ROYALTIES",
    "VERBS",
    "Pot",
    "Receiver",
    "ReturnShares",
    "Royalty",
    "ShareCheckout",
    "TieReceivers",
    "receiver_id",
    "receivers_of",
    "return_shares",
    "royalty_number",
    "share_sale",
    "shared_with",
    "tie_receivers",
]
