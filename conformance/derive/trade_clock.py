"""Recomputes every due time of trade_clock.json from its stated start and periods, by the rule in README.md.

Run it to print what does not hold; nothing else than the file and the time zone database is read.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

TARGET = Path(__file__).parents[1] / "trade_clock.json"
Policy = dict[str, Any]

ONE_DAY = timedelta(days=1)
LENGTH = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{6}))?S)?", re.ASCII)


def instant(text: str) -> datetime:
    """The moment that a time with its offset names."""
    return datetime.fromisoformat(text).astimezone(UTC)


def length(text: str) -> timedelta:
    """The length that PT…H…M…S names."""
    match = LENGTH.fullmatch(text)
    assert match is not None, text
    hours, minutes, seconds, micros = (int(group or 0) for group in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)


def end(policy: Policy, period: dict[str, Any], start: datetime) -> datetime:
    """When a period that begins at `start` is over."""
    count, unit = period["length"], period["unit"]
    if unit == "hours":
        return start + timedelta(hours=count)
    if count == 0:
        return start
    zone = ZoneInfo(policy["zone"])
    local = start.astimezone(zone)
    day, clock = local.date(), local.time()
    if unit == "days":
        day += count * ONE_DAY
    else:
        while not is_business(policy, day):
            day, clock = day + ONE_DAY, time()
        for _ in range(count):
            day += ONE_DAY
            while not is_business(policy, day):
                day += ONE_DAY
    # The first of two equal local times; for one that is skipped, the offset before it: as much later.
    return datetime.combine(day, clock, zone).replace(fold=0).astimezone(UTC)


def is_business(policy: Policy, day: date) -> bool:
    """Whether a day counts."""
    return day.isoweekday() not in policy["weekend"] and day.isoformat() not in policy["holidays"]


def periods_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every period that a policy states."""
    if isinstance(value, dict):
        if set(value) == {"length", "unit"}:
            yield value
        for inner in value.values():
            yield from periods_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from periods_in(inner)


def times_in(value: Any) -> Iterator[str]:
    """Every time that a case states."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("at", "from") or (name == "due" and isinstance(inner, str)):
                yield inner
            else:
                yield from times_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from times_in(inner)


def check_due(policy: Policy, due: dict[str, Any], known: set[datetime], stopped: timedelta | None) -> str:
    """What is wrong with a due time, or nothing; it may count from an act that was made or an earlier due time."""
    if "agreed" in due:
        return ""
    start = reached = instant(due["from"])
    if start not in known:
        return f"counts from {due['from']}, when nothing happened"
    if "left" in due:
        reached += length(due["left"])
        if length(due["left"]) != stopped:
            return f"goes on with {due['left']}, but {stopped} was left"
    for period in due.get("periods", ()):
        if period not in periods_in(policy):
            return f"counts {period}, which the policy does not state"
        reached = end(policy, period, reached)
    if reached != instant(due["at"]):
        return f"is due {due['at']}, but should be {reached.astimezone(ZoneInfo(policy['zone'])).isoformat()}"
    return ""


def left_of(policy: Policy, act: dict[str, Any], before: dict[str, Any], stopped: timedelta | None) -> timedelta:
    """How much of the trade's clock is left when it stands still after an act."""
    now = instant(act["at"])
    if stopped is not None:
        if act["do"] != "extend":
            return stopped
        step = "ship" if before["trade"] == "held" else "confirm"
        more = next(e for e in policy["extensions"] if (e["step"], e["by"]) == (step, act["by"]))
        return stopped + (end(policy, more["period"], now) - now)
    left = instant(before["due"]["at"]) - now
    if left > timedelta():
        return left
    step = policy["ship" if before["trade"] == "held" else "confirm"]  # silence opened a dispute: the step begins anew
    return end(policy, step["within"], now) - now


def faults(data: dict[str, Any]) -> Iterator[str]:
    """Everything in the file that does not hold, by case and act."""
    for case in data["cases"]:
        policy = data["policies"][case["policy"]]
        zone = ZoneInfo(policy["zone"])
        for text in times_in(case["acts"]):
            if datetime.fromisoformat(text).replace(tzinfo=None) != instant(text).astimezone(zone).replace(tzinfo=None):
                yield f"{case['name']}: {text} is not a time of {policy['zone']}"
        known: set[datetime] = set()
        stopped, before, last = None, None, datetime.min.replace(tzinfo=UTC)
        for n, act in enumerate(case["acts"]):
            where, then, now = f"{case['name']}, act {n} ({act['by']} {act['do']})", act["then"], instant(act["at"])
            if now < last:
                yield f"{where}: goes back in time"
            if "refused" in act and then != before:
                yield f"{where}: is refused and changes something"
            known.add(now)
            new = then["due"] and (before is None or then["due"] != before["due"])
            if new and (fault := check_due(policy, then["due"], known, stopped)):
                yield f"{where}: {fault}"
            if "stopped" in then:
                stopped = left_of(policy, act, before or {}, stopped)
                if length(then["stopped"]) != stopped:
                    yield f"{where}: {then['stopped']} is left, but should be {stopped}"
            else:
                stopped = None
            if sum(then["paid"].values()) != (case["amount"] if "trade" in then else 0):
                yield f"{where}: the money does not add up"
            if then["due"]:
                known.add(instant(then["due"]["at"]))
            before, last = then, now


if __name__ == "__main__":
    found = list(faults(json.loads(TARGET.read_text())))
    sys.exit("\n".join(found) or 0)
