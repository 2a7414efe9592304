"""The entry of a royalty: out of the merchant's wallet into the payees', or back."""

from msgspec import msgpack

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.royalties.model import Royalty
from handfast.ledger import Entry, Posting, Purpose

SHARE = 1


def shared_with(royalty: Royalty) -> tuple[tuple[Id, int], ...]:
    """Who was given, or gave back, how many minor units."""
    return msgpack.decode(royalty.shares, type=tuple[tuple[bytes, int], ...])


def posted(royalty: Royalty, merchant: Id) -> Entry:
    """Given a wallet with the amount, when it is shared, then each payee has its part; a return is the other way."""
    own = account_id(merchant, Purpose.WALLET, royalty.currency)
    postings = []
    for payee, amount in shared_with(royalty):
        other = account_id(payee, Purpose.WALLET, royalty.currency)
        pair = (own, other) if royalty.kind == "share" else (other, own)
        postings.append(Posting(*pair, amount))
    return Entry(entry_id(royalty.id, SHARE), f"royalty.{royalty.kind}", tuple(postings))
