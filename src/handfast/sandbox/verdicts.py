"""The report's part on what went wrong between buyers and sellers: claims, disputes, and what shops came to owe."""

from msgspec.structs import astuple

from handfast.sandbox.plots import Series, bars, lines
from handfast.sandbox.run import Outcome
from handfast.sandbox.tables import Figure, Table, day_labels, in_words, money

_ENDS = {
    "refund": "All goes back",
    "part": "Part back, trade goes on",
    "split": "Split, trade ends",
    "release": "Shop is paid",
    "dismiss": "Dismissed, trade goes on",
    "conceded": "Shop gave in",
    "withdrawn": "Buyer gave in",
    "undecided": "Nobody decided in time",
    "open": "Still open",
}
_CLAIM_ENDS = {
    "agreed": "Shop agreed",
    "offer_accepted": "Buyer took an offer",
    "goods_returned": "Goods came back",
    "granted_by_silence": "Shop silent, so granted",
    "withdrawn": "Buyer took it back",
    "closed_by_silence": "Buyer silent, so closed",
    "disputed": "Became a dispute",
    "open": "Still open",
}


def claims_table(outcome: Outcome) -> Table:
    """How claims ended."""
    return _counts("Claims", outcome.settled.claims, _CLAIM_ENDS)


def disputes_table(outcome: Outcome) -> Table:
    """How disputes ended."""
    return _counts("Disputes", outcome.settled.disputes, _ENDS)


def particulars_table(outcome: Outcome) -> Table:
    """What else there was about disputes."""
    return Table(
        ("Disputes", "Number"),
        tuple((in_words(name), f"{count:,}") for name, count in outcome.settled.particulars.items()),
    )


def receivables_table(outcome: Outcome) -> Table:
    """What shops and partners came to owe the operator, by currency."""
    return Table(
        ("Currency", "Advanced by the operator", "Netted from later sales", "Written off", "Outstanding"),
        tuple(
            (currency, *(money(amount, currency) for amount in astuple(figures)))
            for currency, figures in outcome.settled.receivables.items()
        ),
    )


def open_table(outcome: Outcome) -> Table:
    """What is not over at the end."""
    return Table(
        (f"Open after {len(outcome.days)} days", "Number"),
        tuple((in_words(name), f"{count:,}") for name, count in outcome.settled.open.items()),
    )


def quarrel_figures(outcome: Outcome) -> list[Figure]:
    """What was open day by day, and how it ended."""
    days = outcome.days
    ends = (
        (
            "claims",
            "How claims ended",
            (
                "A buyer asks for money back, with the goods returned or kept. The shop agrees, offers a part, refuses "
                "or says nothing, and the trade's policy says what silence means."
            ),
            outcome.settled.claims,
            _CLAIM_ENDS,
            claims_table(outcome),
        ),
        (
            "disputes",
            "How disputes ended",
            (
                "What the two cannot settle goes to the operator's case handlers, with evidence, reasons, a second "
                "person above an amount, and one appeal. A decision moves the money in one entry."
            ),
            outcome.settled.disputes,
            _ENDS,
            disputes_table(outcome),
        ),
    )
    series = [
        Series("Claims", [day.claims_open for day in days]),
        Series("Disputes", [day.disputes_open for day in days]),
    ]
    opened = Figure(
        "Claims and disputes, day by day",
        "Claims and disputes that were open in the evening of each day. As long as one is, the trade's clock stands "
        "still and its money stays where it is.",
        lines("open", "open", day_labels(days), series),
        Table(
            ("Day", "Claims open", "Disputes open"),
            tuple((day.date, f"{day.claims_open:,}", f"{day.disputes_open:,}") for day in days),
        ),
    )
    shown = [
        Figure(title, said, bars(name, [told[end] for end in counts], list(counts.values())), table)
        for name, title, said, counts, told, table in ends
        if any(counts.values())
    ]
    return [opened, *shown]


def _counts(title: str, counts: dict[str, int], told: dict[str, str]) -> Table:
    total = sum(counts.values())
    rows = tuple((told[end], f"{count:,}", _percent(count, total)) for end, count in counts.items())
    return Table((title, "Number", "Of all"), (*rows, ("All", f"{total:,}", "")))


def _percent(count: int, total: int) -> str:
    return f"{count * 100 / total:.1f} %" if total else "–"
