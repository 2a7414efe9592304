"""The limit of signed calls: one RSA-2048 signature checked and one made, again and again; prints how many there were.

`python -m bench.limit SECONDS`, in so many processes as there are cores to measure. Each says `ready` once it has its
key, and begins at a line of standard input.
"""

import json
import sys
import time

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from handfast.core.rsa import sign, verify

_TEXT = b"app_id=2014102800000001&biz_content=" + bytes(range(32, 127)) * 4


def main() -> None:
    """Check and sign until the time is over, and print counts and CPU time."""
    key = generate_private_key(65_537, 2048)
    public, signature = key.public_key(), sign(key, _TEXT)
    verify(public, _TEXT, signature)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    count, cpu, start = 0, time.process_time(), time.perf_counter()
    until = start + float(sys.argv[1])
    while time.perf_counter() < until:
        if not verify(public, _TEXT, signature):
            raise RuntimeError("a right signature was refused")
        sign(key, _TEXT)
        count += 1
    wall = time.perf_counter() - start
    sys.stdout.write(json.dumps({"count": count, "wall": wall, "cpu": time.process_time() - cpu}) + "\n")


if __name__ == "__main__":
    main()
