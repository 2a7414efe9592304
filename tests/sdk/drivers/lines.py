"""The loop of a driver in Python: plans come in as lines of JSON, what came of each goes out as one."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def serve(ops: Mapping[str, Callable[..., Any]]) -> None:
    for line in sys.stdin:
        plan = json.loads(line)
        try:
            answer = {"ok": ops[plan.pop("op")](**plan)}
        except Exception as fault:  # noqa: BLE001 - whatever an SDK raises is the answer
            answer = {"error": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
