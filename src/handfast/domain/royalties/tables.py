"""Rows of receivers and of what was shared."""

from handfast.core.ids import Id, digest_id
from handfast.domain.royalties.model import Pot, Receiver, Royalty
from handfast.store.reader import Reader, find
from handfast.store.table import Table

RECEIVERS = Table("receivers", Receiver)
ROYALTIES = Table("royalties", Royalty)
POTS = Table("royalty_pots", Pot)
INDEXES = (("receivers", "merchant, created, id", ""),)


def receiver_id(merchant: Id, payee: Id) -> Id:
    """The key of the tie between a merchant and somebody with whom it may share."""
    return digest_id(b"receiver", merchant, payee)


def receivers_of(reader: Reader, merchant: Id) -> list[Receiver]:
    """With whom a merchant may share, the first one first."""
    return find(reader, RECEIVERS, "merchant = ? AND state = 'bound' ORDER BY created, id", merchant)
