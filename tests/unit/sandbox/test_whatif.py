"""A replay of the past: under the same policy nothing differs, under another just what that policy changes.

The past: four scarves at USD 100.00 are sold on one day under the preset "taobao" (120 hours to ship, 10 days to
confirm, claims from 24 hours on, silence refunds before dispatch and pays the seller after it). Days count from there.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewDatabase

from handfast.app import database, reading
from handfast.core.clocks import DAY, HOUR, MarketClock
from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.settings import Settings, read_master_key
from handfast.domain.claims import AskClaim, MoveClaim
from handfast.domain.parties import Vault
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, lines_of
from handfast.domain.policies import preset_text
from handfast.domain.trades import ConfirmTrade, ShipTrade
from handfast.gateways.native.prefixes import show
from handfast.sandbox.bankday import BankDay
from handfast.sandbox.comparing import Comparison, Difference, Fate
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.faults import Faults
from handfast.sandbox.figures import read_books
from handfast.sandbox.market import OPENING, people
from handfast.sandbox.opening import founding, open_bank, seeded_opener
from handfast.sandbox.whatif import replay
from handfast.timers.expire import PAGE, due

HANDFAST = Path(sys.executable).with_name("handfast")
PRESET = preset_text("taobao")
SOLD = OPENING + 9 * HOUR
PROMPT, SLOW, SILENT, UNSENT = "prompt", "slow", "silent", "unsent"
LATE = 11 * HOUR
"""By how much the service was late on the day on which the silent one's time was over."""


def moment(day: int) -> int:
    return SOLD + day * DAY


def changed(**members: Any) -> bytes:
    """The preset, with other members in the policy for parcels by courier."""
    book = json.loads(PRESET)
    (express,) = (policy for policy in book["policies"] if policy["name"] == "taobao-express")
    express |= {"version": 2, **members}
    return json.dumps(book).encode()


def days(length: int) -> dict[str, Any]:
    return {"length": length, "unit": "days"}


class Story:
    """The past, as it is told above: acts and time-outs through the real verbs."""

    def __init__(self, settings: Settings) -> None:
        self.clock = MarketClock(lambda: 0, OPENING - DAY)
        opener = seeded_opener(settings, self.clock, 1)
        self.driver = Driver(opener, database(settings.database_url).read, Faults(1, crashes=False, copies=False))
        vault, market = Vault(read_master_key(settings)), people(1, 1, 14)
        for requests in founding(market, vault, "simulation"):
            self.driver.done(requests)
        office = BankDay(1, market, self.driver, open_bank(OPENING), vault)
        office.top_up(-1, self.clock())
        office.close(self.clock())
        self.clock.advance_to(OPENING)
        office.read_statements(0, self.clock())
        self.host, self.shop, self.buyer = market.host, market.shops[0].id, market.buyers[13].id
        self.trades: dict[str, Id] = {}

    def do(self, verb: str, command: Any, at: int, by: Id) -> Any:
        self.clock.advance_to(at)
        while batch := due(self.driver.reader, at, PAGE):
            self.driver.done([item.request for item in batch])
        return self.driver.done([ask(verb, command, show("party", by), f"{verb}/{at}/{command}")])[0]

    def tell(self) -> None:
        for title in (PROMPT, SLOW, SILENT, UNSENT):
            line = NewLine(self.shop, 100_00, title=title)
            asked = self.do("payments.create", CreatePayment(self.host, "USD", 100_00, lines=(line,)), SOLD, self.host)
            paid = self.do("payments.pay", PayPayment(self.buyer, asked.id), SOLD, self.buyer)
            self.trades[title] = lines_of(paid)[0].trade
        for title in (PROMPT, SLOW, SILENT):
            self.do("trades.ship", ShipTrade(self.shop, self.trades[title]), moment(1), self.shop)
        ask_back = AskClaim(self.buyer, self.trades[UNSENT], "unshipped")
        claim = self.do("claims.ask", ask_back, moment(2), self.buyer)
        self.do("claims.agree", MoveClaim(self.shop, claim.id), moment(3) - HOUR * 2, self.shop)
        self.do("trades.confirm", ConfirmTrade(self.buyer, self.trades[PROMPT]), moment(3), self.buyer)
        self.do("trades.confirm", ConfirmTrade(self.buyer, self.trades[SLOW]), moment(8), self.buyer)
        later = CreatePayment(self.host, "USD", 1_00, lines=(NewLine(self.shop, 1_00, title="later"),))
        self.do("payments.create", later, moment(11) + LATE, self.host)


def told(settings: Settings) -> dict[str, Id]:
    story = Story(settings)
    with closing(story.driver):
        story.tell()
        return story.trades


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("past"), market="sandbox")


@pytest.fixture(scope="module")
def trades(settings: Settings) -> dict[str, Id]:
    return told(settings)


def differing(settings: Settings, book: bytes) -> tuple[dict[Id, Difference], dict[tuple[str, str], int]]:
    with replay(settings, book) as played:
        played.run()
        found = {each.trade: each for each in Comparison(played.past, played.scratch).differences()}
        return found, dict(played.refused)


def released(by: str, at: int) -> Fate:
    return Fate("released", by, at, 0, 100_00)


def refunded(by: str, at: int) -> Fate:
    return Fate("refunded", by, at, 100_00, 0)


def test_under_the_same_policy_nothing_differs(settings: Settings, trades: dict[str, Id]) -> None:
    assert differing(settings, PRESET) == ({}, {})


def test_on_postgresql_as_well(new_database: NewDatabase, tmp_path: Path) -> None:
    past = Settings(data=tmp_path, database=new_database(), market="sandbox")
    story = told(past)
    assert differing(past, PRESET) == ({}, {})
    found, _ = differing(past, changed(confirm={"within": days(5), "silence": "release"}))
    assert found.keys() == {story[SLOW], story[SILENT]}


def test_a_shorter_time_to_confirm_pays_sellers_earlier(settings: Settings, trades: dict[str, Id]) -> None:
    found, refused = differing(settings, changed(confirm={"within": days(5), "silence": "release"}))
    assert found == {
        trades[SLOW]: Difference(
            trades[SLOW],
            "ends_otherwise",
            "USD",
            100_00,
            released("person", moment(8)),
            released("silence", moment(6)),
        ),
        trades[SILENT]: Difference(
            trades[SILENT],
            "ends_earlier",
            "USD",
            100_00,
            released("silence", moment(11) + LATE),
            released("silence", moment(6)),
        ),
    }
    assert refused == {("trades.confirm", "state_conflict"): 1}


def test_a_longer_time_ends_the_silent_one_later_than_the_past_is_known(
    settings: Settings, trades: dict[str, Id]
) -> None:
    found, refused = differing(settings, changed(confirm={"within": days(30), "silence": "release"}))
    (difference,) = found.values()
    assert (difference.trade, difference.kind) == (trades[SILENT], "ends_later")
    assert difference.would == Fate("shipped", "", None, 0, 0)
    assert refused == {}


def test_silence_that_means_otherwise_moves_the_money_the_other_way(settings: Settings, trades: dict[str, Id]) -> None:
    found, _ = differing(settings, changed(confirm={"within": days(10), "silence": "refund"}))
    (difference,) = found.values()
    assert (difference.trade, difference.kind) == (trades[SILENT], "ends_otherwise")
    assert difference.would == refunded("silence", moment(11) + LATE)


def test_a_claim_that_would_have_come_too_early_is_named(settings: Settings, trades: dict[str, Id]) -> None:
    found, refused = differing(settings, changed(claim_unshipped=days(4)))
    (difference,) = found.values()
    assert (difference.trade, difference.kind) == (trades[UNSENT], "ends_otherwise")
    assert (difference.was.by, difference.would) == ("claim", refunded("silence", moment(5)))
    assert refused == {("claims.ask", "claim_too_early"): 1, ("claims.agree", "object_not_found"): 1}


def test_the_past_is_only_read_and_the_scratch_database_goes(
    settings: Settings, trades: dict[str, Id], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(reading(settings)) as reader:
        before = read_books(reader)
        differing(settings, changed(confirm={"within": days(1), "silence": "release"}))
        assert read_books(reader) == before
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_trades_differs_in_nothing(tmp_path: Path) -> None:
    empty = Settings(data=tmp_path, market="sandbox")
    with closing(Story(empty).driver):
        pass
    assert differing(empty, PRESET) == ({}, {})


def test_a_file_that_is_no_policy_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="policy_invalid"), replay(Settings(data=tmp_path / "none"), b"{}"):
        raise AssertionError
    assert not (tmp_path / "none").exists()


def simulated(settings: Settings, file: Path, *words: str) -> str:
    done = subprocess.run(
        [HANDFAST, "policy", "simulate", file, "--data", settings.data, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == ""
    return done.stdout


@pytest.fixture
def shorter(tmp_path: Path) -> Path:
    file = tmp_path / "shorter.json"
    file.write_bytes(changed(confirm={"within": days(5), "silence": "release"}))
    return file


def test_the_command_prints_tables(settings: Settings, trades: dict[str, Id], shorter: Path, tmp_path: Path) -> None:
    printed = simulated(settings, shorter)
    assert printed.startswith("4 trades and 11 acts were replayed. 2 trades would have fared otherwise.\n")
    lines = [line.split() for line in printed.splitlines()]
    assert ["end", "earlier", "1", "USD", "100.00", "0", "0"] in lines
    assert ["trades.confirm", "too", "late", "1", "state_conflict", show("trade", trades[SLOW])] in lines
    same = tmp_path / "same.json"
    same.write_bytes(PRESET)
    assert simulated(settings, same) == "4 trades and 11 acts were replayed. Nothing differs.\n"


def test_the_command_prints_everything_as_one_json_object(
    settings: Settings, trades: dict[str, Id], shorter: Path
) -> None:
    whole = json.loads(simulated(settings, shorter, "--json"))
    found = {each["trade"]: each for each in whole["trades"]}
    slow, silent = (found.pop(show("trade", trades[title])) for title in (SLOW, SILENT))
    assert (slow["differs"], silent["differs"], found) == ("ends_otherwise", "ends_earlier", {})
    assert silent["was"] == {
        "state": "released",
        "by": "silence",
        "at": moment(11) + LATE,
        "refunded": 0,
        "released": 100_00,
    }
    assert (whole["replayed"], whole["differ"], whole["acts"]) == (4, 2, 11)
    assert whole["differences"]["ends_earlier"] == {
        "count": 1,
        "amount": {"USD": 100_00},
        "refunded": {"USD": 0},
        "released": {"USD": 0},
    }
    assert whole["acts_refused"] == [
        {
            "act": "trades.confirm",
            "refusal": "state_conflict",
            "means": "too late",
            "times": 1,
            "first_trade": show("trade", trades[SLOW]),
            "first_at": moment(8),
        }
    ]


def test_the_command_names_what_is_wrong_in_a_file(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(changed(confirm={"within": days(5), "silence": "sleep"}))
    words: list[str | Path] = [HANDFAST, "policy", "simulate", file, "--data", settings.data]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("policy_invalid: ")


def test_an_interrupted_command_leaves_nothing_behind(
    settings: Settings, trades: dict[str, Id], shorter: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    words: list[str | Path] = [HANDFAST, "policy", "simulate", shorter, "--data", settings.data]
    with subprocess.Popen(words, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.DEVNULL) as command:
        while not list(scratch.glob("*/handfast.db")):
            assert command.poll() is None
        command.send_signal(signal.SIGINT)
        assert command.wait() in (0, 1)
    assert list(scratch.iterdir()) == []
