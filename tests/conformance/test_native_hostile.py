"""Hostile input, field by field: each value that does not fit is refused by name, and nothing has changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import fields
from tests.conformance.samples import sample
from tests.unit.gateways.native.street import Street, error, opened

from handfast.core.errors import CODES, Invalid, NotFound
from handfast.core.money import MAX_AMOUNT
from handfast.domain.policies import Book
from handfast.gateways.native import wire
from handfast.gateways.native.calls import BODY_BYTES, Route
from handfast.gateways.native.gateway import TABLE
from handfast.gateways.native.prefixes import PREFIXES

WRITES = [line for line in TABLE if line.body not in (None, wire.Nothing, Book)]
NUMBERS = [
    "-1",
    "1e3",
    "1E2",
    "1.5",
    "1.0",
    "-0.0",
    "1e400",
    "NaN",
    "Infinity",
    "9" * 5_000,
    str(MAX_AMOUNT + 1),
    str(2**63),
    str(2**64),
    '"5"',
    '"²"',
    "²",
    "0x10",
    "+1",
    "01",
    "true",
    "[]",
    "{}",
]
TEXTS = [
    "5",
    "1.5",
    "true",
    "[]",
    "{}",
    r'"\u0000"',
    r'"\u0007"',
    r'"\u001b[2J"',
    r'"\u009f"',
    r'"\ud800"',
    r'"\udc00\ud800"',
    '"\x01"',
    '"' + "x" * 3_000 + '"',
]
CURRENCIES = ['"usd"', '"US"', '"USDX"', '"XXX"', '""', '" USD"', '"ＵＳＤ"', '"¥"', '"\\u0000"', "5", "null"]
LISTS = ["5", '"x"', "{}", "[null]", "[5]", "true"]
METADATA = [
    "5",
    '"x"',
    "[]",
    '{"a": 1}',
    '{"a": null}',
    '{"a": {}}',
    '{"": "x"}',
    '{"%s": "x"}' % ("k" * 41),
    '{"a": "%s"}' % ("x" * 501),
    json.dumps({str(n): "" for n in range(51)}),
    r'{"a": "\u0000"}',
    r'{"\u0000": "a"}',
    '{"a": "1", "a": "2"}',
]


def name(line: Route) -> str:
    return f"{line.method} {line.path}"


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Where each value stands, and what it is; a list of texts stands for itself."""
    if isinstance(value, dict) and path[-1:] != ("metadata",):
        for member in value:
            yield from leaves(value[member], (*path, member))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield path, value
        yield from leaves(value[0], (*path, 0))
    else:
        yield path, value


def with_token(body: Any, path: tuple[Any, ...], token: str) -> bytes:
    """The body, with the raw token in that place."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = "@@@"
    return json.dumps(copy).replace('"@@@"', token).encode("utf-8", "surrogatepass")


def hostile(member: str, value: Any) -> list[str]:
    """The tokens that never fit into a member that holds this value."""
    if "currency" in member:
        return [each for each in CURRENCIES if each != '""' or member not in {"settle_currency", "commission_currency"}]
    match value:
        case bool():
            return ["1", "0", '"true"', "null", "[]"]
        case int():
            return [*NUMBERS, "null"] if member != "amount" else NUMBERS
        case str():
            return TEXTS
        case dict():
            return METADATA
        case _:
            return LISTS


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Street]:
    """One for all: nothing is let through, so nothing changes."""
    path = tmp_path_factory.mktemp("street") / "handfast.db"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}", Street) as street:
        yield street


def send(street: Street, line: Route, content: bytes) -> httpx.Response:
    who = "house" if line.scope == "operate" else "market"
    return street.api.post_raw(who, line.path.replace("{id}", "abc"), content)


def state(street: Street) -> list[int]:
    tables = ("events", "entries", "payments", "parties", "api_clients", "endpoints", "claims", "disputes", "evidence")
    return [street.count(table) for table in tables]


@pytest.mark.parametrize("line", WRITES, ids=name)
def test_every_field_refuses_what_does_not_fit(street: Street, line: Route) -> None:
    body = sample(line.body, street)
    before = state(street)
    if "{id}" in line.path:
        line = Route(**{**as_dict(line), "path": line.path.replace("{id}", known_id(line))})
    for path, value in leaves(body):
        member = next(step for step in reversed(path) if isinstance(step, str))
        for n, token in enumerate(hostile(member, value)):
            for item in body.get("payments", []):
                item["idempotency_key"] = f"{path} {n}".replace(" ", "")
            status, code, param = told(send(street, line, with_token(body, path, token)))
            assert CODES[code] in (Invalid, NotFound), (path, token, code)
            assert status in (400, 404), (path, token)
            if isinstance(value, int) and not isinstance(value, bool) and status == 400 and code != "body_malformed":
                assert param, (path, token)
                assert code in {"amount_invalid", "amount_too_large", "field_invalid"}, (path, token)
    assert state(street) == before


def told(answer: httpx.Response) -> tuple[int, str, str | None]:
    """The error of an answer, or of a batch's first item."""
    if answer.status_code != 200:
        return error(answer)
    item = answer.json()["data"][0]
    return item["status"], item["error"]["code"], item["error"]["param"]


def as_dict(line: Route) -> dict[str, Any]:
    return {field: getattr(line, field) for field in Route.__struct_fields__}


def known_id(line: Route) -> str:
    return f"{PREFIXES[line.kind]}_{'0' * 26}"


@pytest.mark.parametrize("line", WRITES, ids=name)
def test_every_object_refuses_members_that_it_does_not_have(street: Street, line: Route) -> None:
    body = sample(line.body, street)
    before = state(street)
    line = Route(**{**as_dict(line), "path": line.path.replace("{id}", known_id(line) if line.kind else "")})
    for inner, place in objects(body):
        for extra in ("id", "state", "created", "__class__", "x" * 500, "a\u0000"):
            inner[extra] = 1
            answer = send(street, line, json.dumps(body).encode())
            status, code, param = told(answer)
            del inner[extra]
            assert (status, code) == (400, "field_unknown")
            # A payment of a batch is refused as if it had been asked for alone.
            alone = answer.status_code == 200
            assert (param or "").startswith(place.removeprefix("payments[0]").removeprefix(".") if alone else place)
            assert len(param or "") <= 100
    assert state(street) == before


def objects(body: dict[str, Any], place: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Each object of a body, and where it stands."""
    yield body, place
    for member in ("lines", "payments", "shares"):
        for n, inner in enumerate(body.get(member, [])):
            yield from objects(inner, f"{place + '.' if place else ''}{member}[{n}]")


@pytest.mark.parametrize("line", WRITES, ids=name)
def test_every_required_member_is_missed_by_name(street: Street, line: Route) -> None:
    body = sample(line.body, street)
    line = Route(**{**as_dict(line), "path": line.path.replace("{id}", known_id(line) if line.kind else "")})
    for field in fields(line.body):
        if field.required:
            lacking = {member: value for member, value in body.items() if member != field.name}
            assert error(send(street, line, json.dumps(lacking).encode())) == (400, "field_missing", field.name)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"5",
        b"null",
        b'"x"',
        b'{"currency":"USD","amount":1}{}',
        b'{"currency":"USD",}',
        b"{'currency':'USD'}",
        b'\xef\xbb\xbf{"currency":"USD"}',
        b'{"currency":"U\xffD"}',
        b'{"currency":"\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"lines":' * 10_000,
        '{"currency":"USD"}'.encode("utf-16"),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_what_is_no_json_object_is_malformed(street: Street, content: bytes) -> None:
    answer = street.api.post_raw("market", "/v1/payments", content)
    assert error(answer)[:2] in {(400, "body_malformed"), (400, "lines_invalid")}


@pytest.mark.parametrize(
    "content",
    [
        '{"currency":"USD","amount":1,"amount":2}',
        r'{"currency":"USD","amount":1,"\u0061mount":2}',
        '{"currency":"USD","amount":1,"metadata":{"a":"1","b":"2","a":"3"}}',
        '{"currency":"USD","amount":1,"lines":[{"seller":"x","amount":1,"amount":1}]}',
    ],
)
def test_a_member_comes_once(street: Street, content: str) -> None:
    assert error(street.api.post_raw("market", "/v1/payments", content.encode())) == (400, "body_malformed", None)


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [("JPY", 1.5, "amount_invalid"), ("KWD", 1.2345, "amount_invalid"), ("USD", 0.1, "amount_invalid")],
)
def test_no_fractions_of_minor_units(street: Street, currency: str, amount: float, code: str) -> None:
    answer = street.api.try_post("market", "/v1/payments", {"currency": currency, "amount": amount})
    assert error(answer) == (400, code, "amount")


def test_a_body_of_more_than_a_mebibyte_is_too_large(street: Street) -> None:
    frame = b'{"currency":"USD","amount":1,"description":"%s"}'
    big = frame % (b"x" * (BODY_BYTES - len(frame) + 2))
    assert len(big) == BODY_BYTES
    assert error(street.api.post_raw("market", "/v1/payments", big)) == (400, "text_invalid", "description")
    too_big = big + b" "
    answer = street.api.post_raw("market", "/v1/payments", too_big)
    assert error(answer) == (413, "body_too_large", None)
    assert answer.headers["connection"] == "close"

    async def without_length() -> Any:
        for start in range(0, len(too_big), 100_000):
            yield too_big[start : start + 100_000]

    answer = street.api.send(
        "POST", "/v1/payments", "market", content=without_length(), headers={"content-type": "application/json"}
    )
    assert error(answer) == (413, "body_too_large", None)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_json_comes_as_json(street: Street, media_type: str) -> None:
    answer = street.api.post_raw("market", "/v1/payments", b'{"currency":"USD","amount":1}', media_type)
    assert error(answer) == (400, "body_malformed", "Content-Type")


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("limit=0", "field_invalid", "limit"),
        ("limit=101", "field_invalid", "limit"),
        ("limit=1e1", "field_invalid", "limit"),
        ("limit=%C2%B2", "field_invalid", "limit"),
        ("limit=" + "9" * 5000, "field_invalid", "limit"),
        ("limit=", "field_invalid", "limit"),
        ("limit=1&limit=2", "field_invalid", "limit"),
        ("starting_after=x", "cursor_invalid", "starting_after"),
        ("ending_before=evt_" + "0" * 26, "cursor_invalid", "ending_before"),
        (f"starting_after=pay_{'0' * 26}&ending_before=pay_{'0' * 26}", "cursor_invalid", "ending_before"),
        ("state=%00", "text_invalid", "state"),
        ("colour=blue", "field_unknown", "colour"),
        ("&".join(f"a{n}=1" for n in range(51)), "field_invalid", "query"),
    ],
)
def test_queries_are_checked(street: Street, query: str, code: str, param: str) -> None:
    assert error(street.api.send("GET", f"/v1/payments?{query}", "market")) == (400, code, param)


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é", "\x7f", "a\tb"])
def test_idempotency_keys_are_checked(street: Street, key: str) -> None:
    answer = street.api.send(
        "POST",
        "/v1/payments",
        "market",
        content=b"{}",
        headers={"idempotency-key": key.encode("utf-8").decode("latin-1").encode("latin-1")},
    )
    assert error(answer) == (400, "idempotency_key_invalid", "Idempotency-Key")


@pytest.mark.parametrize("body", ["", "<", "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "{}"])
def test_statements_are_checked(street: Street, body: str) -> None:
    before = state(street)
    answer = street.api.post_raw("house", "/v1/statements", body.encode(), "application/xml")
    status, code, _ = error(answer)
    assert (status, CODES[code]) == (400, Invalid)
    assert state(street) == before
