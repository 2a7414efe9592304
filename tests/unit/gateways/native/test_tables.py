"""The tables that the gateway is made of say something about everything they have to."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from handfast.core.errors import CODES, KINDS, refusal
from handfast.domain.parties import SCOPES
from handfast.gateways.native import openapi
from handfast.gateways.native.calls import Route
from handfast.gateways.native.errors import STATUS, STATUS_BY_CODE, error_of, status_of
from handfast.gateways.native.gateway import TABLE
from handfast.gateways.native.prefixes import PREFIXES, parse_kind, show
from handfast.gateways.native.showing import EVENT_ROWS, RENDER
from handfast.gateways.native.wallets import SOURCES

SOURCE = Path(__file__).parents[4] / "src/handfast"
DOCUMENT = json.loads(openapi.document(TABLE))
OBJECT = bytes(range(13)) + bytes(3)
DERIVED = bytes(range(16))


def test_every_kind_of_refusal_has_a_status_and_a_type() -> None:
    assert list(STATUS) == list(KINDS)
    assert [status for status, _ in STATUS.values()] == [400, 401, 402, 403, 404, 409, 413, 503]
    assert len({type_ for _, type_ in STATUS.values()}) == len(KINDS)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_kinds_status(code: str) -> None:
    no = refusal(code, "no", "field")
    assert status_of(no) == STATUS_BY_CODE.get(code, STATUS[CODES[code]][0])
    told = error_of(no, OBJECT)
    assert (told.code, told.param, told.request_id) == (code, "field", show("request", OBJECT))


def domain_calls(*names: str) -> Iterator[ast.Call]:
    """Calls in the domain of functions or methods of these names."""
    for path in sorted((SOURCE / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in names:
                yield node


def test_every_event_of_the_domain_can_be_shown() -> None:
    texts = [
        part.value
        for call in domain_calls("event", "keep", "keep_payment", "keep_party", "keep_line")
        for argument in call.args
        for part in (argument.values if isinstance(argument, ast.JoinedStr) else [argument])
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value
    ]
    assert len(texts) > 20
    assert {text.partition(".")[0] for text in texts} == EVENT_ROWS.keys()
    assert set(EVENT_ROWS.values()) <= RENDER.keys()


def test_every_kind_of_entry_has_a_source() -> None:
    kinds = {
        argument.value
        for call in domain_calls("Entry", "booking")
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    assert kinds == SOURCES.keys()
    assert set(SOURCES.values()) <= PREFIXES.keys()


def test_prefixes_are_three_letters_and_one_kinds_own() -> None:
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    assert all(len(prefix) == 3 and prefix.isalpha() and prefix.islower() for prefix in PREFIXES.values())


def test_ids_are_read_as_they_are_shown() -> None:
    for key in (OBJECT, DERIVED):
        assert parse_kind("payment", show("payment", key)) == key
        assert parse_kind("trade", show("payment", key)) is None


def test_routes_are_unlike_and_need_scopes_that_exist() -> None:
    assert len({(line.method, line.path) for line in TABLE}) == len(TABLE)
    for line in TABLE:
        assert set((line.scope or "read").split()) <= SCOPES.keys(), line.path
        assert line.says.endswith("."), line.path
        assert ("{id}" in line.path) == bool(line.kind), line.path
        assert (line.method == "POST") == bool(line.body or line.media_type), line.path
    public = ["/v1/keys", "/v1/heads", "/v1/heads/{id}", "/v1/heads/{id}/consistency", "/v1/openapi.json"]
    assert [line.path for line in TABLE if line.scope is None] == public


def test_the_document_is_openapi_and_tells_of_every_route() -> None:
    validate(DOCUMENT)
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == {(line.method, line.path) for line in TABLE}
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(TABLE)
    assert set(DOCUMENT["components"]["responses"]) == {str(status) for status, _ in STATUS.values()}


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line.method} {line.path}")
def test_every_body_and_answer_has_a_schema_without_floats(line: Route) -> None:
    operation = DOCUMENT["paths"][line.path][line.method.lower()]
    assert operation["summary"]
    assert ("requestBody" in operation) == (line.method == "POST")
    assert '"type": "number"' not in json.dumps(DOCUMENT["components"]["schemas"])
    if line.body is not None:
        shape = DOCUMENT["components"]["schemas"][line.body.__name__]
        assert shape["additionalProperties"] is False
