"""Unit costs that no other part shows, for the capacity model: signatures, the bytes of a webhook and of an answer."""

import time
from collections.abc import Callable
from statistics import median

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.market import prepare
from handfast.core.clocks import wall_clock
from handfast.core.ids import event_id
from handfast.core.rsa import sign, verify
from handfast.domain.notifications import parse_url
from handfast.domain.notifications.signing import new_secret, signed_headers
from handfast.gateways.native.agreed import NOTHING
from handfast.gateways.native.showing import encode, event, show_row
from handfast.store.rows import Event
from handfast.timers.sender import request_bytes

_TIMES = 400


def _cpu_us(run: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - start) / times * 1e6


def figures(url: str, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of CPU µs, and bytes."""
    bench = prepare(url, merchants=10, buyers=20)
    (payment,) = bench.run(list(bench.payments(1, 0.0)))
    bench.store.close()
    key, head = rsa.generate_private_key(65_537, 2048), Ed25519PrivateKey.generate()
    text = b"app_id=2014072300007148&biz_content=" + encode(show_row(payment, NOTHING))
    signature = sign(key, text)
    secrets, now, target = [new_secret()], wall_clock(), parse_url("https://shop.example/hooks", private=False)
    row = Event(event_id(payment.id, 1), 1, "payment.captured", payment.merchant, payment.id, now, b"")

    def webhook() -> bytes:
        body = encode(event(row, show_row(payment, NOTHING)))
        return request_bytes(target, signed_headers(secrets, row.id, now, body), body)

    def cost(run: Callable[[], object], size: int, times: int = _TIMES) -> dict[str, float]:
        return {"cpu_us": round(median(_cpu_us(run, times) for _ in range(rounds)), 1), "bytes": size}

    return {
        "RSA-2048 signature made": cost(lambda: sign(key, text), len(signature)),
        "RSA-2048 signature checked": cost(lambda: verify(key.public_key(), text, signature), len(signature)),
        "Ed25519 signature made": cost(lambda: head.sign(text), 64),
        "webhook rendered and signed": cost(webhook, len(webhook())),
        "answer rendered": cost(lambda: encode(show_row(payment, NOTHING)), len(encode(show_row(payment, NOTHING)))),
    }
