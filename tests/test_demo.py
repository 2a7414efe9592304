"""The demo: equal seeds end in equal states on both stores, whatever is injected on the way, and every check holds."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from tests.conftest import NewDatabase

from handfast.app import reading
from handfast.core.errors import Conflict
from handfast.core.settings import Settings, read_master_key
from handfast.domain import claims, disputes, payouts, trades
from handfast.domain.claims import CLAIMS, GOODS
from handfast.domain.disputes import DISPUTES, EVIDENCE, EVIDENCE_KINDS, EvidenceFiles, check_file
from handfast.domain.parties import PERSON_KEYS, Vault
from handfast.domain.policies import REASONS
from handfast.domain.receivables import outstanding
from handfast.domain.trades import SHARE_KINDS, TRADES, shares_of
from handfast.sandbox.bankday import (
    DAMAGES,
    FILE_REJECTED,
    PAYOUT_RETURNED,
    REFERENCE_MISSING,
    REFERENCE_WRONG,
    STATEMENT_TWICE,
)
from handfast.sandbox.book import main_street
from handfast.sandbox.comparing import Comparison
from handfast.sandbox.faults import ALTERED, BEFORE_COMMIT, CRASHES, LATER, TWICE
from handfast.sandbox.figures import LOSSES, Loss
from handfast.sandbox.report import PEOPLE, render
from handfast.sandbox.run import Outcome, Plan, Run
from handfast.sandbox.settled import CLAIM_ENDS, DISPUTE_ENDS
from handfast.sandbox.whatif import replay
from handfast.store.reader import Reader, find, get

PLAN = Plan(seed=37, days=28, shops=9, trades_a_day=110)
"""A small market in which every kind of fault occurs, and claims and disputes end in every way."""

BANK = {STATEMENT_TWICE, REFERENCE_WRONG, REFERENCE_MISSING, PAYOUT_RETURNED, FILE_REJECTED, *DAMAGES}
HANDFAST = Path(sys.executable).with_name("handfast")


def play(plan: Plan, data: Path, database: str = "") -> Outcome:
    data.mkdir(exist_ok=True)
    with closing(Run(plan, Settings(data=data, database=database, market="sandbox"))) as run:
        return run.play()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def outcome(data: Path) -> Outcome:
    return play(PLAN, data)


@pytest.fixture
def books(outcome: Outcome, data: Path) -> Iterator[Reader]:
    """The books that the market left."""
    with closing(reading(Settings(data=data, market="sandbox"))) as reader:
        yield reader


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


def test_claims_and_disputes_end_in_every_way(outcome: Outcome, books: Reader) -> None:
    settled = outcome.settled
    assert tuple(settled.claims) == CLAIM_ENDS
    assert tuple(settled.disputes) == DISPUTE_ENDS
    assert min(*settled.claims.values(), *settled.disputes.values()) > 0
    claims, disputes = find(books, CLAIMS, "1 = 1"), find(books, DISPUTES, "1 = 1")
    assert (sum(settled.claims.values()), sum(settled.disputes.values())) == (len(claims), len(disputes))
    assert {claim.reason for claim in claims} == set(REASONS)
    assert {claim.goods for claim in claims} == set(GOODS)
    assert {dispute.opened_by for dispute in disputes} == {"buyer", "seller", "clock"}
    assert 0 < settled.particulars["appeal_changed_it"] < settled.particulars["appealed"]
    assert 4 < len(claims) * 100 / outcome.trades < 12
    assert 0.5 < len(disputes) * 100 / outcome.trades < 3


def test_on_appeal_another_person_decides(books: Reader) -> None:
    appealed = find(books, DISPUTES, "appealed_by <> '' AND state = 'final'")
    assert appealed
    for dispute in appealed:
        deciders = [dispute.first_handler, dispute.first_second]
        assert dispute.handler == dispute.first_handler or dispute.handler not in deciders


def test_evidence_lies_sealed_outside_the_database(books: Reader, data: Path) -> None:
    settings = Settings(data=data, market="sandbox")
    vault, files = Vault(read_master_key(settings)), EvidenceFiles(settings.evidence_folder)
    shown = find(books, EVIDENCE, "1 = 1")
    assert {each.kind for each in shown} == set(EVIDENCE_KINDS)
    for each in shown:
        key = get(books, PERSON_KEYS, each.party)
        assert key is not None
        assert vault.open(key.wrapped, each.party, each.sealed, str)
        if each.kind == "file":
            content = vault.open(key.wrapped, each.party, files.read(each.digest), bytes)
            assert content is not None
            assert (check_file(content, each.media_type), len(content)) == ("image/png", each.size)


def test_what_the_operator_advanced_was_netted_written_off_or_is_owed(outcome: Outcome, books: Reader) -> None:
    found = outcome.settled.receivables
    assert found
    for currency, figures in found.items():
        assert figures.advanced == figures.netted + figures.written_off + figures.outstanding > 0
        assert figures.outstanding == sum(owed.amount for owed in outstanding(books) if owed.currency == currency)
    assert max(figures.netted for figures in found.values()) > 0


def test_all_of_the_guaranteed_trade_happens(books: Reader) -> None:
    done = {verb for (verb,) in books.rows("SELECT DISTINCT verb FROM operations WHERE outcome = ''")}
    rooms = (claims, disputes, payouts, trades)
    mine = {verb.name for room in rooms for verb in room.VERBS}
    rare = {"disputes.reject", "disputes.approve", "payouts.cancel", "payouts.reject", "trades.finish"}
    assert mine - rare <= done
    told = {type_ for (type_,) in books.rows("SELECT DISTINCT type FROM events WHERE type LIKE 'trade.%'")}
    assert told >= {
        "trade.amended",
        "trade.extended",
        "trade.milestone_released",
        "trade.part_released",
        "trade.reserve_freed",
    }
    shares = [shares_of(trade) for trade in find(books, TRADES, "shares <> ?", b"")]
    assert {frozenset(part.kind for part in each) for each in shares} >= {frozenset(SHARE_KINDS)}


def test_its_past_replayed_under_its_own_policies_differs_in_nothing(outcome: Outcome, data: Path) -> None:
    with replay(Settings(data=data, market="sandbox"), main_street()) as played:
        played.run()
        comparison = Comparison(played.past, played.scratch)
        assert list(comparison.differences()) == []
    assert (comparison.trades, played.refused) == (outcome.trades, {})


def test_the_books_are_sealed_and_a_clever_change_is_named(outcome: Outcome) -> None:
    assert outcome.sealed.tamper_named
    assert outcome.sealed.faults == ()
    assert len(bytes.fromhex(outcome.sealed.merkle_root)) == 32


def test_every_kind_of_fault_was_injected(outcome: Outcome) -> None:
    assert outcome.faults.keys() == {*CRASHES, TWICE, LATER, ALTERED, *BANK, *PEOPLE}
    assert min(outcome.faults.values()) > 0


def test_a_plain_market_loses_by_the_same_faults_and_handfast_does_not(outcome: Outcome) -> None:
    loss = outcome.loss
    assert sum(each.count for each in loss.naive.values()) > 0
    assert loss.handfast == dict.fromkeys(LOSSES, Loss())
    assert loss.caused(BEFORE_COMMIT) == loss.caused(ALTERED) == sum(map(loss.caused, DAMAGES)) == 0


def test_the_same_seed_ends_in_the_same_state_on_both_stores(
    outcome: Outcome, new_database: NewDatabase, tmp_path: Path
) -> None:
    again = play(PLAN, tmp_path / "data", new_database())
    assert again.books == outcome.books
    assert again.custody == outcome.custody
    assert again.sealed == outcome.sealed
    assert again.faults == outcome.faults
    assert again.loss == outcome.loss
    assert again.settled == outcome.settled


def test_crashes_and_repeated_requests_leave_no_trace(outcome: Outcome, tmp_path: Path) -> None:
    quiet = play(replace(PLAN, crashes=False, copies=False), tmp_path)
    assert not quiet.faults.keys() & {*CRASHES, TWICE, LATER, ALTERED}
    assert quiet.books.state_hash == outcome.books.state_hash
    assert quiet.settled == outcome.settled


def test_another_seed_is_another_market(outcome: Outcome, tmp_path: Path) -> None:
    other = play(replace(PLAN, seed=PLAN.seed + 1, days=8), tmp_path)
    assert other.broken == ()
    assert other.books.state_hash != outcome.books.state_hash


def test_the_report_is_one_page_without_scripts_or_foreign_addresses(outcome: Outcome) -> None:
    page = render(outcome, served=False)
    assert "The books equal the bank." in page
    assert outcome.books.state_hash in page
    assert "<script" not in page
    assert page.count("<svg") == 2 * page.count("<details>") == 16
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
        "merkle_root",
        "tamper_named",
        "payout_file_valid",
        "claims",
        "disputes",
        "receivables",
        "open",
        "naive_loss",
        "handfast_loss",
        "broken",
    ]
    assert (told["seed"], told["days"], told["postings_sum"], told["broken"]) == (3, 3, 0, [])
    assert set(told["custody"]["USD"]) == {"bank", "client_debt", "operator_due", "fx_position", "exceptions"}
    assert told["claims"].keys() == set(CLAIM_ENDS)
    assert told["disputes"].keys() == set(DISPUTE_ENDS)
    assert told["naive_loss"].keys() == told["handfast_loss"].keys() == set(LOSSES)
    assert told["handfast_loss"]["refunded_again"] == {"count": 0, "amounts": {}, "causes": {}}
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
