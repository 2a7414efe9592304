"""The short way of POST /v1/payments: from a request's headers and body to the desk's request, and back, at one go.

It takes what is plain and in order, from a caller who is remembered; whatever else comes is left to the ordinary way,
which alone knows how to refuse it. Both use the same parts, so that nobody can tell which way an answer came.
"""

from collections.abc import Iterable

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain import payments
from handfast.gateways.native.agreed import NOTHING
from handfast.gateways.native.auth import Caller, Doorkeeper
from handfast.gateways.native.body import decoder
from handfast.gateways.native.errors import error_body, error_headers, status_of
from handfast.gateways.native.idempotency import fingerprint, operation_id
from handfast.gateways.native.selling import PAYMENTS_PATH, new_payment
from handfast.gateways.native.showing import encode, show_row
from handfast.gateways.native.wire import NewPayment
from handfast.store.verb import Answer, Request

PATH = PAYMENTS_PATH.encode()
"""The target of a request that may go this way."""

Headers = Iterable[tuple[bytes, bytes]]
"""Names in small letters, and values."""

_READ = frozenset({b"authorization", b"content-type", b"idempotency-key", b"transfer-encoding"})
_PLAIN = b"application/json"
_ALWAYS = ((b"content-type", _PLAIN), (b"cache-control", b"no-store"))
_decode = decoder(NewPayment)


class Quick:
    """The short way past one door."""

    def __init__(self, door: Doorkeeper) -> None:
        self._door = door

    def ask(self, headers: Headers, body: bytes, request: Id) -> tuple[Request, Caller] | None:
        """What the desk is asked, and for whom; None where the ordinary way has to be taken."""
        given = [(name, value) for name, value in headers if name in _READ]
        found = dict(given)
        caller = self._door.remembered(found.get(b"authorization", b""))
        if caller is None or len(found) < len(given) or b"transfer-encoding" in found:
            return None
        if found.get(b"content-type") != _PLAIN:
            return None
        key = found.get(b"idempotency-key")
        try:
            caller.need("payments")
            operation = None if key is None else operation_id(caller.party, key.decode("latin-1"))
            payment = _decode(body)
            if payment.lines:  # to show what was agreed for each, policies have to be read
                return None
            command = new_payment(caller.party, payment)
        except Refusal:
            return None
        mark = b"" if operation is None else fingerprint(PAYMENTS_PATH, payment)
        return Request(payments.create.name, command, caller.actor, request, operation, mark), caller


def told(answer: Answer, caller: Caller, request: Id) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body that the desk's answer becomes."""
    no = answer.refusal
    headers: list[tuple[bytes, bytes]] = []
    if no is None:
        status, body = 200, encode(show_row(answer.result, NOTHING, caller.sees))
    else:
        status, body = status_of(no), error_body(no, request)
        headers += error_headers(status)
    if answer.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    headers += (*_ALWAYS, (b"content-length", b"%d" % len(body)))
    return status, headers, body
