"""Running a method: from business parameters to an answer's fields or a refusal, whatever the protocol's version."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from handfast.core.errors import Refusal
from handfast.core.json_text import Json
from handfast.gateways.alipay.calls import Call, Method, Redirect, Waiting
from handfast.gateways.alipay.codes import SUCCESS, WAITING, Refused
from handfast.gateways.alipay.envelope import Fields
from handfast.gateways.alipay.refusals import bad_field, refused
from handfast.gateways.alipay.wire import BadField, read


class Outcome(Struct, frozen=True):
    """What became of a call: fields under a code (none, where there are only fields), or where a browser goes on."""

    fields: Fields
    code: str = SUCCESS
    location: str = ""


def check_product(table_line: Method, products: frozenset[str]) -> None:
    """Raises Refused(isv.insufficient-isv-permissions) where the app may not use the method's product."""
    if table_line.product and table_line.product not in products:
        words = f"this app lacks the permission {table_line.product!r}, which {table_line.name} needs"
        raise Refused("isv.insufficient-isv-permissions", words)


def given_of(table_line: Method, biz: Mapping[str, Json]) -> Any:
    """The checked business parameters. Raises Refused."""
    try:
        return read(table_line.given, biz)
    except BadField as fault:
        raise bad_field(table_line.refusals, str(fault)) from None


async def run(table_line: Method, call: Call[Any]) -> Outcome:
    """Run the method. Raises Refused for every kind of no."""
    try:
        answer = await table_line.run(call)
    except Refusal as no:
        raise refused(table_line.refusals, no) from no
    if isinstance(answer, Redirect):
        return Outcome({}, location=answer.location)
    if isinstance(answer, Waiting):
        return Outcome(fields_of(answer.answer), WAITING)
    return Outcome(fields_of(answer), "" if table_line.bare else SUCCESS)


def fields_of(answer: Struct) -> Fields:
    """The fields of an answer's struct, structs in it as well."""
    return {name: _plain(value) for name, value in structs.asdict(answer).items()}


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or value is None:
        return value
    if isinstance(value, Struct):
        return fields_of(value)
    return [_plain(item) for item in value] if kind in (list, tuple) else value
