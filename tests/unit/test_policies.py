"""Policies as an operator meets them: the command that checks files, and what is in force once the service runs."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from handfast.app import office, owning, resolve
from handfast.cli import main
from handfast.core.errors import Invalid
from handfast.core.settings import Settings
from handfast.domain.policies import (
    BOOK,
    BOOKS,
    PRESETS,
    BookRow,
    choose,
    digest_of,
    preset,
    preset_text,
)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["policy", *words])
    return done.exit_code, done.output


def test_check_shows_what_a_good_file_says(tmp_path: Path) -> None:
    file = tmp_path / "policies.json"
    file.write_bytes(preset_text("amazon-like"))
    code, out = run("check", str(file))
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "any any amazon-like" in lines
    assert "amazon-like, version 1 (zone America/Los_Angeles)" in lines
    assert "seller ships 7 days the buyer is refunded" in lines
    assert "reserve, from release 100 % for 7 days it goes to the seller" in lines
    assert "seller answers: not received 72 hours the claim is granted" in lines


def test_check_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    file = tmp_path / "policies.json"
    file.write_bytes(preset_text("taobao").replace(b'"length": 30, "unit": "days"', b'"length": 0, "unit": "days"', 1))
    assert run("check", str(file)) == (
        1,
        "policy_invalid: a period here has 1 to 1095 days (policies[3].confirm.within.length)\n",
    )
    assert run("check", str(tmp_path / "none.json"))[0] == 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_shown_and_begun_with(name: str, tmp_path: Path) -> None:
    code, shown = run("show", name)
    assert code == 0
    assert all(f"{policy.name}, version {policy.version}" in shown for policy in preset(name).policies)
    code, text = run("show", name, "--json")
    assert code == 0
    assert text.encode() == preset_text(name)


def test_silence_that_extends_is_told_whole() -> None:
    lines = [" ".join(line.split()) for line in run("show", "services")[1].splitlines()]
    assert "seller ships 14 days as long once more, then the buyer is refunded" in lines
    assert "milestones 30 % + 30 % + 40 %" in lines


def test_without_a_name_the_default_is_shown() -> None:
    assert run("show") == run("show", "taobao")
    code, out = run("show", "nobodys")
    assert code == 2
    assert ", ".join(PRESETS) in out


def in_force(settings: Settings) -> BookRow:
    """The book once the service has started with these settings, and stopped."""

    async def start() -> None:
        async with office(resolve(settings), alone=True):
            pass

    asyncio.run(start())
    with owning(resolve(settings)) as (store, _):
        (row,) = store.load({BOOKS: [BOOK]})[BOOKS]
    assert isinstance(row, BookRow)
    return row


def test_a_new_database_has_the_default_in_force_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    row = in_force(settings)
    assert choose(row, "general", "surface") == digest_of(preset("taobao").policies[3])
    assert in_force(settings) == row


def test_the_settings_file_is_put_in_force_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "policies.json"
    settings = Settings(data=tmp_path / "data", policies=str(file))
    file.write_bytes(preset_text("digital"))
    first = in_force(settings)
    assert choose(first, "general", "express") == digest_of(preset("digital").policies[1])
    assert in_force(settings) == first, "the same file changes nothing"
    book = json.loads(preset_text("digital"))
    book["policies"][1]["confirm"]["within"]["length"] = 4
    file.write_text(json.dumps(book))
    with pytest.raises(Invalid, match="raise the version") as caught:
        in_force(settings)
    assert caught.value.param == "policies[1].version"
    book["policies"][1]["version"] = 2
    file.write_text(json.dumps(book))
    second = in_force(settings)
    assert second.version == 2
    assert in_force(Settings(data=tmp_path / "data")) == second, "without a file, what is in force stays so"


def test_a_policy_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for name in (str(tmp_path), str(tmp_path / "none.json"), "nul\0"):
        with pytest.raises(Invalid, match="settings_invalid") as caught:
            in_force(Settings(data=tmp_path / "data", policies=name))
        assert caught.value.param == "policies"
