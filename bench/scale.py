"""The capacity model: from demand and the benchmark's figures to what has to be there; prints its table.

`python -m bench.scale [FILE]` reads the figures that `make bench ARGS="--keep FILE"` keeps (docs/bench.json).
"""

import sys
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from msgspec import Struct, json

FIGURES = Path(__file__).parents[1] / "docs" / "bench.json"
DAY = 86_400


class Demand(Struct, frozen=True):
    """What is asked for. `busy` is how much of a core or a desk is used at the peak at most."""

    users: int = 300_000_000
    payments_a_day: int = 80_000_000
    peak: int = 38_500
    busy: float = 0.7
    signatures: int = 2
    """Of a payment: the gateway's answer, and the notification. One signature is checked: the request's."""
    webhooks: int = 1
    replicas: int = 6
    sessions: int = 64
    """How many clients a TigerBeetle cluster has at most: one a desk."""


COEFFICIENTS = {
    "desk_us": ("sustained", "PostgreSQL, batch of 256", "cpu_us"),
    "desk_tigerbeetle_us": ("tigerbeetle", "desk, batch of 1,000", "cpu_us"),
    "bytes_postgresql": ("sustained", "PostgreSQL, batch of 256", "bytes"),
    "http_us": ("http", "single payments, two fronts", "cpu_us"),
    "sqlite_us": ("sqlite", "batch of 64", "cpu_us"),
    "plain_tigerbeetle": ("tigerbeetle", "plain client, batch of 1,000", "per_second"),
    "bytes_user": ("growth", "postgresql, {largest} accounts", "bytes_an_account"),
    "sign_us": ("costs", "RSA-2048 signature made", "cpu_us"),
    "check_us": ("costs", "RSA-2048 signature checked", "cpu_us"),
    "webhook_us": ("costs", "webhook rendered and signed", "cpu_us"),
    "webhook_bytes": ("costs", "webhook rendered and signed", "bytes"),
}
"""Where each coefficient stands among the figures: part, case, column."""


class Need(Struct, frozen=True):
    """A line of the table: what is needed, how much, and how that comes about in the coefficients' names."""

    what: str
    much: str
    how: str


def coefficients(figures: Mapping[str, Any]) -> dict[str, float]:
    """The coefficients by name. Raises KeyError where a part was not measured."""
    growth = figures["growth"]["cases"]
    sizes = [int(name.split()[1].replace(",", "")) for name in growth if name.startswith("postgresql,")]
    largest = f"{max(sizes):,}"
    return {
        name: float(figures[part]["cases"][case.format(largest=largest)][column])
        for name, (part, case, column) in COEFFICIENTS.items()
    }


def needs(of: Mapping[str, float], demand: Demand = Demand()) -> list[Need]:  # noqa: B008  # it is frozen
    """What that demand needs."""
    peak, day, busy = demand.peak, demand.payments_a_day, demand.busy

    def cores(us: float) -> int:
        return ceil(peak * us / 1e6 / busy)

    desks = cores(of["desk_tigerbeetle_us"])
    clusters = max(ceil(peak / (of["plain_tigerbeetle"] * busy)), ceil(desks / demand.sessions))
    front_us = max(0.0, of["http_us"] - of["sqlite_us"])
    signing_us = demand.signatures * of["sign_us"] + of["check_us"]
    webhook = demand.webhooks * of["webhook_bytes"]
    stored = day * of["bytes_postgresql"]
    return [
        Need("payments a second, mean", f"{day / DAY:,.0f}", "payments a day / 86,400"),
        Need("peak over mean", f"{peak * DAY / day:.1f} x", "peak / mean"),
        Need("desks, a core each", f"{desks}", "peak x desk_tigerbeetle_us / busy"),
        Need("PostgreSQL databases", f"{desks}", "one a desk"),
        Need("TigerBeetle clusters", f"{clusters}", "peak / (plain_tigerbeetle x busy), desks / 64"),
        Need("TigerBeetle replicas", f"{clusters * demand.replicas}", "clusters x 6"),
        Need("cores for desks with their PostgreSQL", f"{cores(of['desk_us'])}", "peak x desk_us / busy"),
        Need("cores for HTTP", f"{cores(front_us)}", "peak x (http_us - sqlite_us) / busy"),
        Need("RSA signatures a second", f"{peak * demand.signatures:,}", "peak x 2"),
        Need("cores for RSA", f"{cores(signing_us)}", "peak x (2 sign_us + check_us) / busy"),
        Need("cores for webhooks", f"{cores(demand.webhooks * of['webhook_us'])}", "peak x webhook_us / busy"),
        Need("webhook egress, peak", f"{peak * webhook * 8 / 1e6:,.0f} Mbit/s", "peak x webhook_bytes"),
        Need("webhook egress, a day", f"{day * webhook / 1e9:,.0f} GB", "payments a day x webhook_bytes"),
        Need("disk a day, one copy", f"{stored / 1e9:,.0f} GB", "payments a day x bytes_postgresql"),
        Need("disk a year, one copy", f"{stored * 365 / 1e12:,.1f} TB", "365 x disk a day"),
        Need("disk for users", f"{demand.users * of['bytes_user'] / 1e9:,.0f} GB", "users x bytes_user"),
        Need("one merchant at most", f"{busy * 1e6 / of['desk_tigerbeetle_us']:,.0f}/s", "busy / desk_tigerbeetle_us"),
    ]


def read(file: Path = FIGURES) -> dict[str, Any]:
    """The figures that were kept."""
    figures: dict[str, Any] = json.decode(file.read_bytes())
    return figures


def tables(figures: Mapping[str, Any]) -> str:
    """Both tables, in Markdown: the coefficients with where they come from, and the needs."""
    of = coefficients(figures)
    lines = ["| coefficient | figure | part of the benchmark | case | column |", "|---|---|---|---|---|"]
    for name, (part, case, column) in COEFFICIENTS.items():
        lines.append(f"| {name} | {of[name]:,.10g} | {part} | {case.format(largest='largest')} | {column} |")
    lines += ["", "| what is needed | how much | from |", "|---|---|---|"]
    lines += [f"| {need.what} | {need.much} | {need.how} |" for need in needs(of)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(tables(read(Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES)), end="")
