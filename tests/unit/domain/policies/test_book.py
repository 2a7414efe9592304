"""Policy files are read strictly: whatever breaks a rule is refused with the path of the guilty member."""

import json
import re
from typing import Any

import pytest

from handfast.core.errors import Invalid
from handfast.core.ids import digest_id
from handfast.domain.policies import Period, canonical, digest_of, preset, preset_text, read_book
from handfast.domain.policies.book import MOST_BYTES, restore

GOOD = preset_text("services")
GONE = object()
HOURS = {"length": 1, "unit": "hours"}
SHIP = {"within": HOURS, "silence": "extend", "again": 2, "then": "dispute"}


def edited(*edits: tuple[str, Any]) -> bytes:
    """The good file with other values at some paths; GONE takes the member away."""
    book = json.loads(GOOD)
    for path, value in edits:
        *way, last = (int(part) if part.isdecimal() else part for part in re.findall(r"[\w*]+", path))
        place = book
        for part in way:
            place = place[part]
        if value is GONE:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return json.dumps(book).encode()


def refused(text: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read_book(text)
    assert caught.value.code == "policy_invalid"
    return caught.value


def test_the_file_that_the_others_are_made_from_is_good() -> None:
    book = read_book(edited())
    assert book == read_book(GOOD)
    assert book.policies[0].ship.again == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # Shape: unknown, missing, of another type.
        ("motto", "silence is golden"),
        ("policies[0].patience", 3),
        ("policies[0].ship.within.lenght", 3),
        ("policies[0].zone", GONE),
        ("policies[0].answer.unshipped.within.length", "3"),
        ("policies[0].answer.no_reason.silent", "close"),
        ("policies[0].disputing.second_eyes.USD", "500.00"),
        ("policies[0].milestones[1]", None),
        ("policies[0].reserve", []),
        ("rules[0].delivery", 7),
        # Names and texts.
        ("policies", []),
        ("policies[0].name", "Services"),
        ("policies[0].name", ""),
        ("policies[0].name", "n" * 41),
        ("policies[0].version", 0),
        ("policies[0].version", 1_000_001),
        ("policies[0].sources[0]", "two\nlines"),
        ("policies[0].sources[0]", ""),
        ("policies[0].sources", ["own choice"] * 101),
        # Zone and calendar.
        ("policies[0].zone", "Europe/Atlantis"),
        ("policies[0].zone", "../zones"),
        ("policies[0].weekend", [6, 6]),
        ("policies[0].weekend", [0]),
        ("policies[0].weekend", [8]),
        ("policies[0].weekend", [1, 2, 3, 4, 5, 6, 7]),
        ("policies[0].holidays[0]", "2015-02-29"),
        ("policies[0].holidays[0]", "20140101"),
        ("policies[0].holidays[0]", "2014-W01-1"),
        # Periods.
        ("policies[0].pay.within.unit", "weeks"),
        ("policies[0].pay.within.length", 0),
        ("policies[0].confirm.within.length", -1),
        ("policies[0].confirm.within.length", 1_096),
        ("policies[0].claim_unshipped.length", -1),
        ("policies[0].returns.right.length", -1),
        ("policies[0].refundable.length", 0),
        ("policies[0].refundable.unit", "business_days"),
        ("policies[0].after_sale.unit", "business_days"),
        ("policies[0].disputing.evidence.length", 0),
        ("policies[0].disputing.appeal.length", 0),
        # What silence means, step by step.
        ("policies[0].pay.silence", "refund"),
        ("policies[0].ship.silence", "release"),
        ("policies[0].ship.silence", ""),
        ("policies[0].confirm.silence", "close"),
        ("policies[0].answer.unshipped.silence", "release"),
        ("policies[0].answer.not_received.silence", "extend"),
        ("policies[0].revise.silence", "refund"),
        ("policies[0].accept.silence", "refund"),
        ("policies[0].returns.send_back.silence", "refund"),
        ("policies[0].returns.receive.silence", "close"),
        ("policies[0].disputing.decide.silence", "dispute"),
        # Silence that extends.
        ("policies[0].ship.again", GONE),
        ("policies[0].ship.again", 13),
        ("policies[0].ship.then", GONE),
        ("policies[0].ship.then", "extend"),
        ("policies[0].ship.then", "release"),
        ("policies[0].confirm.again", 1),
        ("policies[0].confirm.then", "release"),
        # The seller's answers.
        ("policies[0].answer.no_reason", GONE),
        ("policies[0].answer.bored", SHIP),
        # Milestones, extensions, reserve, second eyes.
        ("policies[0].milestones", [5_000, 4_999]),
        ("policies[0].milestones[1]", 0),
        ("policies[0].milestones", [200] * 50 + [0]),
        ("policies[0].extensions[0].step", "pay"),
        ("policies[0].extensions[0].by", "operator"),
        ("policies[0].extensions[0].times", 0),
        ("policies[0].extensions[0].times", 13),
        ("policies[0].extensions[0].period.length", 0),
        ("policies[0].extensions[2]", {"step": "ship", "by": "buyer", "period": HOURS, "times": 1}),
        ("policies[0].disputing.second_eyes.XYZ", 1),
        ("policies[0].disputing.second_eyes.USD", -1),
        ("policies[0].disputing.second_eyes.USD", 10**15 + 1),
        # Rules.
        ("rules", []),
        ("rules[0].policy", "taobao-express"),
        ("rules[0].delivery", "pigeon"),
        ("rules[0].category", ""),
        ("rules[0].category", "c" * 101),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_path(path: str, value: object) -> None:
    assert refused(edited((path, value))).param == path


def test_a_member_that_two_others_contradict_is_named() -> None:
    reserve = {"share_bps": 10_000, "period": {"length": 361, "unit": "days"}}
    assert refused(edited(("policies[0].reserve", reserve))).param == "policies[0].reserve.period"
    reserve = {"share_bps": 10_001, "period": {"length": 360, "unit": "days"}}
    assert refused(edited(("policies[0].reserve", reserve))).param == "policies[0].reserve.share_bps"
    after_sale = ("policies[0].after_sale", {"length": 24 * 360 + 1, "unit": "hours"})
    assert refused(edited(after_sale)).param == "policies[0].after_sale"
    after_sale = ("policies[0].after_sale", {"length": 24 * 360, "unit": "hours"})
    reserve = {"share_bps": 0, "period": {"length": 360, "unit": "days"}}
    assert read_book(edited(after_sale, ("policies[0].reserve", reserve))).policies[0].after_sale.length == 8_640


@pytest.mark.parametrize(("unit", "longest"), [("hours", 26_280), ("days", 1_095), ("business_days", 780)])
def test_no_period_is_longer_than_three_years(unit: str, longest: int) -> None:
    for length in (1, longest):
        (policy,) = read_book(edited(("policies[0].confirm_delivered", {"length": length, "unit": unit}))).policies
        assert policy.confirm_delivered == Period(length, unit)
    for length in (0, longest + 1):
        fault = refused(edited(("policies[0].confirm_delivered", {"length": length, "unit": unit})))
        assert fault.param == "policies[0].confirm_delivered.length"


def test_holidays_stand_in_order() -> None:
    days = ("policies[0].holidays", ["2014-12-25", "2015-01-01", "2014-12-26"])
    assert refused(edited(days)).param == "policies[0].holidays[2]"
    days = ("policies[0].holidays", ["2014-12-25", "2014-12-25"])
    assert refused(edited(days)).param == "policies[0].holidays[1]"


def test_names_are_unique() -> None:
    (policy,) = json.loads(GOOD)["policies"]
    assert refused(edited(("policies[1]", policy))).param == "policies[1].name"
    assert len(read_book(edited(("policies[1]", policy | {"name": "more"}))).policies) == 2


def test_rules_cover_every_delivery_kind() -> None:
    kinds = ("auto", "virtual", "express", "surface", "service")
    name = "services-milestones"
    some = [{"policy": name, "delivery": kind} for kind in kinds[:-1]]
    fault = refused(edited(("rules", some)))
    assert (fault.param, fault.message[-7:]) == ("rules", "service")
    of_a_category = {"policy": name, "delivery": "service", "category": "gardening"}
    assert refused(edited(("rules", [*some, of_a_category]))).param == "rules"
    assert len(read_book(edited(("rules", [*some, {"policy": name, "delivery": "service"}]))).rules) == 5
    assert len(read_book(edited(("rules", [of_a_category, {"policy": name}]))).rules) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"policies": [{"answer": {"unshipped": 1}, "x": ' + b"[" * 100_000, "not a JSON object"),
        (b'{"policies": [1' + b"0" * 5_000 + b"]}", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b'{"policies": [], "rules": []}}', "not a JSON object"),
        (b"[]", "Expected"),
        (b'{"policies": NaN, "rules": []}', "Expected `array`"),
        (b" " * (MOST_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_policy_file_is_refused(text: bytes, words: str) -> None:
    assert words in refused(text).message


def test_a_member_that_stands_twice_is_refused() -> None:
    fault = refused(GOOD.replace(b'"version": 1', b'"version": 1, "version": 2', 1))
    assert (fault.param, "twice" in fault.message) == ("version", True)


def test_a_param_is_safe_to_be_shown() -> None:
    fault = refused(edited(("policies[0].disputing.second_eyes", {"\x1b[2J\ud800": 1})))
    assert fault.param == "policies[0].disputing.second_eyes.?[2J?"
    fault = refused(edited(("policies[0].disputing.second_eyes", {"\n" * 300: "1"})))
    assert fault.param is not None
    assert set(fault.param.removeprefix("policies[0].disputing.second_eyes.")) == {"?"}
    assert len(fault.param) == 200


def test_a_file_has_a_bound_that_it_may_reach() -> None:
    assert read_book(GOOD + b" " * (MOST_BYTES - len(GOOD))) == read_book(GOOD)


def test_the_digest_is_of_the_content_and_of_nothing_else() -> None:
    (policy,) = read_book(GOOD).policies
    (same,) = read_book(json.dumps(json.loads(GOOD), indent=8, sort_keys=True).encode()).policies
    assert digest_of(same) == digest_of(policy) == digest_id(canonical(policy))
    (other,) = read_book(edited(("policies[0].confirm.within.length", 8))).policies
    assert digest_of(other) != digest_of(policy)


def test_canonical_json_has_sorted_members_no_spaces_and_no_defaults() -> None:
    body = canonical(preset("amazon-like").policies[0])
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert b'"pay":{"silence":"close","within":{"length":3,"unit":"days"}}' in body
    assert b"milestones" not in body
    assert restore(body) == preset("amazon-like").policies[0]
