"""The demo with its ledger in a cluster: the same seed ends in the same state, and copy and cluster agree."""

from contextlib import closing
from pathlib import Path

from tests.conftest import NewDatabase

from handfast.core.settings import Settings
from handfast.sandbox.run import Outcome, Plan, Run

PLAN = Plan(seed=5, days=3, shops=4, trades_a_day=40)


def play(data: Path, database: str = "", ledger: str = "") -> Outcome:
    data.mkdir()
    settings = Settings(data=data, database=database, ledger=ledger, market="sandbox")
    with closing(Run(PLAN, settings)) as run:
        return run.play()


def test_the_same_seed_ends_in_the_same_state(cluster_url: str, new_database: NewDatabase, tmp_path: Path) -> None:
    plain = play(tmp_path / "plain")
    told = play(tmp_path / "cluster", new_database(), cluster_url)
    assert told.broken == ()
    assert told.books == plain.books
    assert told.custody == plain.custody
    assert told.faults == plain.faults
