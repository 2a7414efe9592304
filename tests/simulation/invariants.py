"""The invariants by code, each with the check that holds it: what must be so after every crash and at every end."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import msgpack
from tests.simulation import books
from tests.simulation.bankers import Bankers
from tests.simulation.history import History, must
from tests.simulation.journal import Journal
from tests.simulation.receivers import Receivers
from tests.simulation.tales import Tales
from tests.simulation.town import FUNDS

from handfast.core.ids import Id, account_currency, owner_of
from handfast.core.money import MAX_AMOUNT
from handfast.domain.claims import CLAIM_STATES, CLAIMS
from handfast.domain.custody import BANK_LINES
from handfast.domain.disputes import DISPUTE_STATES, DISPUTES
from handfast.domain.exchange import QUOTES
from handfast.domain.notifications import DELIVERIES, ENDPOINTS, fanned_out
from handfast.domain.parties import HOUSE, PARTIES, PERSON_KEYS, CreateParty
from handfast.domain.payments import PAYMENTS, REFUNDS, lines_of
from handfast.domain.payouts import PAYOUTS
from handfast.domain.payouts.tables import end_to_end
from handfast.domain.trades import OVER, TRADES
from handfast.ledger import Purpose
from handfast.store.reader import Reader, find, get


@dataclass
class Judge:
    """The models, and what the outside knows; `final` says that the bank and all receivers were heard to the end."""

    history: History
    receivers: Receivers
    bankers: Bankers
    journal: Journal = field(default_factory=Journal)
    tales: Tales = field(default_factory=Tales)
    checked: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    final: bool = False

    def check(self, reader: Reader, *codes: str) -> None:
        """Hold all invariants, or those named, of one committed state. Raises Violation."""
        with reader.snapshot():
            self.journal.read(reader)
            self.tales.read(reader)
            for code, (_, holds) in TABLE.items():
                if not codes or code in codes:
                    holds(self, reader)
                    self.checked[code] += 1


def balanced(judge: Judge, reader: Reader) -> None:
    ((total,),) = reader.rows("SELECT coalesce(sum(debits_posted - credits_posted), 0) FROM accounts")
    must(total == 0, "B1", f"debits exceed credits by {total}")


def floors(judge: Judge, _reader: Reader) -> None:
    """The fold holds them at every prefix; here, what is pending is covered, too, and is what is authorised."""
    pending = {key: four[0] for key, four in judge.journal.balances.items() if four[0]}
    asked = books.aside(judge.tales.rows)
    must(pending == asked, "B2", f"pending {pending}, authorised {asked}")


def exactly_once(judge: Judge, _reader: Reader) -> None:
    judge.tales.every_effect_was_asked(judge.history)


def answers_kept(judge: Judge, _reader: Reader) -> None:
    """Answers are held as they come (see History.heard); a merchant's number, and a payment code, name one thing."""
    names: defaultdict[tuple[Any, ...], set[Id]] = defaultdict(set)
    for asked in judge.history.answered:
        command, result = asked.request.command, asked.result
        match asked.request.verb if not asked.refused else "":
            case "checkouts.ask" | "checkouts.open":
                names["order", command.app, command.number].add(result.id)
            case "checkouts.charge":
                names["order", command.ask.app, command.ask.number].add(result.id)
                names["code", command.code].add(result.id)
            case "checkouts.refund":
                names["refund", command.checkout, command.number].add(result.refund.id)
            case _:
                pass
    twice = [name for name, found in names.items() if len(found) > 1]
    must(not twice, "B4", f"one number names two things: {twice}")


def payments(judge: Judge, _reader: Reader) -> None:
    rows = judge.tales.rows
    given: Counter[Id] = Counter()
    for refund in rows[REFUNDS]:
        given[refund.payment] += refund.amount
    for payment in rows[PAYMENTS]:
        told = given[payment.id]
        must(payment.refunded == told, "B5", f"refunded {payment.refunded}, its refunds say {told}")
        must(payment.tax + payment.commission <= payment.amount, "B5", "fees are more than the amount")


def escrow(judge: Judge, _reader: Reader) -> None:
    given: Counter[Id] = Counter()
    rows = judge.tales.rows
    for refund in rows[REFUNDS]:
        if refund.trade is not None:
            given[refund.trade] += refund.amount
    posted = judge.journal.posted().items()
    accounts = {owner_of(account): amount for account, amount in posted if account[13] == Purpose.HELD}
    for trade in rows[TRADES]:
        back, held = trade.refunded + trade.returned, trade.amount - trade.refunded - trade.released
        must(back == given[trade.id], "B6", f"gave back {back}, its refunds say {given[trade.id]}")
        must((held > 0) == (trade.state in ("held", "shipped", "delivered")), "B6", f"{held} held, {trade.state}")
        must(accounts.get(trade.id, 0) == held, "B6", f"{held} is to be held, {accounts.get(trade.id, 0)} is")


def conversions(judge: Judge, _reader: Reader) -> None:
    """A customer pays the exact product, rounded up; the books predict position and rounding to the unit."""
    books.compare(judge.tales.rows, judge.journal.posted())
    quotes = {quote.id: quote for quote in judge.tales.rows[QUOTES]}
    for event in judge.tales.events:
        if event.type == "quote.used":
            must(event.at < quotes[owner_of(event.id)].expires, "B7", "a quote served after its time")
    for payment in judge.tales.rows[PAYMENTS]:
        quote = quotes.get(payment.quote) if payment.quote else None
        if quote is None:
            continue
        must(quote.state == "used", "B7", "a quote that served is not used")
        lines = max(1, len(lines_of(payment)))
        over = payment.pay_amount * quote.denominator - payment.amount * quote.numerator
        must(0 <= over < lines * quote.denominator, "B7", f"{payment.pay_amount} for {payment.amount} at {quote}")


def outbox(judge: Judge, reader: Reader) -> None:
    judge.tales.objects_follow()
    endpoints = {row.id: row for row in find(reader, ENDPOINTS, "1 = 1")}
    urls = {row.url: row.id for row in endpoints.values()}
    known = {event.id: event for event in judge.tales.events}
    queues: dict[tuple[Id, Id], list[Any]] = defaultdict(list)
    for row in find(reader, DELIVERIES, "1 = 1 ORDER BY endpoint, object, place"):
        queues[row.endpoint, row.object].append(row)
    for (endpoint, about), queue in queues.items():
        must([row.place for row in queue] == list(range(1, len(queue) + 1)), "B8", f"places of {about.hex()}")
        open_ = [row.state for row in queue if row.state not in ("delivered", "parked")]
        must(open_[1:] == ["waiting"] * len(open_[1:]) and open_[:1] != ["waiting"], "B8", f"a queue is {open_}")
        must(all(_wanted(endpoints[endpoint], known[row.event]) for row in queue), "B8", "told to a stranger")
    _arrived_in_order(judge, urls, queues, known)
    _owed(judge, reader, endpoints, {(row.endpoint, row.event) for queue in queues.values() for row in queue})


def _wanted(endpoint: Any, event: Any) -> bool:
    """Whether an event may go to an endpoint: by whose it is, and by its type."""
    head = event.type.split(".")[0]
    return endpoint.party in (event.owner, HOUSE) and bool({"*", event.type, f"{head}.*"} & set(endpoint.types.split()))


def _arrived_in_order(judge: Judge, urls: dict[str, Id], queues: Any, known: dict[Id, Any]) -> None:
    """What reached an endpoint about an object came in the queue's order, and all that is called delivered came."""
    place: Counter[tuple[Id, Id]] = Counter()
    taken: Counter[tuple[Id, Id]] = Counter()
    for arrival in judge.receivers.arrivals:
        must(arrival.event in known, "B8", f"{arrival.event.hex()} was told and never happened")
        endpoint = urls.get(arrival.url)
        must(endpoint is not None, "B8", f"nobody knows {arrival.url}")
        assert endpoint is not None
        key = endpoint, owner_of(arrival.event)
        queue = queues[key]
        at = place[key]
        while at < len(queue) and queue[at].event != arrival.event:
            at += 1
        must(at < len(queue), "B8", f"{known[arrival.event].type} came out of turn, after {place[key]} others")
        place[key] = at
        taken[endpoint, arrival.event] += arrival.taken
    for queue in queues.values():
        for row in queue:
            if row.state == "delivered":
                must(
                    taken[row.endpoint, row.event], "B8", f"{known[row.event].type} is called delivered, and never came"
                )


def _owed(judge: Judge, reader: Reader, endpoints: dict[Id, Any], queued: set[tuple[Id, Id]]) -> None:
    """What an endpoint that was never turned off wants was queued for it, once it was fanned out."""
    until = fanned_out(reader)
    asked = {key: place for place, key in enumerate(judge.tales.operations)}
    since = {
        msgpack.decode(each.body)["id"]: asked[each.id]
        for each in judge.tales.operations.values()
        if each.verb == "notifications.create_endpoint" and not each.outcome
    }
    must(not judge.final or until == len(judge.tales.events), "B8", "not all events were fanned out")
    for endpoint in endpoints.values():
        if endpoint.version == 1:
            for event in judge.tales.events[:until]:
                later = asked[event.operation] > since[endpoint.id] and event.at >= endpoint.created
                if later and _wanted(endpoint, event):
                    must((endpoint.id, event.id) in queued, "B8", f"{event.type} was not queued for {endpoint.url}")
    if judge.final:
        rows = reader.rows(
            "SELECT deliveries.state FROM deliveries JOIN endpoints ON endpoints.id = deliveries.endpoint"
            " WHERE endpoints.state = 'active' AND deliveries.state NOT IN ('delivered', 'parked')"
        )
        must(not rows, "B8", f"{len(rows)} deliveries are open at the end")


def dense(judge: Judge, reader: Reader) -> None:
    """The fold and the tales hold order and changelessness; the database itself refuses the rest."""
    ((entries, events),) = reader.rows("SELECT (SELECT max(seq) FROM entries), (SELECT max(seq) FROM events)")
    must((entries, events) == (len(judge.journal.rows), len(judge.tales.events)), "B9", "a place is empty")


def rebuilt(judge: Judge, reader: Reader) -> None:
    judge.journal.compare(reader)


def settled(judge: Judge, _reader: Reader) -> None:
    """Each line of the bank's is booked at most once, and to the end all are, so that custody is what the bank has."""
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    custody: Counter[str] = Counter()
    for line in judge.tales.rows[BANK_LINES]:
        lines[line.currency][line.amount] += 1
        custody[line.currency] += line.amount
    posted = judge.journal.posted()
    for currency in FUNDS:
        bank = judge.bankers.moved(currency)
        must(lines[currency] <= bank, "B11", f"booked, and not the bank's: {lines[currency] - bank}")
        must(not judge.final or lines[currency] == bank, "B11", f"never booked: {bank - lines[currency]}")
    for account, amount in posted.items():
        if account[13] == Purpose.CUSTODY:
            must(-amount == custody[account_currency(account)], "B11", "custody is not the sum of its lines")
    payouts = {end_to_end(row.id): row for row in judge.tales.rows[PAYOUTS]}
    for name, times in judge.bankers.paid.items():
        must(name in payouts and times == 1, "B11", f"the bank paid {name} {times} times")
        must(payouts[name].state in ("ordered", "paid", "returned"), "B11", f"paid, and {payouts[name].state}")


def durable(judge: Judge, _reader: Reader) -> None:
    judge.tales.every_answer_is_kept(judge.history)


def reads(judge: Judge, reader: Reader) -> None:
    """A client that was told of an object's version reads that version or a later one."""
    for asked in judge.history.answered[judge.seen :]:
        row = judge.tales.latest.get(getattr(asked.result, "id", b""))
        if row is not None and type(row) is type(asked.result):
            must(row.version >= asked.result.version, "B13", f"told {asked.result.version}, read {row.version}")
    judge.seen = len(judge.history.answered)


def limits(judge: Judge, _reader: Reader) -> None:
    for table in (PAYMENTS, TRADES, REFUNDS, PAYOUTS):
        for row in judge.tales.rows[table]:
            must(type(row.amount) is int and 0 < row.amount <= MAX_AMOUNT, "B14", f"{table.name}: {row.amount}")


def erased(judge: Judge, reader: Reader) -> None:
    """Of an erased person neither key nor details are left, and no copy of the key anywhere."""
    gone = {party.id: party for party in judge.tales.rows[PARTIES] if party.state == "erased"}
    for party in gone.values():
        row = get(reader, PERSON_KEYS, party.id)
        must(row is not None and row.wrapped == b"", "E1", "an erased person's key is there")
        must(party.details == b"", "E1", "an erased person's details are there")
    for asked in judge.history.answered if gone else ():
        command = asked.request.command
        if isinstance(command, CreateParty) and command.party in gone:
            for table in ("events", "operations"):
                rows = reader.rows(f"SELECT 1 FROM {table} WHERE instr(body, ?) > 0", (command.wrapped_key,))
                must(not rows, "E1", f"an erased person's key is kept in {table}")


def clocks(judge: Judge, _reader: Reader) -> None:
    """What is open waits for a time of its own, and a claim or dispute stops its trade's clock."""
    claims = {row.id: row for row in judge.tales.rows[CLAIMS] if CLAIM_STATES[row.state]}
    disputes = {row.id: row for row in judge.tales.rows[DISPUTES] if DISPUTE_STATES[row.state]}
    for trade in judge.tales.rows[TRADES]:
        claim, dispute = claims.pop(trade.claim, None), disputes.pop(trade.dispute, None)
        must((claim is None, dispute is None) == (trade.claim is None, trade.dispute is None), "T1", trade)
        stopped = claim is not None or dispute is not None
        must((trade.paused is not None) == stopped, "T1", trade)
        must((trade.due is not None) == (not stopped and trade.state not in OVER), "T1", trade)
        must(claim is None or (claim.due is None) == (dispute is not None), "T1", claim)
        must(dispute is None or dispute.due is not None, "T1", dispute)
    must(not claims and not disputes, "T1", "a claim or dispute of no trade is open")
    for payment in judge.tales.rows[PAYMENTS]:
        must((payment.due is not None) == (payment.state in ("open", "authorised")), "T1", payment)


def fenced(judge: Judge, reader: Reader) -> None:
    """Every commit was the living desk's: see Simulation.wake. Here, there is one desk's row."""
    must(len(reader.rows("SELECT epoch FROM desk")) == 1, "F1", "two desks")


def unbroken(judge: Judge, _reader: Reader) -> None:
    """Nobody is ever told that the service itself failed: see History.heard."""


Check = Callable[[Judge, Reader], None]
TABLE: dict[str, tuple[str, Check]] = {
    "B3": ("exactly once: every effect has one request, a refusal has none", exactly_once),
    "B12": ("durable: what was answered is there after every crash", durable),
    "B4": ("replay: one key has one answer, and another body none", answers_kept),
    "B9": ("journal: dense, and never changed", dense),
    "B8": ("outbox: an event for each change, in order, told at least once", outbox),
    "B10": ("rebuild: journal, balances, statements, objects and events agree", rebuilt),
    "B1": ("balance: debits are credits", balanced),
    "B2": ("floor: no floored account below zero, at any entry", floors),
    "B6": ("escrow: what is held is what was paid less released and refunded", escrow),
    "B5": ("payment: captured, refunded, fees and net add up", payments),
    "B7": ("exchange: both legs, the remainder in rounding, never the customer's gain", conversions),
    "B11": ("settlement: each bank line once, each payout once, custody is the bank's", settled),
    "B13": ("reads: sums hold at any moment, and one reads what one was told", reads),
    "B14": ("limits: whole minor units within bounds", limits),
    "T1": ("clocks: nothing fires before its time, nothing waits for ever", clocks),
    "F1": ("fence: a deposed desk commits nothing", fenced),
    "E1": ("erasure: nothing is left of an erased person", erased),
    "D1": ("desk: no verb breaks it", unbroken),
}
"""By code (B1 to B14 are those of the reliability goals): what it says, and its check, in the order of naming."""
