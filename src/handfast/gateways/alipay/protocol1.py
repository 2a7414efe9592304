"""Protocol 1.0 at /gateway.do: a form comes, a signed envelope goes; refusals look like answers, and are signed too."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.core.json_text import Json
from handfast.gateways.alipay import envelope, forms
from handfast.gateways.alipay.callers import Caller, Callers, check_certificates
from handfast.gateways.alipay.calls import Call
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.explain import explain
from handfast.gateways.alipay.forms import Form
from handfast.gateways.alipay.house import House
from handfast.gateways.alipay.methods import METHODS
from handfast.gateways.alipay.refusals import TRADES, refused
from handfast.gateways.alipay.serving import Outcome, check_product, given_of, run
from handfast.gateways.alipay.signing import verify_request
from handfast.services import Services


class Said(Struct, frozen=True):
    """What goes back: a body, or where a browser goes on."""

    body: bytes = b""
    location: str = ""


class _Manner(Struct):
    """How the answer will be written; what is not known yet is as the simplest app has it."""

    method: str
    sign_type: str = "RSA2"
    aes_key: bytes | None = None
    cert_sn: str | None = None


class Protocol1:
    """Answers requests of protocol 1.0."""

    def __init__(self, services: Services, callers: Callers) -> None:
        self._services = services
        self._callers = callers

    async def answer(
        self, house: House, query: bytes, body: bytes, content_type: bytes, request: Id, base_url: str
    ) -> Said:
        """The answer to a request; never raises a refusal."""
        manner = _Manner(envelope.named_method(query, body))
        try:
            form = forms.read(query, body, content_type)
            outcome = await self._run(house, form, manner, request, base_url)
            if outcome.location:
                return Said(location=outcome.location)
            fields = envelope.success(outcome.fields, outcome.code) if outcome.code else outcome.fields
        except Refused as no:
            fields = envelope.refusal(no)
        except Refusal as no:
            fields = envelope.refusal(refused(TRADES, no))
        return Said(_written(manner, fields, house.key))

    async def _run(self, house: House, form: Form, manner: _Manner, request: Id, base_url: str) -> Outcome:
        public = forms.public(form.params, self._services.wall())
        manner.method = public.method
        caller = await self._callers.find(public.app_id)
        self._check_signature(house, form, caller, manner)
        if public.app_cert_sn:
            check_certificates(house, caller, public.app_cert_sn, public.alipay_root_cert_sn)
            manner.cert_sn = house.cert_sn
        line = METHODS.get(public.method)
        if line is None:
            raise Refused("isv.invalid-method")
        check_product(line, caller.products)
        biz = forms.biz_content(form, public.encrypt_type, caller.aes_key)
        if public.encrypt_type:
            manner.aes_key = caller.aes_key
        given = given_of(line, _beside(form, biz) if line.loose else biz)
        came = {"method": public.method, "charset": form.charset, "sign_type": manner.sign_type}
        call = Call(
            self._services,
            request,
            caller,
            given,
            came,
            notify_url=public.notify_url,
            return_url=public.return_url,
            auth_token=public.auth_token,
            base_url=base_url,
        )
        return await run(line, call)

    def _check_signature(self, house: House, form: Form, caller: Caller, manner: _Manner) -> None:
        _, sign_type = forms.signature(form.params)
        manner.sign_type = sign_type
        if caller.app.sign_type not in ("", sign_type):
            raise Refused("isv.invalid-signature-type", f"this app signs with {caller.app.sign_type}")
        if not verify_request(form.raw, caller.key, sign_type):
            told = explain(form, caller.key, sign_type, house.key.public_key())
            raise Refused("isv.invalid-signature", told.sub_msg)


def _beside(form: Form, biz: Mapping[str, Json]) -> Mapping[str, Json]:
    """Business parameters that may stand beside biz_content, which wins."""
    return {**form.params, **biz}


def _written(manner: _Manner, fields: envelope.Fields, key: RSAPrivateKey) -> bytes:
    return envelope.answer(
        manner.method, fields, key, manner.sign_type, aes_key=manner.aes_key, cert_sn=manner.cert_sn or None
    )


def unavailable(house: House, query: bytes) -> bytes:
    """What a request hears of a fault that nobody expected: it may have been done, and is to be asked about."""
    manner = _Manner(envelope.named_method(query, b""))
    return _written(manner, envelope.refusal(Refused("aop.unknow-error")), house.key)
