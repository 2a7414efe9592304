"""The command `policy`: checks a policy file, and shows presets, as tables or as the file to begin one's own with."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from handfast.core.money import format_decimal
from handfast.core.settings import load
from handfast.domain.policies import (
    DEFAULT,
    PRESETS,
    Book,
    Period,
    Policy,
    Step,
    preset,
    preset_text,
    read_book,
)

_TRADE = {"close": "the payment closes", "refund": "the buyer is refunded", "release": "the seller is paid"}
_CLAIM = {"close": "the claim ends, the trade goes on", "refund": "the claim is granted"}
_DISPUTE = "a dispute opens"
_ANY = "*"
_WIDE = 240  # where the output is no terminal, nothing is folded


@click.group()
def policy() -> None:
    """Policies: how long each step of a trade may take, and what silence means."""


@policy.command(short_help="Check a policy file.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(file: Path) -> None:
    """Say what is wrong in a policy FILE, and where; or show what it says."""
    show_book(read_book(file.read_bytes()), Console())


@policy.command(short_help="Show a preset.")
@click.argument("name", required=False, default=DEFAULT)
@click.option("--json", "as_json", is_flag=True, help="The preset's policy file, to begin one's own with.")
def show(name: str, *, as_json: bool) -> None:
    """Show the preset NAME, by default the one that is in force where no policy file is set."""
    if name not in PRESETS:
        raise click.BadParameter(f"the presets are {', '.join(PRESETS)}", param_hint="NAME")
    if as_json:
        click.echo(preset_text(name), nl=False)
    else:
        show_book(preset(name), Console())


@policy.command(short_help="Replay past trades under a policy file.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
@click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object with every trade that differs; times in µs, UTC."
)
def simulate(file: Path, data: Path | None, database: str | None, *, as_json: bool) -> None:
    """Say what would have differed, had a policy FILE been in force for all past trades.

    The database is only read. The same people do the same at the same times, on a database of its own, which is thrown
    away; what they would have done otherwise, nobody knows.
    """
    import_module("handfast.cli.simulate").run(file.read_bytes(), load(data=data, database=database), as_json=as_json)


def show_book(book: Book, console: Console) -> None:
    """Print a book: its rules, and each policy's steps."""
    if not console.is_terminal:
        console.width = _WIDE
    rules = _table("Which policy applies", "category", "delivery", "policy")
    for rule in book.rules:
        rules.add_row(_any(rule.category), _any(rule.delivery), rule.policy)
    console.print(rules, highlight=False)
    for each in book.policies:
        table = _table(
            f"{each.name}, version {each.version} (zone {each.zone})", "step", "period", "what silence means"
        )
        for row in steps(each):
            table.add_row(*row)
        console.print(table, highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table


def _any(value: str) -> str:
    return "any" if value == _ANY else value


def steps(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """A policy in words: each step, its period, and what silence means then."""
    yield "buyer pays", *_step(policy.pay, _TRADE)
    if policy.milestones:
        yield "milestones", " + ".join(map(_percent, policy.milestones)), ""
    yield "seller ships", *_step(policy.ship, _TRADE)
    yield "buyer confirms, from dispatch", *_step(policy.confirm, _TRADE)
    if policy.confirm_delivered is not None:
        yield "buyer confirms, from delivery", *_step(policy.confirm, _TRADE, policy.confirm_delivered)
    for extension in policy.extensions:
        times = "once" if extension.times == 1 else f"{extension.times} times"
        yield f"{extension.by} extends {extension.step}", f"{_period(extension.period)}, {times}", ""
    if policy.reserve is not None:
        kept = f"{_percent(policy.reserve.share_bps)} for {_period(policy.reserve.period)}"
        yield "reserve, from release", kept, "it goes to the seller"
    yield "claim before dispatch, from payment", f"after {_period(policy.claim_unshipped)}", ""
    yield "claim after release", _none_or(policy.after_sale), ""
    yield "refunds after release", _period(policy.refundable), "the trade is finished"
    for reason, step in policy.answer.items():
        yield f"seller answers: {reason.replace('_', ' ')}", *_step(step, _CLAIM)
    yield "buyer revises a refused claim", *_step(policy.revise, _CLAIM)
    yield "buyer accepts an offer", *_step(policy.accept, _CLAIM)
    yield "right of return", _none_or(policy.returns.right), ""
    yield "buyer sends back", *_step(policy.returns.send_back, _CLAIM)
    yield "seller receives", *_step(policy.returns.receive, _CLAIM)
    yield "evidence in a dispute", _period(policy.disputing.evidence), "it goes to the case handler"
    yield "case handler decides", *_step(policy.disputing.decide, _TRADE)
    yield "appeal", _period(policy.disputing.appeal), "the decision stands"
    if policy.disputing.second_eyes:
        above = ", ".join(_above(*item) for item in policy.disputing.second_eyes.items())
        yield "a second person agrees", f"above {above}", ""


def _step(step: Step, means: dict[str, str], within: Period | None = None) -> tuple[str, str]:
    words = {**means, "dispute": _DISPUTE}
    if step.silence != "extend":
        return _period(within or step.within), words[step.silence]
    again = "once more" if step.again == 1 else f"{step.again} times more"
    return _period(within or step.within), f"as long {again}, then {words[step.then]}"


def _above(currency: str, amount: int) -> str:
    return f"else {amount:,} minor units" if currency == _ANY else f"{currency} {format_decimal(amount, currency)}"


def _none_or(period: Period) -> str:
    return f"within {_period(period)}" if period.length else "none"


def _period(period: Period) -> str:
    unit = period.unit.replace("_", " ")
    return f"{period.length} {unit.removesuffix('s') if period.length == 1 else unit}"


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02} %" if bps % 100 else f"{bps // 100} %"
