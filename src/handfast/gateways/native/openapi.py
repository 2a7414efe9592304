"""The OpenAPI 3.1 document, made from the table of routes and the types that it names."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from msgspec import json
from msgspec.json import schema_components
from msgspec.structs import fields

from handfast.gateways.native.calls import Reply, Route
from handfast.gateways.native.errors import ErrorAnswer
from handfast.gateways.native.prefixes import PREFIXES

_REF = "#/components/schemas/{name}"
_ERROR = {"$ref": _REF.format(name="ErrorAnswer")}
_JSON = "application/json"
_WORDS = {
    400: "The request is wrong; sending it again will not help.",
    401: "No valid API key came with it.",
    402: "The money rule says no.",
    403: "The key lacks the scope, or the party is suspended.",
    404: "There is no such object, or none that this key may see.",
    409: "The object's state, or an earlier request, stands against it.",
    413: "The body is more than 1 MiB or, for evidence, 7.5 MiB; or a file more than 5 MiB.",
    503: "Not now; the outcome may be unknown: ask again with the same idempotency key.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 visible ASCII characters. The same key again gets the same answer; nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


@cache
def document(table: tuple[Route, ...]) -> bytes:
    """The document, as JSON."""
    return json.encode(_document(table), order="sorted")


def _document(table: tuple[Route, ...]) -> dict[str, Any]:
    bodies = [line.body for line in table if line.body is not None]
    answers = [line.answer for line in table if line.answer is not Reply]
    queries = [line.query for line in table if line.query is not None]
    _, schemas = schema_components([*bodies, *answers, *queries, ErrorAnswer], ref_template=_REF)
    paths: dict[str, Any] = {}
    for line in table:
        paths.setdefault(line.path, {})[line.method.lower()] = _operation(line, schemas)
    for query in queries:
        schemas.pop(query.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handfast",
            "version": "1",
            "description": "Guaranteed trades, payments and the books behind them. Amounts are minor units beside their"
            " currency, times seconds since the epoch; every list is a page; every POST takes an idempotency key.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "components": {
            "schemas": schemas,
            "responses": {
                str(status): {"description": words, "content": {_JSON: {"schema": _ERROR}}}
                for status, words in _WORDS.items()
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "hf_…, or HTTP Basic with it as user."}
            },
        },
        "paths": paths,
    }


def _operation(line: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    words = re.sub(r"[{}]", "", line.path).strip("/").split("/")[1:]
    operation: dict[str, Any] = {
        "operationId": "_".join([line.method.lower(), *words]).replace(".", "_"),
        "summary": line.says,
        "tags": [words[0]],
        "parameters": [*_parameters(line, schemas)],
        "responses": {"200": _success(line), **_failures(line)},
    }
    if line.scope is None:
        operation["security"] = []
    else:
        operation["description"] = f"Scope: {line.scope.replace(' ', ' or ')}."
    if line.body is not None:
        content = {_JSON: {"schema": {"$ref": _REF.format(name=line.body.__name__)}}}
        operation["requestBody"] = {"required": bool(_required(line.body)), "content": content}
    elif line.media_type:
        operation["requestBody"] = {"required": True, "content": {line.media_type: {"schema": {"type": "string"}}}}
    return operation


def _required(shape: Any) -> list[str]:
    return [field.encode_name for field in fields(shape) if field.required]


def _parameters(line: Route, schemas: dict[str, Any]) -> Iterable[dict[str, Any]]:
    if line.kind:
        said = " or ".join(f"the id of a {kind}: {PREFIXES[kind]}_…" for kind in line.kind.split())
        yield {
            "name": "id",
            "in": "path",
            "required": True,
            "description": said[0].upper() + said[1:],
            "schema": {"type": "string"},
        }
    if line.method == "POST":
        yield _KEY
    if line.query is not None:
        required = _required(line.query)
        for name, schema in schemas[line.query.__name__]["properties"].items():
            yield {"name": name, "in": "query", "required": name in required, "schema": schema}


def _success(line: Route) -> dict[str, Any]:
    if line.answer is Reply:
        return {"description": line.says}
    schema: dict[str, Any] = {"$ref": _REF.format(name=line.answer.__name__)}
    if line.listed:
        schema = {
            "type": "object",
            "required": ["object", "data", "has_more", "url"],
            "properties": {
                "object": {"const": "list"},
                "data": {"type": "array", "items": schema},
                "has_more": {"type": "boolean"},
                "url": {"type": "string"},
            },
        }
    return {"description": line.says, "content": {_JSON: {"schema": schema}}}


def _failures(line: Route) -> dict[str, Any]:
    statuses = set(_WORDS)
    if line.scope is None:
        statuses = set()
    elif line.method == "GET":
        statuses -= {402, 409, 413}
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
