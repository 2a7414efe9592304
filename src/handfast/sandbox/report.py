"""The demo's report: one HTML page with plots, each with its table twin, and no script."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from handfast.core.clocks import DAY, HOUR
from handfast.domain.exchange import rate
from handfast.sandbox.faults import CRASHES
from handfast.sandbox.figures import (
    CHARGED_AGAIN,
    LOSSES,
    NEVER_SHIPPED,
    NOTICE_LOST,
    REFUNDED_AGAIN,
    TOPPED_UP_AGAIN,
    Loss,
)
from handfast.sandbox.market import OPENING
from handfast.sandbox.plots import Series, bars, lines
from handfast.sandbox.run import Day, Outcome
from handfast.sandbox.tables import Figure, Table, day_labels, in_words, money
from handfast.sandbox.verdicts import open_table, particulars_table, quarrel_figures, receivables_table

PEOPLE = ("buyer_silent", "parcel_arrived_late", "parcel_never_sent", "parcel_sent_late")
"""Faults of people, which the trades' clocks end; all others are the machine's and the bank's."""

_FAULTS = (
    (
        "people",
        "What people did not do",
        (
            "Silence and lateness are ended by each trade's own clock: what is not sent in time is given back, what "
            "is not confirmed in time is paid to the seller."
        ),
    ),
    (
        "machine",
        "What the machine and the bank did wrong",
        (
            "Each was injected on purpose. A crash throws the desk away in mid-batch; it is opened again on the same "
            "database, and what was not answered is asked again under the same keys."
        ),
    ),
)
LOSS_WORDS = {
    CHARGED_AGAIN: "Charged again",
    REFUNDED_AGAIN: "Refunded again",
    TOPPED_UP_AGAIN: "Top-up credited again",
    NEVER_SHIPPED: "Paid, and its shop never told",
    NOTICE_LOST: "Notification lost",
}


def pages() -> Environment:
    """The templates, which escape whatever they are given."""
    environment = Environment(
        loader=PackageLoader("handfast.sandbox"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = money
    environment.filters["plot"] = Markup
    return environment


def render(outcome: Outcome, *, served: bool) -> str:
    """The page; `served` says that the orders can be opened beside it."""
    figures = [_money(outcome), _positions(outcome), _rates(outcome), *_faults(outcome)]
    crashes = sum(count for kind, count in outcome.faults.items() if kind in CRASHES)
    return (
        pages()
        .get_template("report.html")
        .render(
            outcome=outcome,
            figures=figures,
            weeks=weeks(outcome),
            losses=losses(outcome),
            quarrels=quarrel_figures(outcome),
            particulars=particulars_table(outcome),
            receivables=receivables_table(outcome),
            still_open=open_table(outcome),
            crashes=crashes,
            served=served,
        )
    )


def weeks(outcome: Outcome) -> Table:
    """Guaranteed money at the end of each week, in USD."""
    days = outcome.days
    shown = [day for number, day in enumerate(days, 1) if number % 7 == 0 or number == len(days)]
    return _money_table(shown)


def losses(outcome: Outcome) -> Table:
    """What the plain market lost or did twice under the same faults, and Handfast beside it."""
    loss = outcome.loss
    return Table(
        ("", "Plain market", "In money", "Handfast"),
        tuple(
            (LOSS_WORDS[kind], f"{loss.naive[kind].count:,}", _amounts(loss.naive[kind]), _in_full(loss.handfast[kind]))
            for kind in LOSSES
        ),
    )


def _amounts(loss: Loss) -> str:
    return ", ".join(f"{currency} {money(amount, currency)}" for currency, amount in loss.amounts.items())


def _in_full(loss: Loss) -> str:
    return " ".join(filter(None, (f"{loss.count:,}", _amounts(loss))))


def _money_table(days: Sequence[Day]) -> Table:
    return Table(
        ("Day", "Trades so far", "Held", "Released to sellers", "Given back to buyers"),
        tuple(
            (day.date, f"{day.trades:,}", *(money(amount, "USD") for amount in (day.held, day.released, day.refunded)))
            for day in days
        ),
    )


def _money(outcome: Outcome) -> Figure:
    days = outcome.days
    series = [
        Series("Held", [day.held / 100 for day in days]),
        Series("Released", [day.released / 100 for day in days]),
        Series("Given back", [day.refunded / 100 for day in days]),
    ]
    return Figure(
        "Where the guaranteed money is",
        "All prices are in US dollars. What buyers paid is held for each line of an order until the goods are "
        "confirmed, a clock runs out, or it is given back.",
        lines("money", "USD", day_labels(days), series),
        _money_table(days),
    )


def _positions(outcome: Outcome) -> Figure:
    days = outcome.days
    currencies = sorted({currency for day in days for currency in day.positions})
    moments = [OPENING + n * DAY + 12 * HOUR for n in range(len(days))]

    def in_dollars(currency: str, day: Day, moment: int) -> float:
        numerator, denominator, _ = rate(currency, "USD", moment)
        return float(round(day.positions.get(currency, 0) * numerator / denominator / 100))

    series = [
        Series(currency, [in_dollars(currency, day, moment) for day, moment in zip(days, moments, strict=True)])
        for currency in currencies
    ]
    rows = tuple((day.date, *(money(day.positions.get(code, 0), code) for code in currencies)) for day in days)
    return Figure(
        "What the operator is long or short before it deals",
        "Buyers pay yuan, shops earn dollars, euros and pounds. Each evening a deal with the bank closes what is "
        "short; until its lines are on the statement, the operator's own money stands in. Plotted in dollars of the "
        "day, listed in each currency.",
        lines("positions", "USD", day_labels(days), series),
        Table(("Day", *currencies), rows),
    )


def _rates(outcome: Outcome) -> Figure:
    days = outcome.days
    return Figure(
        "Yuan for a dollar",
        "The European Central Bank's rates of those days. Each order keeps the rate at which it was paid: a refund "
        "weeks later gives back exactly the buyer's share, and the difference is the operator's, not the buyer's.",
        lines(
            "rates",
            "CNY",
            day_labels(days),
            [Series("CNY for 1 USD", [day.cny_per_usd / 10**4 for day in days])],
            from_zero=False,
        ),
        Table(("Day", "CNY for 1 USD"), tuple((day.date, f"{day.cny_per_usd / 10**4:.4f}") for day in days)),
    )


def _faults(outcome: Outcome) -> list[Figure]:
    kinds = sorted(outcome.faults.items(), key=lambda item: (-item[1], item[0]))
    figures = []
    for name, title, words in _FAULTS:
        items = [item for item in kinds if (item[0] in PEOPLE) == (name == "people")]
        if items:
            plot = bars(name, [in_words(kind) for kind, _ in items], [count for _, count in items])
            figures.append(Figure(title, words, plot, faults_table(outcome, [kind for kind, _ in items])))
    return figures


def faults_table(outcome: Outcome, kinds: Sequence[str]) -> Table:
    """How often each kind of fault came, and how often the plain market lost by it; people's are nobody's loss."""
    return Table(
        ("Fault", "Times", "Losses in a plain market"),
        tuple(
            (
                in_words(kind),
                f"{outcome.faults[kind]:,}",
                "" if kind in PEOPLE else f"{outcome.loss.caused(kind):,}",
            )
            for kind in kinds
        ),
    )
