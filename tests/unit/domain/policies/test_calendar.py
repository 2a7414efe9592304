"""When a period ends: one unit before and after, over changes of clocks, leap days, weekends and holidays."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handfast.core.clocks import DAY, HOUR, MINUTE
from handfast.domain.policies import Period, Policy, end_of, preset

US = preset("ebay-like").policies[0]
"""Pacific time, a weekend of Saturday and Sunday, the federal holidays of 2014 to 2016 and 2026 to 2028."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STARTS = st.integers(1_388_534_400_000_000, 1_893_456_000_000_000)  # the years 2014 to 2029
ZONES = st.sampled_from(
    ("America/Los_Angeles", "Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe", "Africa/Cairo", "UTC")
)


def at(text: str) -> int:
    """The instant (µs) of an ISO time with its offset."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def ends(zone: str, length: int, unit: str, start: str) -> str:
    """The end in the zone's local time, with its offset."""
    end = end_of(replace(US, zone=zone), Period(length, unit), at(start))
    return (EPOCH + timedelta(microseconds=end)).astimezone(ZoneInfo(zone)).isoformat()


def test_hours_are_sixty_minutes_whatever_the_clocks_do() -> None:
    assert ends("Asia/Shanghai", 36, "hours", "2014-10-28T09:00:00+08:00") == "2014-10-29T21:00:00+08:00"
    assert ends("America/New_York", 24, "hours", "2014-11-01T12:00:00-04:00") == "2014-11-02T11:00:00-05:00"
    assert ends("America/New_York", 24, "hours", "2014-03-08T12:00:00-05:00") == "2014-03-09T13:00:00-04:00"


@pytest.mark.parametrize(
    ("zone", "summer", "winter", "back", "forward"),
    [
        ("America/New_York", "-04:00", "-05:00", ("2014-11-01", "2014-11-02"), ("2014-03-08", "2014-03-09")),
        ("Europe/Berlin", "+02:00", "+01:00", ("2014-10-25", "2014-10-26"), ("2014-03-29", "2014-03-30")),
    ],
)
def test_days_end_at_the_same_local_time_when_clocks_change(
    zone: str, summer: str, winter: str, back: tuple[str, str], forward: tuple[str, str]
) -> None:
    autumn = ends(zone, 1, "days", f"{back[0]}T12:00:00{summer}")
    assert autumn == f"{back[1]}T12:00:00{winter}"
    assert at(autumn) - at(f"{back[0]}T12:00:00{summer}") == 25 * HOUR
    spring = ends(zone, 1, "days", f"{forward[0]}T12:00:00{winter}")
    assert spring == f"{forward[1]}T12:00:00{summer}"
    assert at(spring) - at(f"{forward[0]}T12:00:00{winter}") == 23 * HOUR


def test_a_local_time_that_clocks_skip_is_as_much_later() -> None:
    assert ends("America/New_York", 1, "days", "2014-03-08T02:30:00-05:00") == "2014-03-09T03:30:00-04:00"
    assert ends("Europe/Berlin", 10, "days", "2014-03-20T02:00:00+01:00") == "2014-03-30T03:00:00+02:00"
    # Samoa went over the date line and left out the 30th of December 2011.
    assert ends("Pacific/Apia", 1, "days", "2011-12-29T10:00:00-10:00") == "2011-12-31T10:00:00+14:00"


def test_of_a_local_time_that_comes_twice_the_first_counts() -> None:
    assert ends("America/New_York", 1, "days", "2014-11-01T01:30:00-04:00") == "2014-11-02T01:30:00-04:00"
    assert ends("America/New_York", 1, "days", "2014-11-02T01:30:00-05:00") == "2014-11-03T01:30:00-05:00"
    assert ends("Europe/Berlin", 1, "days", "2014-10-25T02:30:00+02:00") == "2014-10-26T02:30:00+02:00"


def test_leap_days_count_as_days() -> None:
    assert ends("Asia/Shanghai", 1, "days", "2016-02-28T08:00:00+08:00") == "2016-02-29T08:00:00+08:00"
    assert ends("Asia/Shanghai", 1, "days", "2016-02-29T08:00:00+08:00") == "2016-03-01T08:00:00+08:00"
    assert ends("Asia/Shanghai", 1, "days", "2015-02-28T08:00:00+08:00") == "2015-03-01T08:00:00+08:00"
    assert ends("Asia/Shanghai", 366, "days", "2016-02-29T08:00:00+08:00") == "2017-03-01T08:00:00+08:00"
    assert ends("Asia/Shanghai", 365, "days", "2027-03-01T08:00:00+08:00") == "2028-02-29T08:00:00+08:00"


def test_an_end_is_exact_to_the_microsecond() -> None:
    start = at("2014-10-28T09:00:00+08:00") + 1
    for zone, length, unit, span in (
        ("Asia/Shanghai", 5, "days", 5 * DAY),
        ("Asia/Shanghai", 120, "hours", 5 * DAY),
        ("Asia/Shanghai", 3, "business_days", 3 * DAY),
    ):
        policy = replace(US, zone=zone)
        assert end_of(policy, Period(length, unit), start) == start + span
        assert end_of(policy, Period(length, unit), start - 1) == start + span - 1


def test_business_days_leave_out_weekend_and_holidays() -> None:
    def pacific(length: int, start: str) -> str:
        return ends("America/Los_Angeles", length, "business_days", start)

    assert pacific(3, "2014-10-28T10:00:00-07:00") == "2014-10-31T10:00:00-07:00", "Tuesday to Friday"
    assert pacific(1, "2014-10-31T10:00:00-07:00") == "2014-11-03T10:00:00-08:00", "over weekend and clocks"
    assert pacific(1, "2014-11-26T23:59:59.999999-08:00") == "2014-11-28T23:59:59.999999-08:00", "over Thanksgiving"
    assert pacific(3, "2014-12-23T10:00:00-08:00") == "2014-12-29T10:00:00-08:00", "over Christmas and a weekend"
    assert pacific(21, "2014-12-01T10:00:00-08:00") == "2014-12-31T10:00:00-08:00"


def test_counting_starts_with_the_beginning_of_a_business_day() -> None:
    def pacific(length: int, start: str) -> str:
        return ends("America/Los_Angeles", length, "business_days", start)

    assert pacific(1, "2014-10-25T10:00:00-07:00") == "2014-10-28T00:00:00-07:00", "Saturday counts from Monday 00:00"
    assert pacific(1, "2014-10-26T23:59:00-07:00") == "2014-10-28T00:00:00-07:00"
    assert pacific(1, "2014-10-27T00:00:00-07:00") == "2014-10-28T00:00:00-07:00"
    assert pacific(1, "2014-10-27T00:01:00-07:00") == "2014-10-28T00:01:00-07:00"
    assert pacific(2, "2014-11-27T10:00:00-08:00") == "2014-12-02T00:00:00-08:00", "Thanksgiving counts from Friday"


def test_the_day_is_the_zones_not_universal_times() -> None:
    # Friday evening on the Pacific is Saturday in universal time.
    assert ends("America/Los_Angeles", 1, "business_days", "2014-10-25T03:00:00+00:00") == "2014-10-27T20:00:00-07:00"


def test_another_weekend_is_another_calendar() -> None:
    policy = replace(US, zone="Asia/Riyadh", weekend=(5, 6), holidays=())
    assert end_of(policy, Period(1, "business_days"), at("2014-10-30T12:00:00+03:00")) == at(
        "2014-11-02T12:00:00+03:00"
    )


def test_a_right_that_is_none_ends_as_it_begins() -> None:
    twice = at("2014-11-02T01:30:00-05:00")
    for unit in ("hours", "days", "business_days"):
        assert end_of(replace(US, zone="America/New_York"), Period(0, unit), twice) == twice


@given(ZONES, st.sampled_from(("hours", "days", "business_days")), st.integers(1, 400), STARTS)
def test_an_end_is_after_its_start(zone: str, unit: str, length: int, start: int) -> None:
    shortest = length * HOUR if unit == "hours" else length * DAY - HOUR
    assert end_of(replace(US, zone=zone), Period(length, unit), start) - start >= shortest


@given(st.sampled_from(("hours", "days", "business_days")), st.integers(1, 400), STARTS, STARTS)
def test_who_starts_later_is_due_later_where_clocks_stay(unit: str, length: int, one: int, other: int) -> None:
    policy = replace(US, zone="Asia/Shanghai")
    first, second = (end_of(policy, Period(length, unit), start) for start in sorted((one, other)))
    assert first <= second


def monotone(policy: Policy, period: Period, start: int, later: int) -> bool:
    return end_of(policy, period, start) <= end_of(policy, period, start + later)


@given(ZONES, st.integers(1, 400), STARTS, st.integers(0, 3 * DAY))
def test_hours_never_overtake(zone: str, length: int, start: int, later: int) -> None:
    assert monotone(replace(US, zone=zone), Period(length, "hours"), start, later)


@given(ZONES, st.sampled_from(("days", "business_days")), st.integers(1, 400), STARTS, st.integers(HOUR, 3 * DAY))
def test_days_overtake_by_less_than_a_change_of_clocks(
    zone: str, unit: str, length: int, start: int, later: int
) -> None:
    assert monotone(replace(US, zone=zone), Period(length, unit), start, later)


def test_within_a_change_of_clocks_the_local_time_decides() -> None:
    # Half past two does not exist on the 9th, three does: who started half an hour earlier is due half an hour later.
    policy = replace(US, zone="America/New_York")
    start = at("2014-03-08T02:30:00-05:00")
    assert not monotone(policy, Period(1, "days"), start, 30 * MINUTE)
    assert monotone(policy, Period(1, "days"), start, HOUR)
