"""The conformance data holds: in itself, by its own scripts, and of Handfast, both its arithmetic and its desk."""

import importlib.resources
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from tests.conformance.arithmetic import Arithmetic
from tests.conformance.clockwork import Clockwork, expected
from tests.conformance.unwinding import Unwinding
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.domain.conftest import Market

from handfast.domain.exchange import rate
from handfast.store.postgres import PostgresReader
from handfast.store.reader import Reader
from handfast.store.sqlite import SqliteReader

DATA = Path(__file__).parents[2] / "conformance"
UNWIND: dict[str, Any] = json.loads((DATA / "refund_unwind.json").read_text())
CLOCK: dict[str, Any] = json.loads((DATA / "trade_clock.json").read_text())


def named(items: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(item, id=item["name"]) for item in items]


every_vector = pytest.mark.parametrize("vector", named(UNWIND["vectors"]))


@pytest.mark.parametrize(("name", "items"), [("refund_unwind", "vectors"), ("trade_clock", "cases")])
def test_a_file_has_the_shape_that_its_schema_says(name: str, items: str) -> None:
    schema = json.loads((DATA / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    data = json.loads((DATA / f"{name}.json").read_text())
    assert [f"{fault.json_path}: {fault.message}" for fault in judge.iter_errors(data)] == []
    names = [item["name"] for item in data[items]]
    assert len(set(names)) == len(names)
    first = data[items][0]
    assert not judge.is_valid({**data, items: [*data[items], {**first, "name": "Not a name"}]})
    assert not judge.is_valid({**data, items: data[items][:10]})


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of a script without any installed package: the standard library, its data and the zones' rules."""
    zones = importlib.resources.files("tzdata") / "zoneinfo"
    return subprocess.run(
        [sys.executable, "-S", "-B", "-W", "error", folder / "derive" / script],
        env={"PYTHONTZPATH": str(zones)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "conformance", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_vectors_are_what_their_script_derives(copy: Path) -> None:
    (copy / "refund_unwind.json").unlink()
    done = run("refund_unwind.py", copy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (copy / "refund_unwind.json").read_text() == (DATA / "refund_unwind.json").read_text()


def test_the_due_times_are_what_their_script_recomputes(copy: Path) -> None:
    done = run("trade_clock.py", copy)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_recomputation_bites(copy: Path) -> None:
    path = copy / "trade_clock.json"
    wrong = {
        '"at": "2014-11-02T09:00:00.000000+08:00", "from"': '"at": "2014-11-02T09:00:00.000001+08:00", "from"',
        '"paid": {"held": 6000, "buyer": 4000}': '"paid": {"held": 6000, "buyer": 3999}',
        '"stopped": "PT69H"': '"stopped": "PT70H"',
        '"left": "PT505H"': '"left": "PT504H"',
    }
    for right, changed in wrong.items():
        path.write_text((DATA / "trade_clock.json").read_text().replace(right, changed, 1))
        done = run("trade_clock.py", copy)
        assert (done.returncode, len(done.stderr.splitlines())) != (0, 0), changed


@every_vector
def test_arithmetic(vector: dict[str, Any]) -> None:
    sums = Arithmetic(vector["given"])
    for step in vector["steps"]:
        sums.take(step)
        assert sums.after() == step["after"], step


class Opened(NamedTuple):
    """A market on a database, and a reader of what it commits."""

    market: Market
    reader: Reader


def opened(engine: Engine) -> Iterator[Opened]:
    path = engine.url.removeprefix("sqlite:///")
    reader: Reader = PostgresReader(engine.url) if path == engine.url else SqliteReader(Path(path))
    yield Opened(Market(engine), reader)
    reader.close()
    engine.store.close()


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """One market for all vectors: each has parties of its own in it, and leaves the operator's books as they were."""
    path = tmp_path_factory.mktemp("vectors") / "handfast.db"
    shutil.copyfile(sqlite_template, path)
    yield from opened(open_engine(f"sqlite:///{path}"))


Quoting = Callable[[dict[str, Any]], None]


@pytest.fixture
def at_its_rates(monkeypatch: pytest.MonkeyPatch) -> Quoting:
    """Makes a vector's rates those of the day."""

    def quote(given: dict[str, Any]) -> None:
        price = given["price"]["currency"]
        sides = [given["pay"], given["settle"]]
        rates = {side["currency"]: (side["rate"]["numerator"], side["rate"]["denominator"]) for side in sides}

        def cross(base: str, to: str, on: date) -> tuple[int, int, str]:
            assert base == price
            return (*rates[to], f"the vector's, {on.isoformat()}")

        monkeypatch.setattr("handfast.domain.exchange.rates._cross", cross)

    return quote


def unwind(place: Opened, vector: dict[str, Any]) -> None:
    unwinding = Unwinding(place.market, place.reader, vector)
    for step in vector["steps"]:
        unwinding.take(step)
        assert unwinding.after() == step["after"], step


@every_vector
def test_unwinding_on_the_desk(shared: Opened, at_its_rates: Quoting, vector: dict[str, Any]) -> None:
    at_its_rates(vector["given"])
    unwind(shared, vector)


def test_unwinding_on_postgresql(new_postgres: NewDatabase, at_its_rates: Quoting) -> None:
    for place in opened(open_engine(new_postgres())):
        for vector in UNWIND["vectors"][::5]:
            at_its_rates(vector["given"])
            unwind(place, vector)


def test_rates_of_the_day_are_the_published_ones() -> None:
    given = [vector["given"] for vector in UNWIND["vectors"] if vector["name"].endswith("-usd-cny-jpy-in-milestones")]
    assert len(given) == 5
    for terms in given:
        for side in (terms["pay"], terms["settle"]):
            numerator, denominator, source = rate("USD", side["currency"], 1_414_454_400_000_000)
            assert (numerator, denominator) == (side["rate"]["numerator"], side["rate"]["denominator"])
            assert source == "ECB 2014-10-28"


def keep_time(place: Opened, case: dict[str, Any]) -> None:
    work = Clockwork(place.market, place.reader, CLOCK["policies"][case["policy"]], case)
    for act in case["acts"]:
        work.take(act)
        found, wanted = work.then(), expected(act["then"])
        if "payment" not in wanted:
            del found["payment"]
        assert found == wanted, act


@pytest.mark.parametrize("case", named(CLOCK["cases"]))
def test_clocks(new_sqlite: NewDatabase, case: dict[str, Any]) -> None:
    for place in opened(open_engine(new_sqlite())):
        keep_time(place, case)


def test_clocks_on_postgresql(new_postgres: NewDatabase) -> None:
    for case in CLOCK["cases"][::25]:
        for place in opened(open_engine(new_postgres())):
            keep_time(place, case)
