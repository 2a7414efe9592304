"""The page on which a merchant's developer checks a signature: what is signed, and which mistake was made."""

from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handfast.core.errors import Invalid, TooLarge
from handfast.pages.shell import form, page

PATH = "/alipay/check"


class Explained(Protocol):
    """What was found."""

    @property
    def mistake(self) -> str:
        """A stable word; "none" where the signature fits."""

    @property
    def message(self) -> str:
        """A sentence."""

    @property
    def expected(self) -> str:
        """The string that should be signed."""


Examine = Callable[[str, str, bool], Explained]
"""Explains a text by a public key; the last says whether it is a notification. Raises Invalid."""


def selftest_routes(examine: Examine) -> list[Route]:
    """The page's routes. It keeps nothing, and shows nothing that is not in what was pasted."""

    async def show(request: Request) -> Response:
        return page(request, "selftest.html", **_given(), sandbox=False)

    async def check(request: Request) -> Response:
        try:
            given = await form(request)
        except (Invalid, TooLarge) as no:
            return page(request, "selftest.html", 400, **_given(refused=no.message), sandbox=False)
        text, key, kind = (given.get(name, "") for name in ("text", "key", "kind"))
        told = _given(text=text, key="" if "PRIVATE" in key else key, kind=kind)
        try:
            found = examine(text, key, kind == "notice")
        except Invalid as no:
            return page(request, "selftest.html", 400, **told | {"refused": no.message}, sandbox=False)
        return page(request, "selftest.html", **told | {"found": found}, sandbox=False)

    return [Route(PATH, show), Route(PATH, check, methods=["POST"])]


def _given(text: str = "", key: str = "", kind: str = "request", refused: str = "") -> dict[str, Any]:
    return {"text": text, "key": key, "kind": kind, "refused": refused, "found": None, "at": PATH}
