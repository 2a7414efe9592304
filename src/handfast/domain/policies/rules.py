"""What must hold in a book of policies beyond its shape, and the place of what does not."""

import re
from collections.abc import Collection, Iterable
from datetime import date

from handfast.core.errors import Invalid
from handfast.core.money import EXPONENTS, MAX_AMOUNT
from handfast.domain.policies.calendar import zones
from handfast.domain.policies.model import (
    DELIVERIES,
    REASONS,
    SILENCE,
    UNITS,
    Book,
    Disputing,
    Extension,
    Period,
    Policy,
    Rule,
    Step,
)

LONGEST = {"hours": 26_280, "days": 1_095, "business_days": 780}
"""No period is longer: three years of each unit."""

MOST_POLICIES, MOST_RULES, MOST_SOURCES, MOST_HOLIDAYS, MOST_MILESTONES, MOST_TIMES = 100, 1_000, 100, 1_000, 50, 12
ANY = "*"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIXED = ("hours", "days")
_HOURS = {"hours": 1, "days": 24}


def check_book(book: Book) -> None:
    """Raises Invalid(policy_invalid) with the path of the first member that breaks a rule."""
    _need(1 <= len(book.policies) <= MOST_POLICIES, "policies", f"a book has 1 to {MOST_POLICIES} policies")
    names = [policy.name for policy in book.policies]
    for n, policy in enumerate(book.policies):
        _check_policy(f"policies[{n}]", policy)
        _need(policy.name not in names[:n], f"policies[{n}].name", "another policy of this book has this name")
    _need(1 <= len(book.rules) <= MOST_RULES, "rules", f"a book has 1 to {MOST_RULES} rules")
    for n, rule in enumerate(book.rules):
        _check_rule(f"rules[{n}]", rule, names)
    covered = {rule.delivery for rule in book.rules if rule.category == ANY}
    for kind in () if ANY in covered else DELIVERIES:
        _need(kind in covered, "rules", f'no rule of category "*" covers the delivery kind {kind}')


def _need(holds: object, path: str, words: str) -> None:
    if not holds:
        raise Invalid("policy_invalid", words, printable(path))


def printable(text: str) -> str:
    """The first 200 characters of a text that somebody else wrote, safe to be shown."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])


def _check_rule(path: str, rule: Rule, names: Collection[str]) -> None:
    _need(rule.policy in names, f"{path}.policy", "no policy of this book has this name")
    _need(
        _is_text(rule.category, 100),
        f"{path}.category",
        'a category is 1 to 100 printable characters, or "*"',
    )
    _need(rule.delivery in (*DELIVERIES, ANY), f"{path}.delivery", f'a delivery is one of {_words(DELIVERIES)}, or "*"')


def _check_policy(path: str, policy: Policy) -> None:
    _need(
        _NAME.fullmatch(policy.name) is not None, f"{path}.name", "a name is 1 to 40 small letters, digits and hyphens"
    )
    _need(1 <= policy.version <= 1_000_000, f"{path}.version", "a version is a number from 1 to 1,000,000")
    _need(len(policy.sources) <= MOST_SOURCES, f"{path}.sources", f"a policy has at most {MOST_SOURCES} sources")
    for n, source in enumerate(policy.sources):
        _need(_is_text(source, 500), f"{path}.sources[{n}]", "a source is a printable text of 1 to 500 characters")
    _check_calendar(path, policy)
    _check_steps(path, policy)
    _check_spans(path, policy)
    _check_disputing(f"{path}.disputing", policy.disputing)
    _check_milestones(f"{path}.milestones", policy.milestones)
    for n, extension in enumerate(policy.extensions):
        _check_extension(f"{path}.extensions[{n}]", extension, policy.extensions[:n])


def _check_calendar(path: str, policy: Policy) -> None:
    _need(policy.zone in zones(), f"{path}.zone", "a zone is a name of the IANA time zone database")
    weekend = set(policy.weekend)
    _need(
        weekend < set(range(1, 8)) and len(weekend) == len(policy.weekend),
        f"{path}.weekend",
        "a weekend is at most six days of the week, 1 (Monday) to 7, each once",
    )
    _need(len(policy.holidays) <= MOST_HOLIDAYS, f"{path}.holidays", f"there are at most {MOST_HOLIDAYS} holidays")
    for n, day in enumerate(policy.holidays):
        _need(_is_date(day), f"{path}.holidays[{n}]", "a holiday is a date that exists, as 2014-12-25")
        later = n == 0 or policy.holidays[n - 1] < day
        _need(later, f"{path}.holidays[{n}]", "holidays stand in order, each once")


def _check_steps(path: str, policy: Policy) -> None:
    steps = {"pay": policy.pay, "ship": policy.ship, "confirm": policy.confirm}
    for name, step in (steps | {"revise": policy.revise, "accept": policy.accept}).items():
        _check_step(f"{path}.{name}", step, SILENCE[name])
    for reason in policy.answer:
        _need(reason in REASONS, f"{path}.answer.{reason}", f"a reason is one of {_words(REASONS)}")
    for reason in REASONS:
        _need(reason in policy.answer, f"{path}.answer.{reason}", "each reason has a step for the seller's answer")
        _check_step(f"{path}.answer.{reason}", policy.answer[reason], SILENCE["answer"])
    _check_step(f"{path}.returns.send_back", policy.returns.send_back, SILENCE["send_back"])
    _check_step(f"{path}.returns.receive", policy.returns.receive, SILENCE["receive"])


def _check_step(path: str, step: Step, silences: Collection[str]) -> None:
    _check_period(f"{path}.within", step.within)
    _need(step.silence in silences, f"{path}.silence", f"silence here is one of {_words(silences)}")
    if step.silence != "extend":
        _need(step.again == 0, f"{path}.again", "only silence that extends does so again")
        _need(not step.then, f"{path}.then", "only silence that extends ends otherwise then")
        return
    _need(1 <= step.again <= MOST_TIMES, f"{path}.again", f"silence extends 1 to {MOST_TIMES} times")
    last = [silence for silence in silences if silence != "extend"]
    _need(step.then in last, f"{path}.then", f"after the last extension silence is one of {_words(last)}")


def _check_period(path: str, period: Period, shortest: int = 1, units: Collection[str] = UNITS) -> None:
    _need(period.unit in units, f"{path}.unit", f"a unit here is one of {_words(units)}")
    longest = LONGEST[period.unit]
    _need(
        shortest <= period.length <= longest,
        f"{path}.length",
        f"a period here has {shortest} to {longest} {period.unit.replace('_', ' ')}",
    )


def _check_spans(path: str, policy: Policy) -> None:
    if policy.confirm_delivered is not None:
        _check_period(f"{path}.confirm_delivered", policy.confirm_delivered)
    _check_period(f"{path}.claim_unshipped", policy.claim_unshipped, 0)
    _check_period(f"{path}.returns.right", policy.returns.right, 0)
    _check_period(f"{path}.refundable", policy.refundable, 1, _FIXED)
    _check_period(f"{path}.after_sale", policy.after_sale, 0, _FIXED)
    bounded = [("after_sale", policy.after_sale)]
    if policy.reserve is not None:
        bounded.append(("reserve.period", policy.reserve.period))
        _check_period(f"{path}.reserve.period", policy.reserve.period, 1, _FIXED)
        _need(
            0 <= policy.reserve.share_bps <= 10_000, f"{path}.reserve.share_bps", "a share is 0 to 10,000 basis points"
        )
    for name, span in bounded:
        within = span.length * _HOURS[span.unit] <= policy.refundable.length * _HOURS[policy.refundable.unit]
        _need(within, f"{path}.{name}", "a trade is finished, and this is over, when it is no longer refundable")


def _check_disputing(path: str, disputing: Disputing) -> None:
    _check_period(f"{path}.evidence", disputing.evidence)
    _check_step(f"{path}.decide", disputing.decide, SILENCE["decide"])
    _check_period(f"{path}.appeal", disputing.appeal)
    for currency, amount in disputing.second_eyes.items():
        place = f"{path}.second_eyes.{currency}"
        _need(currency == ANY or currency in EXPONENTS, place, 'a currency is three letters of ISO 4217, or "*"')
        _need(0 <= amount <= MAX_AMOUNT, place, f"an amount is 0 to {MAX_AMOUNT} minor units")


def _check_milestones(path: str, milestones: tuple[int, ...]) -> None:
    _need(len(milestones) <= MOST_MILESTONES, path, f"there are at most {MOST_MILESTONES} milestones")
    for n, part in enumerate(milestones):
        _need(part > 0, f"{path}[{n}]", "a milestone is a positive number of basis points")
    _need(not milestones or sum(milestones) == 10_000, path, "milestones sum to 10,000 basis points")


def _check_extension(path: str, extension: Extension, before: Iterable[Extension]) -> None:
    _need(extension.step in ("ship", "confirm"), f"{path}.step", "the steps ship and confirm can be extended")
    _need(extension.by in ("buyer", "seller"), f"{path}.by", "the buyer or the seller extends")
    _check_period(f"{path}.period", extension.period)
    _need(1 <= extension.times <= MOST_TIMES, f"{path}.times", f"a step is extended 1 to {MOST_TIMES} times")
    twice = any((other.step, other.by) == (extension.step, extension.by) for other in before)
    _need(not twice, path, "this side has an extension of this step already")


def _is_text(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable()


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _words(values: Iterable[str]) -> str:
    return ", ".join(values)
