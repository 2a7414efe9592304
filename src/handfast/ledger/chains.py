"""An entry as a chain of TigerBeetle's transfers, an account as TigerBeetle's account, and both back again.

Ids: every database has its own 56 bits in a cluster (`books`), which are XORed into the random bits of each id, so that
the operator's accounts, which have one id everywhere, are apart too. A transfer's id is its entry's, with the posting's
number in the highest bits, the number's lowest bit first: an id in order of time stays unique up to the 64th posting,
and needs its random bits from there on. The pending posting is number 0, so a POST or VOID names its entry's id.

Fields: `ledger` is the currency's number; `code` an account's purpose, and a transfer's two purposes; a transfer's
`user_data_128` is its entry's id, `user_data_64` the market time, `user_data_32` the first digest bytes of the kind, an
account's `user_data_64` the books: so from the cluster alone it can be told what belongs to which database.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct as Layout

from msgspec import Struct
from msgspec.structs import replace
from tigerbeetle.bindings import AccountFlags, TransferFlags

from handfast.core.ids import OBJECT, Id
from handfast.core.money import MAX_AMOUNT
from handfast.ledger.model import CAPPED, FLOORED, Entry, Mode, Outcome, Posting, Purpose

RECORD = 128
CONTROL = 255
"""The purpose of the accounts that an engine needs for itself; they are in no copy."""

QUERY = Layout("<16sQIIH6sQQII")
"""A filter of accounts: user data, ledger and code, each 0 for any; from and to timestamps; limit and flags."""

_ACCOUNT = Layout("<16s8Q16sQIIIHHQ")
_TRANSFER = Layout("<16s16s16sQQ16s16sQIIIHHQ")
_FLOORED = bytes(FLOORED)
_CAPPED = bytes(CAPPED)
_PAYOUT = int(Purpose.PAYOUT)
_THROUGH = 0x4000  # added to the number of a posting whose first half leads through a control account
_NOTHING = bytes(16)
_LINKED, _PENDING = int(TransferFlags.LINKED), int(TransferFlags.PENDING)
_RESOLVES = {Mode.POST: int(TransferFlags.POST_PENDING_TRANSFER), Mode.VOID: int(TransferFlags.VOID_PENDING_TRANSFER)}
_TO_DEBIT, _TO_CREDIT = int(TransferFlags.BALANCING_DEBIT), int(TransferFlags.BALANCING_CREDIT)


class Stored(Struct, frozen=True, gc=False):
    """A transfer as the cluster tells it; ids as they are there."""

    id: bytes
    debit: bytes
    credit: bytes
    amount: int
    pending: bytes
    entry: bytes
    at: int
    kind: int
    ledger: int
    code: int
    flags: int


class Chain:
    """An entry's transfers. `members` are the places of their postings; `fault` is what its last one, if forged, means.

    An entry with a malformed posting is sent up to that, and ended by a transfer that fails for certain: so what is
    answered is what fails first.
    """

    __slots__ = ("balancing", "entry", "fault", "members", "records")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.fault: Outcome | None = None
        self.members: list[int] = []
        self.records: list[bytes] = []
        self.balancing: dict[int, int] = {}
        """By place: the member that tells how much an UP_TO posting moved."""

    @property
    def ids(self) -> list[bytes]:
        """The ids of its transfers, as they are in the cluster."""
        return [record[:16] for record in self.records]


class Books:
    """The ids of one database in a cluster."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._mask = number << 24

    def out(self, key: Id) -> bytes:
        """An account's or entry's id as the cluster has it: a little-endian number."""
        return (int.from_bytes(key, "big") ^ self._mask).to_bytes(16, "little")

    def back(self, key: bytes) -> Id:
        """The id that `out` was given."""
        return (int.from_bytes(key, "little") ^ self._mask).to_bytes(16, "big")

    def transfer(self, entry: Id, number: int) -> bytes:
        """The id of an entry's transfer of a number."""
        key = int.from_bytes(entry, "big") ^ self._mask
        if number:
            key ^= _turned(number) << 112
        return key.to_bytes(16, "little")

    def marker(self) -> bytes:
        """The account that tells that these books lie in this cluster."""
        return self.account(control(0))

    def account(self, key: Id) -> bytes:
        """The record that opens an account."""
        purpose, ledger = key[OBJECT], int.from_bytes(key[14:], "big")
        flags = AccountFlags.HISTORY
        if purpose in _FLOORED or purpose == CONTROL:
            flags |= AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
        elif purpose in _CAPPED:
            flags |= AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
        zeros = (0,) * 8
        return _ACCOUNT.pack(
            self.out(key), *zeros, _NOTHING, self.number, 0, 0, ledger or 0xFFFF, purpose, int(flags), 0
        )

    def chain(self, entry: Entry, at: int) -> Chain:
        """The transfers of an entry, as of market time `at`."""
        chain = Chain(entry)
        pends = [place for place, posting in enumerate(entry.postings) if posting.mode == Mode.PENDING]
        for place, posting in enumerate(entry.postings):
            number = place if not pends or place > pends[0] else place + 1 if place < pends[0] else 0
            chain.fault = _malformed(posting, pends)
            if chain.fault is not None:
                never = (self.transfer(entry.id, number), _NOTHING[:15] + b"\1", _NOTHING[:15] + b"\1", 1, 0, _NOTHING)
                chain.records.append(_TRANSFER.pack(*never, _NOTHING, 0, 0, 0, 1, 1, 0, 0))
                chain.members.append(place)
                return chain
            self._add(chain, place, posting, number, at)
        _unlink(chain)
        return chain

    def _add(self, chain: Chain, place: int, posting: Posting, number: int, at: int) -> None:
        """Add a posting's transfers, each linked to the next.

        What goes out to a PAYOUT account from one without a floor must be covered: as much as the debit account has,
        the amount at most, goes to a floored control account that is empty, and the amount from there.
        """
        debit, credit, mode = posting.debit, posting.credit, posting.mode
        entry = chain.entry
        flags, pending = _LINKED, _NOTHING
        if mode == Mode.PENDING:
            flags |= _PENDING
        elif mode in _RESOLVES:
            flags |= _RESOLVES[Mode(mode)]
            pending = self.out(posting.pending or _NOTHING)
        elif mode == Mode.UP_TO:
            flags |= _TO_DEBIT if debit[OBJECT] in _FLOORED or credit[OBJECT] == _PAYOUT else 0
            flags |= _TO_CREDIT if credit[OBJECT] in _CAPPED else 0
            if flags != _LINKED:
                chain.balancing[place] = len(chain.records)
        giver, taker = self.out(debit), self.out(credit)
        code = debit[OBJECT] << 8 | credit[OBJECT]
        rest = (pending, self.out(entry.id), at, kind_number(entry.kind), 0, int.from_bytes(debit[14:], "big"), code)
        if mode == Mode.POSTED and credit[OBJECT] == _PAYOUT and debit[OBJECT] not in _FLOORED:
            through = self.out(control_of(debit))
            first = self.transfer(entry.id, number + _THROUGH)
            chain.records.append(
                _TRANSFER.pack(first, giver, through, posting.amount, 0, *rest, _LINKED | _TO_DEBIT, 0)
            )
            chain.members.append(place)
            giver = through
        key = self.transfer(entry.id, number)
        chain.records.append(_TRANSFER.pack(key, giver, taker, posting.amount, 0, *rest, flags, 0))
        chain.members.append(place)


def _malformed(posting: Posting, pends: Sequence[int]) -> Outcome | None:
    """What is wrong with a posting whatever the balances are, or None.

    What is pending to leave must leave an account with a floor: nothing else keeps it covered until it is resolved.
    """
    debit, credit = posting.debit, posting.credit
    if posting.amount <= 0 or posting.amount > MAX_AMOUNT:
        return Outcome.AMOUNT_INVALID
    if debit == credit:
        return Outcome.ACCOUNTS_MUST_DIFFER
    if debit[14:] != credit[14:]:
        return Outcome.CURRENCIES_MUST_MATCH
    if posting.mode in _RESOLVES and posting.pending is None:
        return Outcome.PENDING_NOT_FOUND
    if posting.mode == Mode.PENDING and len(pends) > 1:
        return Outcome.SECOND_PENDING
    if posting.mode == Mode.PENDING and credit[OBJECT] == _PAYOUT and debit[OBJECT] not in _FLOORED:
        return Outcome.EXCEEDS_CREDITS
    return None


def _unlink(chain: Chain) -> None:
    """End the chain with its last transfer: the flags are the two bytes before the timestamp's eight."""
    last = bytearray(chain.records[-1])
    last[118] &= ~_LINKED
    chain.records[-1] = bytes(last)


def control_of(account: Id) -> Id:
    """The control account of an account's currency."""
    return control(int.from_bytes(account[14:], "big"))


def control(currency: int) -> Id:
    """The control account of a currency's number; 0 for the books themselves."""
    return bytes(OBJECT) + bytes((CONTROL,)) + currency.to_bytes(2, "big")


def goes_through(posting: Posting) -> bool:
    """Whether a posting needs the control account of its currency."""
    return posting.mode == Mode.POSTED and posting.credit[OBJECT] == _PAYOUT and posting.debit[OBJECT] not in _FLOORED


@lru_cache(4096)
def kind_number(kind: str) -> int:
    """A kind as the cluster keeps it: 32 bits of its digest, never zero, which would mean the pending transfer's."""
    return int.from_bytes(blake2b(kind.encode(), digest_size=4).digest(), "big") or 1


@lru_cache(1 << 16)
def _turned(number: int) -> int:
    """The 16 bits of a number, the lowest first."""
    return int(f"{number:016b}"[::-1], 2)


def read_transfers(data: bytes) -> dict[bytes, Stored]:
    """The transfers in an answer, by id."""
    found: dict[bytes, Stored] = {}
    for key, debit, credit, low, high, pending, entry, at, kind, _, ledger, code, flags, _ in _TRANSFER.iter_unpack(
        data
    ):
        found[key] = Stored(key, debit, credit, high << 64 | low, pending, entry, at, kind, ledger, code, flags)
    return found


def read_accounts(data: bytes) -> Iterable[tuple[bytes, tuple[int, int, int, int], int, int]]:
    """The accounts in an answer: id, the four balances, code and timestamp."""
    for key, *four, _, _, _, _, _, code, _, timestamp in _ACCOUNT.iter_unpack(data):
        low, high = four[::2], four[1::2]
        dp, d, cp, c = (upper << 64 | lower for lower, upper in zip(low, high, strict=True))
        yield key, (dp, d, cp, c), code, timestamp


def moved(chain: Chain, stored: Mapping[bytes, Stored]) -> tuple[Posting, ...]:
    """The postings, each UP_TO with the amount that it moved."""
    if not chain.balancing:
        return chain.entry.postings
    postings = list(chain.entry.postings)
    for place, member in chain.balancing.items():
        postings[place] = replace(postings[place], amount=stored[chain.records[member][:16]].amount)
    return tuple(postings)


def same(record: bytes, stored: Stored | None) -> bool:
    """Whether a stored transfer is the one that a record asks for, whenever that was; a balancing one may be less."""
    if stored is None:
        return False
    asked = read_transfers(record)[record[:16]]
    balancing = asked.flags & (_TO_DEBIT | _TO_CREDIT)
    amount = stored.amount if balancing and stored.amount <= asked.amount else asked.amount
    return replace(asked, amount=amount, at=stored.at) == stored
