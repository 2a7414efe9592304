"""What sides plan to do about a claim: drawn once for each version, done in its slot, forgotten when things move on."""

from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from handfast.core.clocks import DAY, HOUR
from handfast.domain.claims import Claim
from handfast.domain.disputes import check_file
from handfast.sandbox.market import OPENING
from handfast.sandbox.quarrels import NOTHING, Agenda, Step, patience, picture

KEY = bytes(16)


def claim(**changes: Any) -> Claim:
    asked = Claim(
        id=KEY,
        trade=KEY,
        payment=KEY,
        merchant=KEY,
        seller=KEY,
        buyer=KEY,
        state="asked",
        reason="unshipped",
        goods="keep",
        currency="USD",
        amount=100_00,
        offered=0,
        offered_goods="",
        words=b"",
        answer=b"",
        tracking="",
        changes=0,
        due=OPENING + DAY,
        version=1,
        created=OPENING,
    )
    return replace(asked, **changes)


def test_a_plan_is_drawn_once_and_each_step_done_in_its_slot() -> None:
    agenda, drawn = Agenda(), []

    def draw(thing: Claim) -> list[Step]:
        drawn.append(thing.version)
        return [(1, "shows"), (2, "rests"), (2, NOTHING)]

    assert agenda.due([claim()], 10, draw) == []
    assert agenda.due([claim()], 11, draw) == [(claim(), "shows", 0)]
    assert agenda.due([claim()], 12, draw) == [(claim(), "rests", 1)]
    assert drawn == [1]


def test_what_was_planned_for_an_earlier_version_is_forgotten() -> None:
    agenda = Agenda()
    agenda.due([claim()], 10, lambda _: [(2, "agree")])
    agenda.due([claim(version=2)], 11, lambda _: [(5, "refuse")])
    assert agenda.due([claim(version=2)], 12, lambda _: []) == []


def test_who_means_to_be_in_time_takes_less_than_there_is() -> None:
    assert patience(claim(due=OPENING + 9 * DAY), OPENING) * 8 * HOUR < 9 * DAY
    assert patience(claim(due=OPENING + HOUR), OPENING) == 1


def test_pictures_are_of_the_type_that_they_say() -> None:
    assert check_file(picture(sha256(b"parcel").digest()), "image/png") == "image/png"
    assert picture(sha256(b"parcel").digest()) != picture(sha256(b"lid").digest())
