"""What was agreed about the rows that are to be shown: their policies and their sellers' terms, read beforehand."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from handfast.core.ids import Id
from handfast.domain import claims, disputes, payments
from handfast.domain.parties import PARTIES, Party
from handfast.domain.policies import POLICIES, Policy, policy_of
from handfast.domain.trades import TRADES, Trade
from handfast.store.reader import Reader, get


class Agreed(Struct, frozen=True):
    """Policies by id, sellers by id, and the policy of each trade that a claim or a dispute is about."""

    policies: Mapping[Id, Policy]
    sellers: Mapping[Id, Party]
    of_trade: Mapping[Id, Policy]


NOTHING = Agreed({}, {}, {})


def is_bargain(row: Any) -> bool:
    """Whether what was agreed must be at hand to show the row."""
    if isinstance(row, payments.Payment):
        return bool(row.lines)
    return isinstance(row, Trade | claims.Claim | disputes.Dispute)


def read_agreed(reader: Reader, rows: Iterable[Any]) -> Agreed:
    """What was agreed about these rows."""
    policies: dict[Id, Policy] = {}
    sellers: dict[Id, Party] = {}
    of_trade: dict[Id, Policy] = {}
    for row in rows:
        match row:
            case payments.Payment():
                for line in payments.lines_of(row):
                    _learn_seller(reader, line.seller, sellers)
            case Trade():
                _learn_seller(reader, row.seller, sellers)
                _learn_policy(reader, row.policy, policies)
            case claims.Claim() | disputes.Dispute():
                trade = get(reader, TRADES, row.trade)
                assert trade is not None, "a claim and a dispute are about a trade"
                of_trade[trade.id] = _learn_policy(reader, trade.policy, policies)
            case _:
                pass  # nothing was agreed about other rows
    return Agreed(policies, sellers, of_trade)


def _learn_seller(reader: Reader, key: Id, known: dict[Id, Party]) -> None:
    if key not in known:
        row = get(reader, PARTIES, key)
        assert row is not None, "a seller is never deleted"
        known[key] = row


def _learn_policy(reader: Reader, key: Id, known: dict[Id, Policy]) -> Policy:
    if key not in known:
        row = get(reader, POLICIES, key)
        assert row is not None, "a trade's policy was published"
        known[key] = policy_of(row)
    return known[key]
