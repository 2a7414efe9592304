"""What a verification found: faults by table and key, and how much was read."""

from msgspec import Struct

MOST = 100
"""So many faults are told; the first one is the first row that is wrong."""


class Fault(Struct, frozen=True):
    """One thing that does not hold: which check says so of which row, what it expected and what it found."""

    check: str
    table: str
    key: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}: expected {self.expected}, found {self.found} [{self.check}]"


class Enough(Exception):
    """So much is wrong that reading on tells nothing more."""


class Findings:
    """Collects faults in the order in which they are found. Raises Enough when they are too many."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, check: str, table: str, key: object, what: str, expected: object, found: object) -> None:
        """Note a fault."""
        self.faults.append(Fault(check, table, _word(key), what, _word(expected), _word(found)))
        if len(self.faults) >= MOST:
            raise Enough


def _word(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 64 else f"{value[:24].hex()}… ({len(value)} bytes)"
    return str(value)


class Result(Struct, frozen=True):
    """What came of it: how many rows were read, how many of them no head seals yet, and all faults (none if it holds).

    `root` and `size` are the newest head's; `passes` tells seconds by pass.
    """

    faults: tuple[Fault, ...]
    entries: int
    events: int
    accounts: int
    objects: int
    heads: int
    published: int
    size: int
    root: str
    unsealed_entries: int
    unsealed_events: int
    seconds: float
    passes: dict[str, float]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.faults
