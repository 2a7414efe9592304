"""How a trade or a payment stands now, in a few lines: its money, its terms, its clock."""

from collections.abc import Iterator

from handfast.core.ids import Id
from handfast.domain.payments import PAYMENTS, Payment
from handfast.domain.trades import TRADES, trades_of
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.sales import Trade
from handfast.gateways.native.showing import show_here
from handfast.gateways.native.wording import money
from handfast.store.reader import Reader, get


def facts(reader: Reader, kind: str, key: Id) -> list[str]:
    """The lines about a trade or a payment; none about anything else."""
    if kind == "payment" and (payment := get(reader, PAYMENTS, key)) is not None:
        return [
            *_payment(payment),
            *(line for trade in trades_of(reader, key) for line in _trade(reader, trade.id)[:1]),
        ]
    return _trade(reader, key) if kind == "trade" else []


def _payment(row: Payment) -> Iterator[str]:
    paid = "" if row.pay_currency == row.currency else f", paid with {money(row.pay_amount, row.pay_currency)}"
    yield f"payment of {money(row.amount, row.currency)}{paid}: {row.state}"
    payer = "nobody yet" if row.payer is None else show("party", row.payer)
    yield f"merchant {show('party', row.merchant)}, payer {payer}"


def _trade(reader: Reader, key: Id) -> list[str]:
    row = get(reader, TRADES, key)
    if row is None:
        return []
    shown: Trade = show_here(reader, [row])[0]
    return [*_standing(shown), *_terms(shown), shown.clock.says]


def _standing(row: Trade) -> Iterator[str]:
    yield f"{row.title or 'a trade'}, {money(row.amount, row.currency)}: {row.state}"
    yield f"buyer {row.buyer}, seller {row.seller}" + (
        "" if row.merchant == row.seller else f", merchant {row.merchant}"
    )
    parts = {
        "held": row.held,
        "released": row.released,
        "refunded": row.refunded,
        "given back after that": row.returned,
    }
    yield ", ".join(f"{name} {money(amount, row.currency)}" for name, amount in parts.items() if amount)


def _terms(row: Trade) -> Iterator[str]:
    yield f"policy {row.policy.name} {row.policy.version} ({row.policy.id}), frozen at the sale"
    words = f" ({row.commission_formula})" if row.commission_formula else ""
    terms = [f"commission {money(row.commission or 0, row.currency)}{words}"]
    if row.tax:
        terms.append(f"tax {money(row.tax, row.currency)}")
    terms += [f"{share.kind} {money(share.amount, row.currency)}" for share in row.shares or ()]
    if row.settle_currency != row.currency:
        terms.append(f"the seller is settled with {money(row.settle_amount or 0, row.settle_currency or '')}")
    yield "; ".join(terms)
    if row.reserve is not None:
        yield f"kept back {money(row.reserve.amount, row.reserve.currency)}: {row.reserve.formula}"
    if row.milestones is not None:
        yield f"milestone {row.milestones.confirmed} of {row.milestones.of}"
