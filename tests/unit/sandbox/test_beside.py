"""The plain market beside Handfast: without faults it has the same books, and each kind of fault does what it must."""

from contextlib import closing
from pathlib import Path

import pytest

from handfast.core.ids import owner_of
from handfast.core.settings import Settings
from handfast.sandbox import faults
from handfast.sandbox.bankday import DAMAGES, STATEMENT_TWICE
from handfast.sandbox.beside import NaiveLoss
from handfast.sandbox.faults import ALTERED, ANSWER_LOST, BEFORE_COMMIT, BEFORE_SAVE, CRASHES, LATER, TWICE
from handfast.sandbox.figures import (
    CHARGED_AGAIN,
    LOSSES,
    NEVER_SHIPPED,
    NOTICE_LOST,
    REFUNDED_AGAIN,
    TOPPED_UP_AGAIN,
    Loss,
)
from handfast.sandbox.run import Outcome, Plan, Run

QUARRELS = (
    "SELECT id FROM events WHERE type IN ('trade.claimed', 'trade.disputed', 'trade.extended', 'trade.proposed',"
    " 'trade.part_released')"
)
"""Events of trades with what the plain market does not know."""

CALM = Plan(seed=1, days=8, shops=6, trades_a_day=60, crashes=False, copies=False)
"""A small market in which damaged statements come; those that are read twice happen to tell of no top-up."""


def play(plan: Plan, data: Path) -> Outcome:
    with closing(Run(plan, Settings(data=data, market="sandbox"))) as run:
        return run.play()


def lost(loss: NaiveLoss) -> set[str]:
    """The kinds of loss that the plain market had; what it lost is in order, and Handfast lost nothing."""
    assert list(loss.naive) == list(loss.handfast) == list(LOSSES)
    assert all(each == Loss() for each in loss.handfast.values())
    for kind, each in loss.naive.items():
        assert each.count == sum(each.causes.values())
        assert all(amount > 0 for amount in each.amounts.values())
        assert bool(each.amounts) == (each.count > 0 and kind != NOTICE_LOST)
    return {kind for kind, each in loss.naive.items() if each.count}


def test_without_faults_its_books_are_handfasts(tmp_path: Path) -> None:
    with closing(Run(CALM, Settings(data=tmp_path, market="sandbox"))) as run:
        outcome = run.play()
        trades = run._driver.reader.rows(
            "SELECT id, amount, refunded + returned, released - returned FROM trades"
            " WHERE category NOT IN ('jewelry', 'service')"
        )
        quarrels = {owner_of(key) for (key,) in run._driver.reader.rows(QUARRELS)}
        items = {trade: run._beside.market.item(number) for trade, number in run._beside._items.items()}
    assert outcome.faults.keys() & DAMAGES.keys()
    assert lost(outcome.loss) == set()
    plain = [row for row in trades if row[0] not in quarrels]
    assert len(plain) > outcome.trades * 3 // 4
    for trade, amount, refunded, released in plain:
        item = items[trade]
        assert (item.price, item.refunded) == (amount, refunded)
        assert (item.earned > 0) == (released > 0)


@pytest.mark.parametrize(
    ("kind", "must", "may"),
    [
        (BEFORE_SAVE, set(), set()),
        (BEFORE_COMMIT, set(), set()),
        (ANSWER_LOST, {NEVER_SHIPPED, NOTICE_LOST, TOPPED_UP_AGAIN}, {CHARGED_AGAIN, REFUNDED_AGAIN}),
        (TWICE, {CHARGED_AGAIN, REFUNDED_AGAIN}, set()),
        (LATER, {CHARGED_AGAIN}, {REFUNDED_AGAIN}),
        (ALTERED, set(), set()),
    ],
)
def test_each_fault_alone(
    kind: str, must: set[str], may: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "CRASHES", (kind,))
    monkeypatch.setattr(faults, "_CRASHES", 500)
    for copy, rate in ((TWICE, "_TWICE"), (LATER, "_LATER"), (ALTERED, "_ALTERED")):
        monkeypatch.setattr(faults, rate, 250 if kind == copy else 0)
    crashes = kind in CRASHES
    plan = Plan(CALM.seed, CALM.days, CALM.shops, CALM.trades_a_day, crashes=crashes, copies=not crashes)
    outcome = play(plan, tmp_path)
    assert outcome.broken == ()
    assert outcome.faults.keys() & {*CRASHES, TWICE, LATER, ALTERED} == {kind}
    assert must <= lost(outcome.loss) <= must | may
    assert {cause for each in outcome.loss.naive.values() for cause in each.causes} == ({kind} if must else set())
    assert bool(outcome.loss.caused(kind)) == bool(must)


def test_a_statement_read_twice_is_credited_twice(tmp_path: Path) -> None:
    outcome = play(Plan(8, 8, CALM.shops, CALM.trades_a_day, crashes=False, copies=False), tmp_path)
    assert outcome.faults[STATEMENT_TWICE]
    assert lost(outcome.loss) == {TOPPED_UP_AGAIN}
    assert outcome.loss.naive[TOPPED_UP_AGAIN].causes.keys() == {STATEMENT_TWICE}
