"""The ledger against a model: random batches get the outcomes, balances and journal that a few plain rules foretell."""

import itertools
from collections import defaultdict
from copy import deepcopy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace
from tests.conftest import Engine

from handfast.core.ids import Id, account_currency, account_id, account_purpose
from handfast.core.money import MAX_AMOUNT
from handfast.ledger import Entry, Mode, Outcome, Posting, Purpose
from handfast.ledger.model import decode_postings

FLOORED = {1, 2, 3, 4, 5}
RECEIVABLE = 22
OPEN, POSTED, VOIDED = "pending", "posted", "voided"
Four = list[int]
examples = itertools.count(1)


class Model:
    """Decides by trying: do a posting, look whether all is still well, take the entry back if not."""

    def __init__(self) -> None:
        self.journal: dict[Id, Entry] = {}
        self.asked: dict[Id, Entry] = {}
        self.refused: set[Id] = set()
        self.four: dict[Id, Four] = defaultdict(lambda: [0, 0, 0, 0])
        self.pendings: dict[Id, tuple[Posting, str]] = {}

    def post(self, entry: Entry) -> Outcome:
        if entry.id in self.journal:
            same = self.asked[entry.id] == entry
            return Outcome.EXISTS if same else Outcome.EXISTS_WITH_DIFFERENT_CONTENT
        if entry.id in self.refused:
            return Outcome.ID_ALREADY_REFUSED
        before = deepcopy((self.four, self.pendings))
        outcome = Outcome.CREATED if entry.postings else Outcome.POSTINGS_EMPTY
        done = []
        for posting in entry.postings:
            outcome = self.fault(entry, posting)
            if outcome is Outcome.CREATED:
                done.append(self.fitted(posting))
                outcome = self.move(entry.id, done[-1])
            if outcome is not Outcome.CREATED:
                break
        if outcome is Outcome.CREATED:
            self.asked[entry.id] = entry
            self.journal[entry.id] = replace(entry, postings=tuple(done))
        else:
            self.four, self.pendings = before
            self.refused.add(entry.id)
        return outcome

    def fitted(self, posting: Posting) -> Posting:
        """An UP_TO posting with the largest amount that breaks no rule, found by trying; others as they are."""
        if posting.mode != Mode.UP_TO:
            return posting
        for amount in range(posting.amount, 0, -1):
            kept = deepcopy(self.four)
            fits = self.move(b"", replace(posting, amount=amount)) is Outcome.CREATED
            self.four = kept
            if fits:
                return replace(posting, amount=amount)
        return replace(posting, amount=0)

    def fault(self, entry: Entry, posting: Posting) -> Outcome:
        if not 1 <= posting.amount <= 10**15:
            return Outcome.AMOUNT_INVALID
        if posting.debit == posting.credit:
            return Outcome.ACCOUNTS_MUST_DIFFER
        if account_currency(posting.debit) != account_currency(posting.credit):
            return Outcome.CURRENCIES_MUST_MATCH
        if posting.mode in (Mode.POST, Mode.VOID):
            if posting.pending not in self.pendings:
                return Outcome.PENDING_NOT_FOUND
            what, state = self.pendings[posting.pending]
            if (what.debit, what.credit) != (posting.debit, posting.credit):
                return Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS
            if state != OPEN:
                return Outcome.PENDING_ALREADY_POSTED if state == POSTED else Outcome.PENDING_ALREADY_VOIDED
            whole = posting.amount == what.amount
            if posting.amount > what.amount or (posting.mode == Mode.VOID and not whole):
                return Outcome.EXCEEDS_PENDING_AMOUNT
        elif posting.mode == Mode.PENDING and [p.mode for p in entry.postings].count(Mode.PENDING) > 1:
            return Outcome.SECOND_PENDING
        return Outcome.CREATED

    def move(self, owner: Id, posting: Posting) -> Outcome:
        giver, taker = self.four[posting.debit], self.four[posting.credit]
        if posting.mode == Mode.PENDING:
            giver[0] += posting.amount
            taker[2] += posting.amount
            self.pendings[owner] = (posting, OPEN)
        else:
            if posting.pending is not None:
                what, _ = self.pendings[posting.pending]
                giver[0] -= what.amount
                taker[2] -= what.amount
                self.pendings[posting.pending] = (what, VOIDED if posting.mode == Mode.VOID else POSTED)
            if posting.mode != Mode.VOID:
                giver[1] += posting.amount
                taker[3] += posting.amount
        short = account_purpose(posting.debit) in FLOORED and giver[0] + giver[1] > giver[3]
        if short:
            return Outcome.EXCEEDS_CREDITS
        much = account_purpose(posting.credit) == RECEIVABLE and taker[2] + taker[3] > taker[1]
        return Outcome.EXCEEDS_DEBITS if much else Outcome.CREATED


class Cast:
    """Accounts and entry ids of one example, so that examples can share a database."""

    def __init__(self) -> None:
        self.number = next(examples)
        self.bank = self.account(0, Purpose.CUSTODY, "USD")
        self.wallets = [self.account(n, Purpose.WALLET, "USD") for n in (1, 2, 3)]
        self.owed = self.account(1, Purpose.RECEIVABLE, "USD")
        self.accounts = [self.bank, *self.wallets, self.account(4, Purpose.HELD, "USD"), self.owed]
        self.euros = [self.account(0, Purpose.CUSTODY, "EUR"), self.account(1, Purpose.WALLET, "EUR")]
        self.all = [*self.accounts, *self.euros]
        self.ids = [self.number.to_bytes(13, "big") + bytes((0, 0, n)) for n in range(60)]

    def income(self) -> Entry:
        """What the wallets start with."""
        return Entry(self.ids[0], "income", tuple(Posting(self.bank, wallet, 100) for wallet in self.wallets))

    def account(self, n: int, purpose: Purpose, currency: str) -> Id:
        return account_id(self.number.to_bytes(12, "big") + bytes((n, 0, 0, 0)), purpose, currency)


amounts = st.integers(1, 60)
wild_amounts = st.sampled_from([1, 5, 0, -1, MAX_AMOUNT, MAX_AMOUNT + 1])


@st.composite
def postings(draw: st.DrawFn, cast: Cast, model: Model) -> Posting:
    """A posting: mostly sensible, so that much happens, and sometimes not."""
    kind = draw(st.sampled_from(["move", "move", "pend", "pend", "resolve", "resolve", "resolve", "up", "up", "wild"]))
    if kind == "resolve" and model.pendings:
        key = draw(st.sampled_from(sorted(model.pendings)))
        what, _ = model.pendings[key]
        amount = draw(st.sampled_from([what.amount, what.amount, what.amount - 1, what.amount + 1]))
        return Posting(what.debit, what.credit, amount, draw(st.sampled_from([Mode.POST, Mode.VOID])), key)
    debit, credit = draw(st.sampled_from(cast.accounts)), draw(st.sampled_from(cast.accounts))
    if kind == "wild":
        pending = draw(st.sampled_from(cast.ids))
        debit, mode = draw(st.sampled_from(cast.all)), draw(st.sampled_from(Mode))
        return Posting(debit, credit, draw(wild_amounts), mode, pending if mode in (Mode.POST, Mode.VOID) else None)
    if debit == credit:
        debit = cast.bank if credit != cast.bank else cast.wallets[0]
    mode = {"pend": Mode.PENDING, "up": Mode.UP_TO}.get(kind, Mode.POSTED)
    return Posting(debit, credit, draw(amounts), mode)


@st.composite
def entries(draw: st.DrawFn, cast: Cast, model: Model) -> Entry:
    """An entry with an id of its own, or now and then one that was posted or refused before, as it was or changed."""
    spent = sorted(model.journal.keys() | model.refused)
    which = draw(st.sampled_from(["fresh"] * 8 + ["again", "spent"]))
    if which == "again":
        return model.asked[draw(st.sampled_from(sorted(model.asked)))]
    key = draw(st.sampled_from(spent)) if which == "spent" else next(key for key in cast.ids if key not in spent)
    size = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 3, 0]))
    return Entry(
        key, draw(st.sampled_from(["sale", "refund"])), tuple(draw(postings(cast, model)) for _ in range(size))
    )


def fold(rows: list[tuple[bytes, bytes, bytes, int, int, bytes | None]]) -> dict[Id, Four]:
    """Balances from journal rows (entry, debit, credit, amount, mode, pending), with every floor held on the way."""
    four: dict[Id, Four] = defaultdict(lambda: [0, 0, 0, 0])
    open_amounts: dict[bytes, int] = {}
    for owner, debit, credit, amount, mode, pending in rows:
        reserved = amount if mode == 1 else -open_amounts.pop(pending) if pending is not None else 0
        given = amount if mode in (0, 2, 4) else 0
        if mode == 1:
            open_amounts[owner] = amount
        four[debit][0] += reserved
        four[credit][2] += reserved
        four[debit][1] += given
        four[credit][3] += given
        for account in (debit, credit):
            assert min(four[account]) >= 0
            pending_out, out, _, into = four[account]
            assert account_purpose(account) not in FLOORED or pending_out + out <= into
            assert account_purpose(account) != RECEIVABLE or four[account][2] + into <= out
    return four


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_ledger_does_what_the_model_foretells(every_engine: Engine, data: st.DataObject) -> None:
    cast, model = Cast(), Model()
    engine = every_engine
    store, ledger = engine.store, engine.ledger
    for size in [0, *data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))]:
        kept = deepcopy(model)
        batch = [] if size else [cast.income()]
        foretold = [model.post(entry) for entry in batch]
        for _ in range(size):
            batch.append(data.draw(entries(cast, model)))
            foretold.append(model.post(batch[-1]))
        lost = size > 0 and data.draw(st.integers(0, 4)) == 0 and engine.cluster is None
        store.begin()
        outcomes = ledger.post(batch, cast.number)
        if lost:
            store.rollback()
            model = kept
        else:
            store.commit()
        assert outcomes == foretold
    balances = ledger.balances(cast.all)
    stored = {b.account: [b.debits_pending, b.debits_posted, b.credits_pending, b.credits_posted] for b in balances}
    assert stored == {account: model.four[account] for account in cast.all}
    entered = engine.rows(f"SELECT id, postings FROM entries WHERE at = {cast.number} ORDER BY seq")
    journal = [(key, *astuple(posting)) for key, kept in entered for posting in decode_postings(kept)]
    folded = fold(journal)
    assert {account: folded[account] for account in cast.all} == stored
    assert sum(b.debits_posted for b in balances) == sum(b.credits_posted for b in balances)
    assert sum(b.debits_pending for b in balances) == sum(b.credits_pending for b in balances)
    assert len({row[0] for row in journal}) == len(model.journal)
    states = engine.rows("SELECT id, debit, credit, amount, state FROM pendings")
    mine = {row[0]: tuple(row[1:]) for row in states if row[0][:13] == cast.ids[0][:13]}
    assert mine == {key: (p.debit, p.credit, p.amount, state) for key, (p, state) in model.pendings.items()}
