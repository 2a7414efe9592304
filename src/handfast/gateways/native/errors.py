"""How a refusal looks on the wire: one table from its kind to HTTP status and type, and the body that carries it."""

from collections.abc import Mapping

from msgspec import Struct, json

from handfast.core import errors
from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.gateways.native.prefixes import show, unknown

STATUS: Mapping[type[Refusal], tuple[int, str]] = {
    errors.Invalid: (400, "invalid_request"),
    errors.Unauthenticated: (401, "unauthenticated"),
    errors.Declined: (402, "declined"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not_found"),
    errors.Conflict: (409, "conflict"),
    errors.TooLarge: (413, "too_large"),
    errors.Unavailable: (503, "unavailable"),
}
"""HTTP status and `type` by kind of refusal."""

STATUS_BY_CODE: Mapping[str, int] = {"method_not_allowed": 405}
"""Where HTTP has a status of its own for a code."""

_HEADERS: Mapping[int, tuple[tuple[bytes, bytes], ...]] = {
    401: ((b"www-authenticate", b'Bearer realm="handfast"'),),
    413: ((b"connection", b"close"),),
    503: ((b"retry-after", b"1"),),
}


class Error(Struct, frozen=True):
    """Why a request was refused: `code` is stable, `message` is for people, `param` names the guilty field."""

    type: str
    code: str
    message: str
    param: str | None
    request_id: str


class ErrorAnswer(Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Error


def status_of(no: Refusal) -> int:
    """The HTTP status of a refusal."""
    return STATUS_BY_CODE.get(no.code) or STATUS[type(no)][0]


def error_of(no: Refusal, request: Id) -> Error:
    """The refusal as the wire has it. All missing objects are described alike, whoever missed them."""
    if no.code == "object_not_found":
        no = unknown(no.param or "id")
    return Error(STATUS[type(no)][1], no.code, no.message, no.param, show("request", request))


def error_body(no: Refusal, request: Id) -> bytes:
    """The body of a refusal."""
    return json.encode(ErrorAnswer(error_of(no, request)))


def error_headers(status: int) -> tuple[tuple[bytes, bytes], ...]:
    """What else an answer of that status says in its headers."""
    return _HEADERS.get(status, ())
