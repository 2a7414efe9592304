"""The demo's pages beside the running API: the report, the list of orders, and each order's whole life."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from handfast.core.errors import NotFound
from handfast.core.ids import Id
from handfast.domain.exchange import QUOTES
from handfast.domain.payments import PAYMENTS, lines_of
from handfast.domain.trades import trades_of
from handfast.gateways.native.prefixes import read, show
from handfast.sandbox.life import Names, life
from handfast.sandbox.report import pages
from handfast.services import Services
from handfast.store.reader import Reader, find, get

PAGE = 50
KINDS = {
    "all": "",
    "with a claim": "id IN (SELECT payment FROM claims)",
    "with a dispute": "id IN (SELECT payment FROM disputes)",
    "appealed": "id IN (SELECT payment FROM disputes WHERE appealed_by <> '')",
    "in parts": "id IN (SELECT payment FROM trades WHERE milestone > 0)",
    "given back after release": "id IN (SELECT payment FROM trades WHERE returned > 0)",
    "partly given back": "refunded > 0 AND refunded < captured",
    "declined first": "attempt > 0 AND captured > 0",
    "never paid": "state = 'cancelled'",
    "of several shops": "id IN (SELECT payment FROM trades GROUP BY payment HAVING count(DISTINCT seller) > 2)",
}
"""What the list of orders can be narrowed to: words and SQL."""


def routes(services: Services, report: str) -> list[Route]:
    """The routes of the demo's pages."""
    templates = pages()
    templates.filters["moment"] = _moment
    templates.filters["short"] = _short
    templates.globals["show"] = show

    async def home(_request: Request) -> Response:
        return RedirectResponse("/demo/")

    async def main(_request: Request) -> Response:
        return HTMLResponse(report)

    async def orders(request: Request) -> Response:
        kind = request.query_params.get("kind", "all")
        after = read("payment", request.query_params["after"]) if "after" in request.query_params else b""
        found = await services.read.long(lambda reader: _orders(reader, Names(reader, services.vault), kind, after))
        return HTMLResponse(templates.get_template("orders.html").render(kind=kind, kinds=list(KINDS), **found))

    async def order(request: Request) -> Response:
        key = read("payment", request.path_params["payment"])
        found = await services.read.long(lambda reader: _order(reader, Names(reader, services.vault), key))
        return HTMLResponse(templates.get_template("order.html").render(**found))

    return [
        Route("/", home),
        Route("/demo/", main),
        Route("/demo/orders", orders),
        Route("/demo/orders/{payment}", order),
    ]


def _orders(reader: Reader, names: Names, kind: str, after: Id) -> dict[str, Any]:
    if kind not in KINDS:
        raise NotFound("object_not_found", "there is no such list of orders", "kind")
    where = f"id > ? AND {KINDS[kind]}" if KINDS[kind] else "id > ?"
    payments = find(reader, PAYMENTS, f"{where} ORDER BY id LIMIT ?", after, PAGE + 1)
    rows = [(payment, names.party(payment.payer), len(lines_of(payment))) for payment in payments[:PAGE]]
    return {"rows": rows, "next": payments[PAGE - 1].id if len(payments) > PAGE else None}


def _order(reader: Reader, names: Names, key: Id) -> dict[str, Any]:
    payment = get(reader, PAYMENTS, key)
    if payment is None:
        raise NotFound("object_not_found", "no such payment", "payment")
    trades = {trade.id: trade for trade in trades_of(reader, key)}
    return {
        "payment": payment,
        "buyer": names.party(payment.payer),
        "quote": get(reader, QUOTES, payment.quote) if payment.quote else None,
        "lines": [(line, names.party(line.seller), trades.get(line.trade)) for line in lines_of(payment)],
        "steps": life(reader, names, payment),
    }


def _moment(at: int) -> str:
    """Market time (µs) as a person reads it, UTC."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%a %d %b %Y, %H:%M")


def _short(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%d %b, %H:%M")
