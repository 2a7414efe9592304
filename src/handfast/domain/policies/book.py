"""Policy files: read strictly, written canonically, and the presets that come with Handfast."""

import re
from importlib.resources import files
from json import JSONDecoder
from typing import Any

import msgspec
from msgspec import json

from handfast.core.errors import Invalid
from handfast.core.ids import Id, digest_id
from handfast.domain.policies.model import Book, Policy, Step
from handfast.domain.policies.rules import check_book, printable

MOST_BYTES = 256 * 1024
"""No policy file is larger."""

PRESETS = ("taobao", "1688", "ebay-like", "amazon-like", "digital", "services")
"""Whole books to begin with; docs/policies.md tells them apart."""

DEFAULT = "taobao"
"""The preset that is in force until the operator publishes a book of its own."""

_AT = re.compile(r" - at `(?:key in `)?\$\.?([^`]*)`$")
_NAMED = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
_WITHIN = {"answer": Step, "second_eyes": int}
_decode_policy = json.Decoder(Policy).decode


def read_book(text: bytes) -> Book:
    """The book that a policy file holds: JSON in UTF-8, every member known and none twice, every rule kept.

    Raises Invalid(policy_invalid), whose param is the path of the guilty member.
    """
    if len(text) > MOST_BYTES:
        raise Invalid("policy_invalid", f"a policy file has at most {MOST_BYTES} bytes")
    try:
        members = _JSON.decode(text.decode())
    except _RepeatedError as fault:
        raise Invalid("policy_invalid", "this member stands twice: readers may differ about it", str(fault)) from None
    except (ValueError, RecursionError) as fault:
        raise Invalid("policy_invalid", f"not a JSON object in UTF-8: {printable(str(fault))}") from None
    try:
        book = msgspec.convert(members, Book)
    except msgspec.ValidationError as fault:
        raise _refused(str(fault), members) from None
    check_book(book)
    return book


def canonical(policy: Policy) -> bytes:
    """The policy in one form of JSON only: members sorted, no spaces, defaults left out (otherwise as RFC 8785)."""
    return json.encode(policy, order="sorted")


def digest_of(policy: Policy) -> Id:
    """The policy's id: the digest of its canonical JSON."""
    return digest_id(canonical(policy))


def restore(body: bytes) -> Policy:
    """The policy that `canonical` wrote."""
    return _decode_policy(body)


def preset_text(name: str) -> bytes:
    """A preset as the policy file that it is. Raises Invalid(policy_invalid) for a name that none has."""
    if name not in PRESETS:
        raise Invalid("policy_invalid", f"the presets are {', '.join(PRESETS)}", "name")
    return (files(__package__) / "presets" / f"{name}.json").read_bytes()


def preset(name: str) -> Book:
    """A preset's book. Raises Invalid(policy_invalid) for a name that none has."""
    return read_book(preset_text(name))


def _refused(words: str, members: Any) -> Invalid:
    """The refusal for what msgspec found: its words name the place and what was expected there."""
    at = _AT.search(words)
    place, words = (at[1], words[: at.start()]) if at else ("", words)
    if "[...]" in place:
        place = _with_key(place, members)
    named = _NAMED.match(words)
    if named:
        place = f"{place}.{named[2]}" if place else named[2]
        words = "this member is missing" if named[1] == "missing required" else "this member is not known here"
    return Invalid("policy_invalid", printable(words), printable(place) or None)


def _with_key(place: str, found: Any) -> str:
    """The place with the guilty key, which msgspec writes as [...]: the first one whose value does not fit."""
    before, _, after = place.partition("[...]")
    for part in re.findall(r"\w+", before, re.ASCII):
        found = found[int(part)] if part.isdecimal() else found[part]
    kind = _WITHIN[before.rpartition(".")[2]]
    return f"{before}.{next(key for key, value in found.items() if not _fits(value, kind))}{after}"


def _fits(value: Any, kind: type) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


class _RepeatedError(Exception):
    """A member that came twice, by its name."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _RepeatedError(printable(name))
        members[name] = value
    return members


_JSON = JSONDecoder(object_pairs_hook=_once)
