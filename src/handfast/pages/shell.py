"""What all pages share: templates, languages, the style sheet, and the headers that fence a page in."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from handfast.core.errors import Invalid, TooLarge
from handfast.core.money import exponent, format_decimal
from handfast.pages.words import LANGUAGES, WORDS

MOST_BYTES = 64 * 1024
"""The longest form that a page takes."""

_HERE = Path(__file__).parent
_LANGUAGE = "handfast_language"

FENCE = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}
"""No script runs on any page, none is shown in another's frame, and nothing of it is kept or told on."""


@lru_cache(maxsize=1)
def style() -> tuple[str, bytes]:
    """The style sheet's path, which names its content, and its bytes."""
    content = (_HERE / "static/style.css").read_bytes()
    return f"/pages/{sha256(content).hexdigest()[:16]}.css", content


@lru_cache(maxsize=1)
def icon() -> tuple[str, bytes]:
    """The same of the mark that stands for Handfast."""
    content = (_HERE / "static/mark.svg").read_bytes()
    return f"/pages/{sha256(content).hexdigest()[:16]}.svg", content


def static_routes() -> list[Route]:
    """The routes of what pages load: each is kept for good, since its path changes with it."""
    return [_static(*style(), "text/css"), _static(*icon(), "image/svg+xml")]


def _static(path: str, content: bytes, kind: str) -> Route:
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}

    async def serve(_request: Request) -> Response:
        return Response(content, media_type=kind, headers=headers)

    return Route(path, serve)


@lru_cache(maxsize=1)
def templates() -> jinja2.Environment:
    """The templates of all pages."""
    loader = jinja2.FileSystemLoader(_HERE / "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def language(request: Request) -> str:
    """The language that was chosen, or the first that the browser asks for and we have; else English."""
    chosen = request.query_params.get("lang") or request.cookies.get(_LANGUAGE, "")
    wanted = [chosen, *(part.partition(";")[0] for part in request.headers.get("accept-language", "").split(","))]
    found = (tag.strip().lower().partition("-")[0] for tag in wanted[:20])
    return next((tag for tag in found if tag in LANGUAGES), "en")


def page(request: Request, template: str, status: int = 200, **given: Any) -> Response:
    """A page from a template, in the request's language."""
    tongue = language(request)
    said = Said(tongue)
    text = (
        templates()
        .get_template(template)
        .render(
            **given,
            said=said,
            language=tongue,
            languages={tag: LANGUAGES[tag] for tag in LANGUAGES if tag != tongue},
            style=style()[0],
            path=given.get("at") or request.url.path,
            icon=icon()[0],
            amount=said.amount,
        )
    )
    answer = HTMLResponse(text, status, FENCE)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(_LANGUAGE, tongue, max_age=365 * 86_400, httponly=True, samesite="lax")
    return answer


class Said:
    """The words of one language: `said.pay_now`, and `said("declined_x")` for a name that is put together."""

    def __init__(self, tongue: str) -> None:
        self._place = list(LANGUAGES).index(tongue)
        self._tongue = tongue

    def __getattr__(self, name: str) -> str:
        if name not in WORDS:
            raise AttributeError(name)
        return self(name)

    def __call__(self, name: str) -> str:
        """The words of that name. Raises KeyError."""
        return WORDS[name][self._place]

    def amount(self, value: int, currency: str) -> str:
        """Minor units as people write them there: 1,234.50, or 1.234,50."""
        whole, _, decimals = format_decimal(value, currency).partition(".")
        german = self._tongue == "de"
        grouped = f"{int(whole):,}".replace(",", "." if german else ",")
        return f"{grouped}{',' if german else '.'}{decimals}" if exponent(currency) else grouped


async def form(request: Request) -> Mapping[str, str]:
    """The fields of a form that was sent in. Raises Invalid(body_malformed), TooLarge(body_too_large)."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise TooLarge("body_too_large", f"a form has at most {MOST_BYTES} bytes")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Invalid("body_malformed", "send the form as a browser does")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError:
        raise Invalid("body_malformed", "the form cannot be read") from None
