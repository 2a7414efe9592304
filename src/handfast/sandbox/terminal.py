"""The demo on a terminal: progress while it runs, then tables of what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from handfast.sandbox.report import PEOPLE, faults_table, losses, weeks
from handfast.sandbox.run import Day, Outcome, Plan
from handfast.sandbox.tables import Table, money
from handfast.sandbox.verdicts import claims_table, disputes_table, open_table, receivables_table

_TERMS = (
    "In the bank",
    "= owed to clients",
    "+ due to the operator",
    "+ exchange position",
    "+ named exceptions",
    "Difference",
)


@contextmanager
def progress(console: Console, plan: Plan) -> Iterator[Callable[[Day], None]]:
    """A bar that is moved on by each day; where the output is no terminal, a line a week."""
    if not console.is_terminal:
        yield lambda day: _line(console, plan, day)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Main Street", total=plan.days, told="opening the market")
        yield lambda day: bar.update(task, advance=1, description=day.date, told=_told(day))


def _told(day: Day) -> str:
    return f"{day.trades:,} trades, {day.commands / max(day.seconds, 1e-3):,.0f} requests/s"


def _line(console: Console, plan: Plan, day: Day) -> None:
    if day.number % 7 == 0 or day.number == plan.days:
        console.print(f"{day.date}  day {day.number} of {plan.days}  {_told(day)}", highlight=False)


def show(console: Console, outcome: Outcome) -> None:
    """Money over time, the custody equation, claims and disputes, the faults, the proof."""
    console.print(_listed("Guaranteed money, USD", weeks(outcome)))
    console.print(_listed("In each currency the bank holds what it owes", _custody(outcome)))
    console.print(_listed("Where buyers asked for money back", claims_table(outcome)))
    console.print(_listed("What case handlers had to decide", disputes_table(outcome)))
    if outcome.settled.receivables:
        console.print(_listed("Refunds that the operator advanced", receivables_table(outcome)))
    console.print(_listed("Not over yet", open_table(outcome)))
    kinds = sorted(outcome.faults, key=lambda kind: (kind in PEOPLE, kind))
    console.print(_listed("Faults injected", faults_table(outcome, kinds)))
    console.print(_listed("The same faults in a plain market: no keys, no outbox, no ledger", losses(outcome)))
    rate = outcome.commands / max(outcome.seconds, 1e-3)
    proof = (
        ("Trades", f"{outcome.trades:,}"),
        ("Requests", f"{outcome.commands:,} in {outcome.seconds:.1f} s ({rate:,.0f} a second)"),
        ("Peak memory", f"{outcome.peak_mib} MiB"),
        ("Sum of all postings", str(outcome.books.postings_sum)),
        ("Payout files", _files(outcome)),
    )
    console.print(_listed("Proof", Table(("", ""), proof)))
    console.print(f"State hash {outcome.books.state_hash}", highlight=False, soft_wrap=True)
    for fault in outcome.broken:
        console.print(f"BROKEN  {fault}", style="bold red", highlight=False)
    if not outcome.broken:
        console.print("The books equal the bank.", style="bold green")


def _files(outcome: Outcome) -> str:
    if not outcome.payout_files:
        return "none"
    return f"{outcome.payout_files}, {'all valid' if outcome.payout_file_valid else 'NOT all valid'} (pain.001.001.09)"


def _custody(outcome: Outcome) -> Table:
    columns = [
        (item.bank, item.client_debt, item.operator_due, item.fx_position, item.exceptions, item.difference)
        for item in outcome.custody
    ]
    currencies = [item.currency for item in outcome.custody]
    rows = (
        (name, *(money(column[row], currency) for column, currency in zip(columns, currencies, strict=True)))
        for row, name in enumerate(_TERMS)
    )
    return Table(("", *currencies), tuple(rows))


def _listed(title: str, table: Table) -> RichTable:
    listed = RichTable(
        title=title,
        title_justify="left",
        title_style="bold",
        show_header=any(table.head),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for number, name in enumerate(table.head):
        listed.add_column(name, justify="left" if number == 0 or not any(table.head) else "right", overflow="fold")
    for row in table.rows:
        listed.add_row(*row)
    return listed
