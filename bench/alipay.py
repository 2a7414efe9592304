"""Signed calls that move money: barcode payments by balance at the gateway, beside the limit of RSA on the same cores.

Every call brings a fresh payment code and a signature made beforehand, so that the load's signing costs nothing while
it runs. The limit is one signature checked and one made a call, in as many processes as the service has fronts.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.market import Bench, fund, open_desk
from bench.processes import cpu_seconds
from bench.service import Way, serving
from handfast.core.clocks import wall_clock
from handfast.core.ids import Id, random_ids
from handfast.core.rsa import sign
from handfast.core.settings import Settings
from handfast.domain.apps import NameObject, RegisterApp
from handfast.domain.checkouts import IssueCode, code_id
from handfast.domain.parties import HOUSE, CreateParty, Details, Vault
from handfast.domain.policies import DEFAULT, PublishBook, preset_text
from handfast.gateways.alipay.house import make_certificates
from handfast.gateways.alipay.numbers import moment, user_number
from handfast.gateways.alipay.users import user_key

WAY = Way(fronts=2)
CALLS = 6_000
"""A round's measured calls, after WARM_UP others."""
WARM_UP = 600
SECONDS = 3.0
"""How long the limit is measured in a round."""
SHOPS, BUYERS = 16, 500
LOADS = 2
"""Processes of the load."""

SERVED = "barcode payments, two fronts and the desk"
LIMIT = "limit: RSA-2048 checked and made, two processes"


class Street(msgspec.Struct, frozen=True):
    """A data directory, its buyers, and the requests in a file."""

    data: Path
    buyers: Sequence[Id]
    requests: Path


def make_street(folder: Path) -> Street:
    """Shops with apps, buyers with wallets and numbers, and a signed request for every call of a round."""
    data = folder / "alipay"
    data.mkdir()
    master = os.urandom(32)
    (data / "master.key").write_bytes(master.hex().encode())
    (data / "master.key").chmod(0o600)
    vault, new_id, now = Vault(master), random_ids(), wall_clock()
    make_certificates(Settings(data=data), now)
    desk, ledger = open_desk(f"sqlite:///{data}/handfast.db")
    bench = Bench(desk, desk.store, ledger, [], [], [])
    bench.run([("policies.publish", PublishBook(preset_text(DEFAULT)))])
    shops, buyers = [new_id(now) for _ in range(SHOPS)], [new_id(now) for _ in range(BUYERS)]
    parties = [_party(vault, HOUSE, "operator", "the market")]
    parties += [_party(vault, shop, "merchant", f"shop {n}") for n, shop in enumerate(shops)]
    parties += [_party(vault, buyer, "customer", f"buyer {n}") for n, buyer in enumerate(buyers)]
    bench.run([("parties.create", party) for party in parties])
    key = generate_private_key(65_537, 2048)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bench.run(
        [
            ("apps.register", RegisterApp("alipay", _app(n), shop, public, permissions="pay"))
            for n, shop in enumerate(shops)
        ]
    )
    bench.run([("apps.name", NameObject(user_key(user_number(buyer, 0)), buyer)) for buyer in buyers])
    fund(desk, ledger, buyers, "CNY")
    bench.store.close()
    requests = folder / "signed"
    requests.write_bytes(msgspec.msgpack.encode([_request(n, key, now) for n in range(WARM_UP + CALLS)]))
    return Street(data, buyers, requests)


def _party(vault: Vault, party: Id, kind: str, name: str) -> CreateParty:
    wrapped = vault.new_key(party)
    details = Details(name, f"{name.replace(' ', '.')}@example.com")
    return CreateParty(party, kind, "CN", wrapped, vault.seal(wrapped, party, details))


def _app(n: int) -> str:
    return f"20141028{n:08}"


def _code(n: int) -> str:
    return f"28{n:016}"


def _request(n: int, key: RSAPrivateKey, now: int) -> bytes:
    """A whole HTTP request for the n-th call, as SDKs write it: biz_content in the body, the rest in the query."""
    biz = {
        "out_trade_no": f"order-{n}",
        "total_amount": f"{n % 90 + 1}.{n % 100:02}",
        "subject": "two cups and a pot",
        "scene": "bar_code",
        "auth_code": _code(n),
    }
    params = {
        "app_id": _app(n % SHOPS),
        "biz_content": json.dumps(biz),
        "charset": "utf-8",
        "format": "JSON",
        "method": "alipay.trade.pay",
        "sign_type": "RSA2",
        "timestamp": moment(now) or "",
        "version": "1.0",
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    body = urlencode({"biz_content": params.pop("biz_content")})
    query = urlencode({**params, "sign": sign(key, text.encode())})
    return (
        f"POST /gateway.do?{query} HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def issue_codes(data: Path, buyers: Sequence[Id]) -> None:
    """A payment code for every call; they live for minutes, so that each round issues its own."""
    desk, ledger = open_desk(f"sqlite:///{data}/handfast.db")
    bench = Bench(desk, desk.store, ledger, [], [], [])
    codes = [
        ("checkouts.issue_code", IssueCode(buyers[n % len(buyers)], code_id(_code(n)))) for n in range(WARM_UP + CALLS)
    ]
    for start in range(0, len(codes), 1000):
        bench.run(codes[start : start + 1000])
    bench.store.close()


@contextmanager
def _together(commands: Sequence[Sequence[str]]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Modules in processes of their own, ready; calling what is given starts them at once and tells what they print."""
    with ExitStack() as open_:
        processes = [
            open_.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for words in commands
        ]
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a process of the benchmark did not start")

        def go() -> list[dict[str, Any]]:
            for process in processes:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            return [json.loads(process.stdout.readline()) for process in processes if process.stdout is not None]

        yield go


def _loads(port: int, requests: Path, start: int, end: int) -> list[list[str]]:
    edges = [start + (end - start) * n // LOADS for n in range(LOADS + 1)]
    each = str(WAY.connections // LOADS)
    return [["bench.signed", str(port), each, str(requests), str(edges[n]), str(edges[n + 1])] for n in range(LOADS)]


def served(street: Street) -> dict[str, float]:
    """One round of calls, against a fresh copy of the data."""
    copy = street.data.with_name("copy")
    shutil.copytree(street.data, copy)
    try:
        issue_codes(copy, street.buyers)
        with serving(copy, WAY) as (port, pid):
            with _together(_loads(port, street.requests, 0, WARM_UP)) as go:
                go()
            with _together(_loads(port, street.requests, WARM_UP, WARM_UP + CALLS)) as go:
                cpu, desk, start = cpu_seconds(pid), cpu_seconds(pid, children=False), time.perf_counter()
                told = go()
                wall = time.perf_counter() - start
                cpu, desk = cpu_seconds(pid) - cpu, cpu_seconds(pid, children=False) - desk
    finally:
        shutil.rmtree(copy)
    refused = [text for each in told for text in each["refused"]]
    latencies = sorted(latency for each in told for latency in each["latencies"])
    if refused or len(latencies) != CALLS:
        raise RuntimeError(f"not all calls moved money: {refused[:1]}")
    return {
        "per_second": CALLS / wall,
        "cpu_us": cpu / CALLS * 1e6,
        "desk_cpu_us": desk / CALLS * 1e6,
        "load_cpu_us": sum(each["cpu"] for each in told) / CALLS * 1e6,
        "p50_ms": latencies[CALLS // 2] * 1e3,
        "p99_ms": latencies[int(CALLS * 0.99)] * 1e3,
    }


def limit() -> dict[str, float]:
    """One round of nothing but RSA."""
    with _together([["bench.limit", str(SECONDS)]] * WAY.fronts) as go:
        told = go()
    return {
        "per_second": sum(each["count"] / each["wall"] for each in told),
        "cpu_us": sum(each["cpu"] for each in told) / sum(each["count"] for each in told) * 1e6,
        **dict.fromkeys(("desk_cpu_us", "load_cpu_us", "p50_ms", "p99_ms"), 0.0),
    }


def figures(folder: Path, rounds: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of both, taking turns."""
    street = make_street(folder)
    samples: dict[str, list[dict[str, float]]] = {LIMIT: [], SERVED: []}
    for _ in range(rounds):
        for name, taken in ((LIMIT, limit()), (SERVED, served(street))):
            samples[name].append(taken)
            report(f"{name}: {taken['per_second']:,.0f}/s")
    return {
        name: {column: round(median(each[column] for each in taken), 1) for column in taken[0]}
        for name, taken in samples.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """How near the service comes to the limit: by calls a second, and by the CPU time that one takes."""
    own, most = figures[SERVED], figures[LIMIT]
    return {
        "calls / limit": round(own["per_second"] / most["per_second"], 2),
        "calls / limit, by CPU of the service": round(most["cpu_us"] / own["cpu_us"], 2),
    }
