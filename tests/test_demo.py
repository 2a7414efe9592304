"""The demo: equal seeds end in equal states on both stores, whatever is injected on the way, and every check holds."""

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.conftest import NewDatabase

from handfast.core.errors import Conflict
from handfast.core.settings import Settings
from handfast.sandbox.bankday import DAMAGES, PAYOUT_RETURNED, REFERENCE_MISSING, REFERENCE_WRONG, STATEMENT_TWICE
from handfast.sandbox.faults import ALTERED, CRASHES, LATER, TWICE
from handfast.sandbox.report import PEOPLE, render
from handfast.sandbox.run import Outcome, Plan, Run

PLAN = Plan(seed=12, days=8, shops=9, trades_a_day=100)
"""A small market in which every kind of fault occurs."""

BANK = {STATEMENT_TWICE, REFERENCE_WRONG, REFERENCE_MISSING, PAYOUT_RETURNED, *DAMAGES}
HANDFAST = Path(sys.executable).with_name("handfast")


def play(plan: Plan, data: Path, database: str = "") -> Outcome:
    data.mkdir(exist_ok=True)
    with closing(Run(plan, Settings(data=data, database=database, market="sandbox"))) as run:
        return run.play()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return play(PLAN, tmp_path_factory.mktemp("demo"))


def test_the_books_equal_the_bank(outcome: Outcome) -> None:
    assert outcome.broken == ()
    assert outcome.books.postings_sum == 0
    assert [item.currency for item in outcome.custody] == ["CNY", "EUR", "GBP", "USD"]
    for item in outcome.custody:
        parts = item.client_debt + item.operator_due + item.fx_position + item.exceptions
        assert item.bank == item.bank_said == parts
    assert outcome.payout_files > 0
    assert outcome.payout_file_valid


def test_money_was_held_released_and_given_back_across_currencies(outcome: Outcome) -> None:
    last = outcome.days[-1]
    assert outcome.trades == last.trades > 700
    assert min(last.held, last.released, last.refunded) > 0
    assert all(last.positions[currency] != 0 for currency in ("CNY", "USD"))


def test_every_kind_of_fault_was_injected(outcome: Outcome) -> None:
    assert outcome.faults.keys() == {*CRASHES, TWICE, LATER, ALTERED, *BANK, *PEOPLE}
    assert min(outcome.faults.values()) > 0


def test_the_same_seed_ends_in_the_same_state_on_both_stores(
    outcome: Outcome, new_database: NewDatabase, tmp_path: Path
) -> None:
    again = play(PLAN, tmp_path / "data", new_database())
    assert again.books == outcome.books
    assert again.custody == outcome.custody
    assert again.faults == outcome.faults


def test_crashes_and_repeated_requests_leave_no_trace(outcome: Outcome, tmp_path: Path) -> None:
    quiet = play(Plan(PLAN.seed, PLAN.days, PLAN.shops, PLAN.trades_a_day, crashes=False, copies=False), tmp_path)
    assert not quiet.faults.keys() & {*CRASHES, TWICE, LATER, ALTERED}
    assert quiet.books.state_hash == outcome.books.state_hash


def test_another_seed_is_another_market(outcome: Outcome, tmp_path: Path) -> None:
    other = play(Plan(PLAN.seed + 1, PLAN.days, PLAN.shops, PLAN.trades_a_day), tmp_path)
    assert other.broken == ()
    assert other.books.state_hash != outcome.books.state_hash


def test_the_report_is_one_page_without_scripts_or_foreign_addresses(outcome: Outcome) -> None:
    page = render(outcome, served=False)
    assert "The books equal the bank." in page
    assert outcome.books.state_hash in page
    assert "<script" not in page
    assert page.count("<svg") == 2 * page.count("<details>") == 10
    assert not {word for word in page.split('"') if word.startswith(("http", "//"))} - {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_command_prints_one_json_object_last(tmp_path: Path) -> None:
    words = ["demo", "--once", "--json", "--seed=3", "--days=3", "--shops=4", "--trades-per-day=30"]
    done = subprocess.run([HANDFAST, *words, f"--data={tmp_path / 'demo'}"], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert list(told) == [
        "seed",
        "days",
        "trades",
        "commands",
        "seconds",
        "peak_mib",
        "faults_injected",
        "custody",
        "postings_sum",
        "state_hash",
        "payout_file_valid",
        "broken",
    ]
    assert (told["seed"], told["days"], told["postings_sum"], told["broken"]) == (3, 3, 0, [])
    assert set(told["custody"]["USD"]) == {"bank", "client_debt", "operator_due", "fx_position", "exceptions"}
    assert "The books equal the bank." in done.stderr
    assert (tmp_path / "demo" / "report.html").read_text().startswith("<!doctype html>")


def test_the_report_is_served_beside_the_api_with_every_order(tmp_path: Path) -> None:
    words = ["demo", "--days=3", "--shops=4", "--trades-per-day=30", "--port=0", f"--data={tmp_path}"]
    with subprocess.Popen([HANDFAST, *words], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Ctrl-C"):
                break
        keys = json.loads((tmp_path / "sandbox.json").read_bytes())
        with httpx.Client(base_url=keys["base_url"], follow_redirects=True) as client:
            assert "The books equal the bank." in client.get("/").text
            orders = client.get("/demo/orders", params={"kind": "of several shops"}).text
            (first, *_) = re.findall(r'href="(/demo/orders/pay_[0-9a-f]{26})"', orders)
            assert "payments.create" in client.get(first).text
            assert client.get("/demo/orders/pay_00").status_code == 404
            client.headers["Authorization"] = f"Bearer {keys['operator']['api_key']}"
            payment = client.get(f"/v1/payments/{first.rpartition('/')[2]}").json()
            assert len(payment["lines"]) == 3
        demo.terminate()
    assert demo.returncode == 0


def test_the_command_keeps_away_from_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "books.xlsx").touch()
    done = subprocess.run(
        [HANDFAST, "demo", "--once", f"--data={tmp_path}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"settings_invalid: {tmp_path} is not empty: begin with an empty directory (data)\n"


def test_a_database_with_parties_in_it_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, market="sandbox")
    with closing(Run(Plan(days=1, shops=1, trades_a_day=1), settings)) as run:
        run.play()
    with pytest.raises(Conflict, match="object_exists"):
        Run(PLAN, settings)
