"""OpenAPI v3 under /v3/: JSON comes and goes, signatures stand in headers, refusals have an HTTP status."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from msgspec import Struct

from handfast.core.clocks import SECOND
from handfast.core.errors import Refusal
from handfast.core.ids import Id, entropy
from handfast.core.json_text import BadJson, Json, read_object
from handfast.gateways.alipay import v3
from handfast.gateways.alipay.aes import decrypt, encrypt
from handfast.gateways.alipay.callers import Caller, Callers, check_certificates
from handfast.gateways.alipay.calls import Call, Method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.envelope import compact
from handfast.gateways.alipay.forms import MOST_BYTES, MOST_OFF, MOST_PARAMETERS
from handfast.gateways.alipay.house import House
from handfast.gateways.alipay.methods import METHODS
from handfast.gateways.alipay.refusals import TRADES, refused
from handfast.gateways.alipay.serving import Outcome, check_product, given_of, run
from handfast.gateways.alipay.v3 import Headers
from handfast.services import Services

PATHS: Mapping[bytes, Method] = {f"/v3/{name.replace('.', '/')}".encode(): line for name, line in METHODS.items()}
"""The method of each path."""


class Asked(Struct, frozen=True):
    """An HTTP request: path and query as they were sent, headers by their names in small letters."""

    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def target(self) -> bytes:
        """Path and query."""
        return self.path + (b"?" + self.query if self.query else b"")

    def header(self, name: str) -> str:
        """A header's text, or nothing."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


class Said(Struct, frozen=True):
    """What goes back."""

    status: int
    headers: Headers
    body: bytes


class _Manner(Struct):
    """How the answer will be written."""

    cert_sn: str = ""
    aes_key: bytes | None = None


class Protocol3:
    """Answers requests of OpenAPI v3."""

    def __init__(self, services: Services, callers: Callers) -> None:
        self._services = services
        self._callers = callers

    async def answer(self, house: House, asked: Asked, request: Id, base_url: str) -> Said:
        """The answer to a request; never raises a refusal."""
        manner = _Manner()
        status = 200
        try:
            outcome = await self._run(house, asked, manner, request, base_url)
            if outcome.location:
                return Said(302, [(b"location", outcome.location.encode())], b"")
            body = compact(outcome.fields).encode()
        except Refused as no:
            status, body = no.status, v3.error_body(no)
        except Refusal as no:
            said = refused(TRADES, no)
            status, body = said.status, v3.error_body(said)
        return self.signed(house, manner, status, body, request)

    async def _run(self, house: House, asked: Asked, manner: _Manner, request: Id, base_url: str) -> Outcome:
        if len(asked.body) + len(asked.query) > MOST_BYTES:
            raise Refused("isv.invalid-parameter", f"a request has at most {MOST_BYTES} bytes")
        authorization = v3.read_authorization(asked.header("authorization"))
        if abs(authorization.timestamp * 1000 - self._services.wall()) > MOST_OFF:
            raise Refused("isv.invalid-timestamp", "timestamp is the time in milliseconds, no more than a day off")
        caller = await self._callers.find(authorization.app_id)
        token = asked.header("alipay-app-auth-token")
        text = v3.request_text(authorization, asked.method, asked.target, asked.body, token)
        if not v3.verify_request(caller.key, text, authorization):
            told = f"the signature does not fit. The string to sign is: {text[:8000].decode('utf-8', 'replace')}"
            raise Refused("isv.invalid-signature", told)
        if authorization.app_cert_sn:
            check_certificates(house, caller, authorization.app_cert_sn, asked.header("alipay-root-cert-sn"))
            manner.cert_sn = house.cert_sn
        line = PATHS.get(asked.path)
        if line is None:
            raise Refused("isv.invalid-method")
        check_product(line, caller.products)
        biz = _biz(asked, caller, manner)
        call = Call(
            self._services,
            request,
            caller,
            given_of(line, biz),
            {"method": line.name, "charset": "utf-8", "sign_type": "RSA2"},
            notify_url=_text(biz, "notify_url"),
            return_url=_text(biz, "return_url"),
            auth_token=_text(biz, "auth_token"),
            base_url=base_url,
        )
        return await run(line, call)

    def unavailable(self, house: House, request: Id) -> Said:
        """What a request hears of a fault that nobody expected."""
        no = Refused("aop.unknow-error")
        return self.signed(house, _Manner(), no.status, v3.error_body(no), request)

    def signed(self, house: House, manner: _Manner, status: int, body: bytes, request: Id) -> Said:
        """An answer with the headers that sign it."""
        media_type = b"application/json;charset=utf-8"
        if manner.aes_key is not None and status < 400:  # the SDK reads refusals as plain JSON
            body, media_type = encrypt(body.decode(), manner.aes_key).encode(), b"text/plain;charset=utf-8"
        now = self._services.wall() * 1000 // SECOND
        headers = v3.answer_headers(house.key, body, now, entropy(16).hex(), request.hex(), manner.cert_sn)
        return Said(status, [(b"content-type", media_type), *headers], body)


def _biz(asked: Asked, caller: Caller, manner: _Manner) -> Mapping[str, Json]:
    """The business parameters: the JSON in the body, beside those in the query. Raises Refused."""
    try:
        query = dict(parse_qsl(asked.query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS))
        text = asked.body.decode()
    except ValueError:
        raise Refused("isv.invalid-parameter", "query and body are percent-encoded and plain UTF-8") from None
    encrypt_type = asked.header("alipay-encrypt-type")
    if encrypt_type:
        if encrypt_type != "AES":
            raise Refused("isv.decryption-error-not-valid-encrypt-type")
        if caller.aes_key is None:
            raise Refused("isv.decryption-error-not-valid-encrypt-key")
        text = decrypt(text, caller.aes_key) if text else ""
        manner.aes_key = caller.aes_key
    try:
        return {**query, **(read_object(text) if text else {})}
    except BadJson as fault:
        raise Refused("isv.illegal-json", f"the body is not read: {fault}") from None


def _text(biz: Mapping[str, Json], name: str) -> str:
    found = biz.get(name)
    return found if isinstance(found, str) else ""
