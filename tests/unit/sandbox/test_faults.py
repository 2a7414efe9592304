"""A desk that dies in mid-batch: whatever was not answered is asked again under its key, and happens once."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.conftest import NewDatabase

from handfast.app import database
from handfast.core.ids import Id, seeded_ids
from handfast.core.settings import Settings
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import CreateParty
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.faults import ANSWER_LOST, BEFORE_COMMIT, BEFORE_SAVE, Faults, PromiseBroken
from handfast.sandbox.opening import seeded_opener
from handfast.store.verb import Answer, Request

NOW = 1_414_454_400_000_000


class DiesAt(Faults):
    """Dies in the first batch, at the given places, one after the other."""

    def __init__(self, *places: str) -> None:
        super().__init__(1, crashes=False, copies=False)
        self._places = places

    def arm(self, batch: int) -> None:
        self._armed = list(self._places) if batch == 1 else []


@contextmanager
def driven(url: str, data: Path, faults: Faults) -> Iterator[Driver]:
    settings = Settings(data=data, database=url, market="sandbox")
    with closing(Driver(seeded_opener(settings, lambda: NOW, 1), database(url).read, faults)) as driver:
        yield driver


def newcomers(count: int) -> list[Request]:
    new_id = seeded_ids(9)
    commands = [CreateParty(new_id(NOW), "customer", "CN", b"key", b"sealed") for _ in range(count)]
    return [ask("parties.create", command, "test", f"party/{n}") for n, command in enumerate(commands)]


@pytest.mark.parametrize("places", [(BEFORE_SAVE,), (BEFORE_COMMIT,), (ANSWER_LOST,), (BEFORE_COMMIT, BEFORE_SAVE)])
def test_what_a_dead_desk_left_unanswered_happens_once(
    places: tuple[str, ...], new_database: NewDatabase, tmp_path: Path
) -> None:
    requests = newcomers(3)
    with driven(new_database(), tmp_path, DiesAt(*places)) as driver:
        answers = driver.run(requests)
        assert [answer.result.id for answer in answers] == [request.command.party for request in requests]
        assert [answer.replayed for answer in answers] == [places == (ANSWER_LOST,)] * 3
        assert driver.counts.faults == dict.fromkeys(places, 1)
        for table in ("parties", "operations", "events"):
            assert driver.reader.rows(f"SELECT count(*) FROM {table}") == [(3,)]


def test_ids_do_not_depend_on_lost_work(new_sqlite: NewDatabase, tmp_path: Path) -> None:
    made: list[Id] = []
    for places in ((), (BEFORE_SAVE, BEFORE_COMMIT)):
        with driven(new_sqlite(), tmp_path, DiesAt(*places)) as driver:
            (party,) = driver.done(newcomers(1))
            made.append(driver.done([ask("quotes.create", CreateQuote(party.id, "USD", "CNY"), "test", "1")])[0].id)
    assert made[0] == made[1]


def test_a_second_answer_that_differs_is_a_broken_promise() -> None:
    faults = Faults(1, crashes=False)
    requests = newcomers(200)
    copies = faults.copies(requests, 1)
    assert copies
    first = [Answer(request.key or b"", "made", None) for request in requests]
    with pytest.raises(PromiseBroken, match="request_twice_at_once"):
        faults.judge(requests, [*first, *(Answer(copy.key or b"", "made anew", None) for _, copy in copies)])
