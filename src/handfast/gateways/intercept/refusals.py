"""How the front itself says no: a table of stable codes with their HTTP status, and the answer that carries one."""

from collections.abc import Mapping
from http import HTTPStatus

import h11
from msgspec import json

REFUSALS: Mapping[str, int] = {
    "request_malformed": 400,
    "address_refused": 403,
    "host_refused": 403,
    "port_refused": 403,
    "request_timed_out": 408,
    "body_too_large": 413,
    "host_mismatch": 421,
    "headers_too_large": 431,
    "name_unknown": 502,
    "upstream_malformed": 502,
    "upstream_unreachable": 502,
    "upstream_timed_out": 504,
    "loop_detected": 508,
}
"""HTTP status by code; docs/intercept.md says when each is given."""


class Refused(Exception):
    """A named no; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = REFUSALS[code]


def answer(no: Refused) -> tuple[h11.Response, bytes]:
    """The head and the body of the answer; whoever is refused is hung up on."""
    body = json.encode({"error": {"code": no.code, "message": no.message}})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    return h11.Response(status_code=no.status, headers=headers, reason=HTTPStatus(no.status).phrase.encode()), body
