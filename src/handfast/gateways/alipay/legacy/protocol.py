"""The first interface at /gateway.do: parameters signed with MD5 or RSA come, XML goes, or a browser goes on."""

import re

from handfast.core.errors import Refusal
from handfast.core.ids import Id, owner_of
from handfast.domain.checkouts import CHECKOUTS
from handfast.gateways.alipay import forms
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.forms import Form
from handfast.gateways.alipay.house import House
from handfast.gateways.alipay.legacy.answers import REFUSALS, No, document, no, yes
from handfast.gateways.alipay.legacy.partners import GATEWAY, check_signature, find, sign
from handfast.gateways.alipay.legacy.services import SERVICES, Ask
from handfast.gateways.alipay.wire import BadField
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.rows import EVENTS

_SERVICE = re.compile(rb"(?:^|&)service=")
_METHOD = re.compile(rb"(?:^|&)method=")
_NOTIFY_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ADDRESS = re.compile(r"(?:https?://[^\s\x00-\x1f\x7f]{1,1024})?", re.IGNORECASE)

Answer = tuple[str, bytes, str]
"""Where a browser goes on or nothing; a body; and its media type."""


def is_legacy(query: bytes, body: bytes) -> bool:
    """Whether a request names a service, and no method."""
    return any(map(_SERVICE.search, (query, body))) and not any(map(_METHOD.search, (query, body)))


class Legacy:
    """Answers requests of the first interface."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, house: House, query: bytes, body: bytes, content_type: bytes, request: Id) -> Answer:
        """The answer to a request; never raises a refusal."""
        charset = "utf-8"
        try:
            form = forms.read(query, body, content_type, b"_input_charset")
            charset = form.charset
            if form.params.get("service") == "notify_verify":
                return "", b"true" if await self._told_of(form) else b"false", "text/plain"
            location, xml = await self._run(house, form, request)
            return location, document(xml, charset), "text/xml"
        except Refused as fault:
            error = "ILLEGAL_CHARSET" if fault.sub_code == "isv.invalid-charset" else "ILLEGAL_ARGUMENT"
        except BadField:
            error = "ILLEGAL_ARGUMENT"
        except No as fault:
            error = fault.error
        except Refusal as fault:
            error = REFUSALS[fault.code]
        return "", document(no(error), charset), "text/xml"

    async def _run(self, house: House, form: Form, request: Id) -> tuple[str, str]:
        params = form.params
        partner = await find(self._services, params.get("partner", ""))
        sign_type = check_signature(partner, form.raw, md5_allowed=self._services.settings.alipay_md5)
        serve = SERVICES.get(params.get("service", ""))
        if serve is None:
            raise No("ILLEGAL_SERVICE")
        if not all(_ADDRESS.fullmatch(params.get(name, "")) for name in ("notify_url", "return_url")):
            raise No("ILLEGAL_ARGUMENT")
        manner = {"service": params["service"], "charset": form.charset, "sign_type": sign_type}
        told = await serve(Ask(self._services, request, partner, params, manner))
        if told.location:
            return told.location, ""
        signed = sign(partner, house.key, told.fields, sign_type, form.charset) if told.fields else ""
        asked = {name: text for name, text in params.items() if name not in ("sign", "sign_type")}
        return "", yes(asked, told.name, told.fields, signed, sign_type)

    async def _told_of(self, form: Form) -> bool:
        """Whether a notification of that number was of the partner's own trade."""
        partner = await find(self._services, form.params.get("partner", ""))
        notify_id = form.params.get("notify_id", "")

        def look(reader: Reader) -> bool:
            event = get(reader, EVENTS, bytes.fromhex(notify_id)) if _NOTIFY_ID.fullmatch(notify_id) else None
            checkout = get(reader, CHECKOUTS, owner_of(event.id)) if event else None
            return checkout is not None and checkout.app == partner.app.id and checkout.gateway == GATEWAY

        return await self._services.read.short(look)
