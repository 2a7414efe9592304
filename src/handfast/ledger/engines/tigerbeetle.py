"""The TigerBeetle engine: a cluster decides entries and holds balances, the desk's own database gets a copy.

An entry is a linked chain of transfers. What the cluster has taken is written, in the caller's transaction, as the rows
that the other engines keep: entries, accounts, pendings, statements. So the copy may lag behind the cluster, by what a
crash or a rollback took from it, and is made whole by posting the same entries again; it is never ahead.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy

from msgspec import Struct
from msgspec.structs import replace
from tigerbeetle.bindings import CreateAccountStatus, CreateTransferStatus, Operation

from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.ledger import chains
from handfast.ledger.batch import Batch, Copy
from handfast.ledger.chains import RECORD, Books, Chain, Stored, moved, read_accounts, read_transfers
from handfast.ledger.cluster import Asks, Call, TooMuch
from handfast.ledger.model import CAPPED, FLOORED, MAX_POSTINGS, Balance, Entry, Mode, Outcome, Posting
from handfast.ledger.rules import LIMIT, create_entry

EVENTS = 8_189
"""How many records a request or its answer holds at most (docs.tigerbeetle.com: requests)."""

_CREATED = int(CreateTransferStatus.CREATED)
_LINKED_FAILED = int(CreateTransferStatus.LINKED_EVENT_FAILED)
_ALREADY_FAILED = int(CreateTransferStatus.ID_ALREADY_FAILED)
_EXISTS = {int(status) for status in CreateTransferStatus if status.name.startswith("EXISTS")}
_OPENED = {int(CreateAccountStatus.CREATED), int(CreateAccountStatus.EXISTS)}
_REFUSALS = {
    int(status): outcome
    for status, outcome in {
        CreateTransferStatus.EXCEEDS_CREDITS: Outcome.EXCEEDS_CREDITS,
        CreateTransferStatus.EXCEEDS_DEBITS: Outcome.EXCEEDS_DEBITS,
        CreateTransferStatus.PENDING_ID_MUST_BE_DIFFERENT: Outcome.PENDING_NOT_FOUND,
        CreateTransferStatus.PENDING_TRANSFER_NOT_FOUND: Outcome.PENDING_NOT_FOUND,
        CreateTransferStatus.PENDING_TRANSFER_NOT_PENDING: Outcome.PENDING_NOT_FOUND,
        CreateTransferStatus.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID: Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS,
        CreateTransferStatus.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID: Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS,
        CreateTransferStatus.PENDING_TRANSFER_ALREADY_POSTED: Outcome.PENDING_ALREADY_POSTED,
        CreateTransferStatus.PENDING_TRANSFER_ALREADY_VOIDED: Outcome.PENDING_ALREADY_VOIDED,
        CreateTransferStatus.EXCEEDS_PENDING_TRANSFER_AMOUNT: Outcome.EXCEEDS_PENDING_AMOUNT,
        CreateTransferStatus.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT: Outcome.EXCEEDS_PENDING_AMOUNT,
    }.items()
}


class Told(Struct, frozen=True):
    """What the cluster told of a chain: each transfer's status, and the transfers of which that tells too little."""

    chain: Chain
    statuses: Sequence[int]
    stored: Mapping[bytes, Stored]
    at: int


class Decision(Struct, frozen=True):
    """What that means for the entry; with its postings as they moved, and the market time that is kept with it."""

    outcome: Outcome
    moved: tuple[Posting, ...] = ()
    at: int = 0


class TigerBeetleLedger:
    """Fills the Ledger port. Posting raises what Cluster.ask raises; nothing is then in the copy."""

    def __init__(self, copy: Copy, cluster: Asks, books: int) -> None:
        self._copy = copy
        self._cluster = cluster
        self._books = Books(books)
        self._events = EVENTS
        self._controls: set[Id] = set()
        self._met = False

    def meet(self, *, new: bool) -> None:
        """Make sure that the books lie in this cluster; new ones are opened. Raises Unavailable(ledger_foreign)."""
        if self._met:
            return
        self._measure()
        (found,) = self._cluster.ask([(Operation.LOOKUP_ACCOUNTS, self._books.marker()[:16])])
        if not found and not new:
            raise Unavailable("ledger_foreign", "this cluster does not hold the books of this database")
        if not found:
            self._check_opened(self._cluster.ask([(Operation.CREATE_ACCOUNTS, self._books.marker())]))
        self._met = True

    def _measure(self) -> None:
        """Find out how many records a request may hold, with some that mean nothing.

        They are fewer if the server was started with smaller messages.
        """
        while True:
            try:
                self._cluster.ask([(Operation.CREATE_TRANSFERS, bytes(RECORD * self._events))])
            except TooMuch:
                self._events //= 2
            else:
                return

    def post(self, entries: Sequence[Entry], at: int) -> list[Outcome]:
        """Have the cluster decide in order, and write the copy; see Ledger.post."""
        batch = Batch(entries, at)
        self._copy.fill(batch)
        self.meet(new=not batch.last)
        fresh: dict[Id, Entry] = {}
        for entry in entries:
            if batch.replayed(entry) is None:
                fresh.setdefault(entry.id, entry)
        told = self._decide(list(fresh.values()), batch, at)
        outcomes: list[Outcome] = []
        for entry in entries:
            what = told.pop(entry.id, None)
            if what is None:
                # Here before: in the copy by now, or refused, or another's.
                outcomes.append(batch.replayed(entry) or Outcome.EXISTS_WITH_DIFFERENT_CONTENT)
                continue
            decision = _decision(what, batch) if isinstance(what, Told) else Decision(what)
            batch.take(entry, decision.outcome, decision.moved, decision.at)
            outcomes.append(decision.outcome)
        self._copy.write(batch)
        return outcomes

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        """See Ledger.balances."""
        found: dict[bytes, tuple[int, int, int, int]] = {}
        for some in _cut([[self._books.out(account)] for account in accounts], self._events):
            (answer,) = self._cluster.ask([(Operation.LOOKUP_ACCOUNTS, b"".join(some))])
            found.update((key, four) for key, four, *_ in read_accounts(answer))
        return [Balance(account, *found.get(self._books.out(account), ())) for account in accounts]

    def _decide(self, entries: Sequence[Entry], batch: Batch, at: int) -> dict[Id, Told | Outcome]:
        """What the cluster says of entries that are not in the copy, which knows no more than 64 bits of a balance."""
        most = max((max(dp + d, cp + c) for dp, d, cp, c in batch.balances.values()), default=0)
        if most + sum(posting.amount for entry in entries for posting in entry.postings if posting.amount > 0) <= LIMIT:
            return self._send(entries, batch, at)
        told: dict[Id, Told | Outcome] = {}
        tried = deepcopy((batch.balances, batch.pendings))
        for entry in entries:
            foreseen, moved = create_entry(entry, *tried)
            if foreseen is Outcome.OVERFLOWS:
                told[entry.id] = foreseen
            else:
                least = tuple(replace(posting, amount=posting.amount or 1) for posting in moved)
                told |= self._send([replace(entry, postings=least) if least else entry], batch, at)
        return told

    def _send(self, entries: Sequence[Entry], batch: Batch, at: int) -> dict[Id, Told | Outcome]:
        told: dict[Id, Told | Outcome] = {}
        made: list[Chain] = []
        for entry in entries:
            if not entry.postings:
                told[entry.id] = Outcome.POSTINGS_EMPTY
            elif len(entry.postings) > MAX_POSTINGS:
                told[entry.id] = Outcome.POSTINGS_TOO_MANY
            else:
                chain = self._books.chain(entry, at)
                if chain.fault is not None and len(chain.records) == 1:
                    told[entry.id] = chain.fault
                else:
                    made.append(chain)
        if made:
            statuses = self._create(made, batch)
            stored = self._read_back(made, statuses)
            told.update((c.entry.id, Told(c, found, stored, at)) for c, found in zip(made, statuses, strict=True))
        return told

    def _create(self, made: Sequence[Chain], batch: Batch) -> list[Sequence[int]]:
        """Open the accounts that the copy does not know and post the chains; each transfer's status, by chain."""
        controls = {chains.control_of(p.debit) for c in made for p in c.entry.postings if chains.goes_through(p)}
        named = {key for chain in made for posting in chain.entry.postings for key in (posting.debit, posting.credit)}
        unopened = [key for key in batch.unopened() if key in named]
        accounts = [self._books.account(key) for key in (*unopened, *sorted(controls - self._controls))]
        answers = self._ask([[record] for record in accounts], [chain.records for chain in made])
        self._controls |= controls
        statuses = [status for answer in answers for status in _statuses(answer)]
        found: list[Sequence[int]] = []
        start = 0
        for chain in made:
            end = start + len(chain.records)
            found.append(statuses[start:end])
            start = end
        assert start == len(statuses), "the cluster answers every transfer"
        return found

    def _ask(self, accounts: Sequence[Sequence[bytes]], made: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Open accounts and post chains in one go; the answers to the chains."""
        opening: list[Call] = [(Operation.CREATE_ACCOUNTS, b"".join(some)) for some in _cut(accounts, self._events)]
        posting: list[Call] = [(Operation.CREATE_TRANSFERS, b"".join(some)) for some in _cut(made, self._events)]
        try:
            answers = self._cluster.ask([*opening, *posting])
        except TooMuch:
            raise Unavailable("ledger_foreign", "this cluster takes too few transfers at once") from None
        self._check_opened(answers[: len(opening)])
        return answers[len(opening) :]

    def _check_opened(self, answers: Iterable[bytes]) -> None:
        strange = {status for answer in answers for status in _statuses(answer)} - _OPENED
        if strange:
            names = ", ".join(sorted(CreateAccountStatus(status).name for status in strange))
            raise Unavailable("ledger_foreign", f"the cluster has other accounts under our ids: {names}")

    def _read_back(self, made: Sequence[Chain], statuses: Sequence[Sequence[int]]) -> dict[bytes, Stored]:
        """The transfers that a status tells too little of: those that were there before, and those that balance."""
        wanted: list[bytes] = []
        for chain, told in zip(made, statuses, strict=True):
            if told[0] == _CREATED:
                wanted += [chain.records[member][:16] for member in chain.balancing.values()]
            elif not _EXISTS.isdisjoint(told):
                wanted += chain.ids
        stored: dict[bytes, Stored] = {}
        for some in _cut([[key] for key in wanted], self._events):
            (answer,) = self._cluster.ask([(Operation.LOOKUP_TRANSFERS, b"".join(some))])
            stored |= read_transfers(answer)
        return stored


def _decision(told: Told, batch: Batch) -> Decision:
    """What a chain's statuses mean, after what came before it in the batch."""
    chain, statuses, stored = told.chain, told.statuses, told.stored
    if statuses[0] == _CREATED:
        return Decision(Outcome.CREATED, moved(chain, stored), told.at)
    guilty = next(n for n, status in enumerate(statuses) if status != _LINKED_FAILED)
    status, posting = statuses[guilty], chain.entry.postings[chain.members[guilty]]
    if status in _EXISTS:
        members = [stored.get(key) for key in chain.ids]
        if chain.fault is None and all(map(chains.same, chain.records, members)):
            return Decision(Outcome.EXISTS, moved(chain, stored), stored[chain.ids[0]].at)
        return Decision(Outcome.EXISTS_WITH_DIFFERENT_CONTENT)
    if chain.fault is not None and guilty == len(statuses) - 1:
        return Decision(chain.fault)
    if status == _ALREADY_FAILED:
        return Decision(_failed_before(posting))
    outcome = _REFUSALS[status]
    if outcome is Outcome.EXCEEDS_PENDING_AMOUNT:
        return Decision(_resolved(chain.entry, chain.members[guilty], batch) or outcome)
    return Decision(outcome)


def _failed_before(posting: Posting) -> Outcome:
    """Why a transfer's id is spent without the copy's knowing: a crash lost the answer, which can only have been this.

    Where both accounts have a bound, the debit account's is looked at first.
    """
    if posting.mode in (Mode.POST, Mode.VOID):
        return Outcome.PENDING_NOT_FOUND
    if posting.credit[13] in CAPPED and posting.debit[13] not in FLOORED:
        return Outcome.EXCEEDS_DEBITS
    return Outcome.EXCEEDS_CREDITS


def _resolved(entry: Entry, place: int, batch: Batch) -> Outcome | None:
    """The better name for a POST or VOID of a wrong amount: that its pending posting was resolved before."""
    pending = entry.postings[place].pending
    for earlier in entry.postings[:place]:
        if earlier.pending == pending and earlier.mode in (Mode.POST, Mode.VOID):
            return Outcome.PENDING_ALREADY_POSTED if earlier.mode == Mode.POST else Outcome.PENDING_ALREADY_VOIDED
    state = batch.pendings[pending].state if pending in batch.pendings else ""
    return {"posted": Outcome.PENDING_ALREADY_POSTED, "voided": Outcome.PENDING_ALREADY_VOIDED}.get(state)


def _statuses(answer: bytes) -> list[int]:
    """The statuses in an answer: 16 bytes each, timestamp, status, padding."""
    return memoryview(answer).cast("I")[2::4].tolist()


def _cut(groups: Iterable[Sequence[bytes]], most: int) -> Iterator[list[bytes]]:
    """Records in requests of at most so many, no group cut in two."""
    request: list[bytes] = []
    for group in groups:
        if request and len(request) + len(group) > most:
            yield request
            request = []
        request.extend(group)
    if request:
        yield request
