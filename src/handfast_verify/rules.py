"""What must hold of each kind of object beside its entries, its accounts, and what names it."""

from collections.abc import Callable
from typing import Any

from msgspec import MsgspecError, Struct, msgpack

from handfast_verify.facts import (
    CUSTODY,
    HELD,
    HOUSE,
    OPERATOR,
    PAYOUT,
    POSITION,
    RECEIVABLE,
    RESERVE,
    SUSPENSE,
    WALLET,
    account,
)
from handfast_verify.findings import Findings
from handfast_verify.ledger import Posting
from handfast_verify.terms import Row, Shares, Sums, kept_back

_HOLDS = frozenset({"held", "shipped", "delivered"})


class _Line(Struct, frozen=True, array_like=True):
    """A payment's line, as it is kept."""

    trade: bytes
    seller: bytes
    title: str
    category: str
    delivery: str
    policy: bytes
    amount: int
    tax: int
    commission: int
    shares: Shares
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int
    captured: bool


_lines = msgpack.Decoder(tuple[_Line, ...]).decode
_shares = msgpack.Decoder(Shares).decode
_FROZEN = (
    *("seller", "title", "category", "delivery", "amount", "tax", "commission"),
    *("pay_amount", "pay_position", "settle_currency", "settle_amount", "settle_position"),
)


class Case:
    """An object, the entries whose ids derive from its, the accounts that it owns, and its parts: what names it.

    A part is (kind, …): see PARTS in handfast_verify.objects.
    """

    __slots__ = ("_findings", "accounts", "entries", "parts", "row", "table")

    def __init__(self, findings: Findings, table: str, row: Row) -> None:
        self._findings = findings
        self.table = table
        self.row = row
        self.entries: list[tuple[str, tuple[Posting, ...]]] = []
        self.accounts: dict[bytes, tuple[int, int]] = {}
        self.parts: list[tuple[Any, ...]] = []

    def must(self, holds: bool, what: str, expected: object, found: object) -> None:  # noqa: FBT001
        """Note a fault where something does not hold."""
        if not holds:
            self._findings.add("objects", self.table, self.row["id"], what, expected, found)

    def must_equal(self, what: str, expected: object, found: object) -> None:
        """Note a fault where two values differ."""
        if expected != found:
            self._findings.add("objects", self.table, self.row["id"], what, expected, found)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        """Its parts of a kind, without that."""
        return [part[1:] for part in self.parts if part[0] == kind]

    def must_have_moved(self, expected: Sums) -> None:
        """Hold what its entries, and its refunds', posted on each account against what its terms say."""
        found = Sums()
        for _, postings in self.entries:
            found.post(postings)
        for part in self.parts:
            if part[0] == "refund":
                found.post(part[3])
        said, did = expected.moved(), found.moved()
        if said != did:
            for key in sorted(said.keys() | did.keys()):
                if said.get(key, 0) != did.get(key, 0):
                    what = f"what its entries posted on {key.hex()} and what counts as one with it"
                    self.must_equal(what, said.get(key, 0), did.get(key, 0))


def payment(case: Case) -> None:
    """Captured within authorised, refunded within captured; each account moved as the terms say; quoted exactly."""
    row = case.row
    case.must(0 <= row["captured"] <= row["amount"], "captured", f"0 to {row['amount']}", row["captured"])
    case.must(0 <= row["refunded"] <= row["captured"], "refunded", f"0 to {row['captured']}", row["refunded"])
    if row["state"] in ("open", "cancelled", "voided"):
        case.must_equal(f"captured of one that is {row['state']}", 0, row["captured"])
    if row["state"] != "authorised":
        case.must_equal(f"money set aside for one that is {row['state']}", None, row["pending"])
    if row["quote"] is not None:
        case.must_equal("the state of its quote", "used", row["quoted"])
        if row["quoted_in"] == row["pay_currency"] and row["numerator"] is not None:
            exact = -(-row["amount"] * row["numerator"] // row["denominator"])
            case.must_equal("the price at its quote's rate", exact, row["pay_amount"])
    expected = Sums()
    if row["payer"] is None:
        case.must_equal("captured without a payer", 0, row["captured"])
    else:
        payer = account(row["payer"], WALLET, row["pay_currency"])
        if not row["lines"]:
            for done in (row["captured"], -row["refunded"]):
                expected.pay_in(row, payer, done)
                expected.disburse(row, row["merchant"], done)
        elif not _lines_hold(case, expected, payer):
            return
    case.must_have_moved(expected)


def _lines_hold(case: Case, expected: Sums, payer: bytes) -> bool:
    """Add what the captured lines put into their trades; whether the lines could be read."""
    row, captured = case.row, 0
    try:
        lines = _lines(row["lines"])
    except MsgspecError:
        case.must_equal("its lines", "lines that can be read", row["lines"])
        return False
    case.must_equal("the sum of its lines", row["amount"], sum(line.amount for line in lines))
    for line in lines:
        if line.captured:
            captured += line.amount
            terms = {
                "currency": row["currency"],
                "amount": line.amount,
                "pay_currency": row["pay_currency"],
                "pay_amount": line.pay_amount,
                "pay_position": line.pay_position,
            }
            expected.pay_in(terms, payer, line.amount)
            expected.add(account(line.trade, HELD, row["currency"]), line.amount)
    case.must_equal("captured lines", row["captured"], captured)
    return True


def refund(case: Case) -> None:
    """Its entry gives the payer what it says; payment and trade are those that it names."""
    row = case.row
    given = 0
    if row["payer"]:
        wallet = account(row["payer"], WALLET, row["pay_currency"])
        for _, postings in case.entries:
            for debit, credit, amount, _, _ in postings:
                given += amount * ((credit == wallet) - (debit == wallet))
    case.must_equal(f"what its entry gave the payer in {row['pay_currency']}", row["pay_amount"], given)
    whole = (row["payment_merchant"], row["payment_currency"], row["payment_pays"])
    case.must_equal("its payment", (row["merchant"], row["currency"], row["pay_currency"]), whole)
    if row["trade"] is not None:
        case.must_equal("its trade's payment", row["payment"], row["trade_payment"])


def trade(case: Case) -> None:
    """What is held, released, refunded and reserved agree with its account and entries, by its frozen terms."""
    row = case.row
    left = row["amount"] - row["refunded"] - row["released"]
    case.must(left >= 0 and 0 <= row["returned"] <= row["released"], "its parts", row["amount"], left)
    credits, debits = case.accounts.get(account(row["id"], HELD, row["currency"]), (0, 0))
    # Rounding may add to what was put in, so that parts come out whole.
    case.must(credits >= row["amount"], "what was put into its account", row["amount"], credits)
    case.must_equal("what is held in its account", left, credits - debits)
    back = row["refunded"] + row["returned"]
    if row["state"] in _HOLDS:
        case.must(left > 0, f"held while it is {row['state']}", "something", left)
    elif row["state"] == "refunded":
        case.must_equal("what went back", row["amount"], back)
    else:
        case.must_equal(f"held though it is {row['state']}", 0, left)
    case.must_equal("the sum of its refunds", back, sum(part[0] for part in case.of("refund")))
    granted = sum(part[0] for part in case.of("granted"))
    case.must(granted <= back, "granted by claims and disputes", f"at most {back}", granted)
    for name in ("claim", "dispute"):
        pointed = [] if row[name] is None else [row[name]]
        case.must_equal(f"its open {name}", pointed, [part[0] for part in case.of(name)])
    try:
        shares = _shares(row["shares"]) if row["shares"] else ()
        lines = {line.trade: line for line in _lines(row["payment_lines"] or b"\x90")}
    except MsgspecError:
        case.must_equal("its shares and its payment's lines", "what can be read", (row["shares"], row["payment_lines"]))
        return
    _as_sold(case, lines.get(row["id"]), shares)
    _reserve(case, shares)
    expected = Sums()
    expected.add(account(row["id"], HELD, row["currency"]), left - row["amount"])
    expected.disburse(row, row["seller"], row["released"], shares)
    expected.disburse(row, row["seller"], -row["returned"], shares)
    expected.pay_in(row, account(row["buyer"], WALLET, row["pay_currency"]), -back)
    case.must_have_moved(expected)


def _as_sold(case: Case, line: _Line | None, shares: Shares) -> None:
    """Its terms are those of its payment's line; an amendment changes the policy alone."""
    row = case.row
    if line is None or not line.captured:
        case.must_equal("a captured line of its payment", "one", "none")
        return
    for name in _FROZEN:
        case.must_equal(f"{name}, as its payment's line has it", getattr(line, name), row[name])
    case.must_equal("shares, as its payment's line has them", line.shares, shares)
    for name in ("merchant", "currency", "pay_currency"):
        case.must_equal(f"{name}, as its payment has it", row[f"payment_{name}"], row[name])
    case.must_equal("the buyer, as its payment has it", row["payment_payer"], row["buyer"])


def _reserve(case: Case, shares: Shares) -> None:
    """The reserve was given its share of what was released, and keeps it until it is freed, once."""
    row = case.row
    reserve = account(row["seller"], RESERVE, row["settle_currency"])
    entries = [postings for _, postings in case.entries] + [part[2] for part in case.of("refund")]
    given = sum(
        amount for postings in entries for _, credit, amount, mode, _ in postings if credit == reserve and mode == 0
    )
    kept = kept_back(row, shares)
    case.must_equal("what was put into the seller's reserve", kept, given)
    case.must(row["reserved"] in (0, kept), "its reserve", kept, row["reserved"])
    if kept and not row["reserved"]:
        freed = row["state"] == "refunded" or "trade.free_reserve" in [kind for kind, _ in case.entries]
        case.must(freed, "what freed its reserve", "an entry", "none")


def transfer(case: Case) -> None:
    """One entry, of its amount, from payer to payee."""
    row = case.row
    payer, payee = (account(row[name], WALLET, row["currency"]) for name in ("payer", "payee"))
    wanted = [("transfer.create", ((payer, payee, row["amount"], 0, None),))]
    case.must_equal(f"its entry of {row['amount']} from payer to payee", wanted, case.entries)


def write_off(case: Case) -> None:
    """One entry, of its amount, by which the operator bears what the party owed."""
    row = case.row
    house, owed = account(HOUSE, OPERATOR, row["currency"]), account(row["party"], RECEIVABLE, row["currency"])
    wanted = [("receivable.write_off", ((house, owed, row["amount"], 0, None),))]
    case.must_equal(f"its entry of {row['amount']} from operator to receivable", wanted, case.entries)


def payout(case: Case) -> None:
    """Set aside when asked for; gone by one bank line, or given back by an entry or a second line."""
    row = case.row
    state, amount = row["state"], row["amount"]
    case.must("payout.request" in [kind for kind, _ in case.entries], "its entry", "payout.request", "none")
    booked = sorted(part[1] for part in case.of("line"))
    wanted = {"paid": [-amount], "returned": [-amount, amount] if booked else []}.get(state, [])
    case.must_equal(f"bank lines of a payout that is {state}", wanted, booked)
    expected = Sums()
    if state != "cancelled" and (state != "returned" or booked):
        expected.add(account(row["party"], row["source"], row["currency"]), -amount)
        expected.add(account(row["party"], PAYOUT, row["currency"]), amount)
    case.must_have_moved(expected)
    if row["file"] is not None:
        case.must_equal("the currency of its file", row["currency"], row["file_currency"])
    if state == "ordered":
        case.must(row["file_state"] in ("prepared", "approved"), "its file", "one", row["file_state"])
    elif booked:
        case.must_equal("the state of its file", "approved", row["file_state"])


def payout_file(case: Case) -> None:
    """Its number and total are its payouts'; two persons stand behind an approved one, or a house of one."""
    row = case.row
    amounts = [part[0] for part in case.of("payout")]
    rejected = row["state"] == "rejected"
    case.must_equal("how many payouts it orders", 0 if rejected else row["count"], len(amounts))
    case.must_equal("the sum of its payouts", 0 if rejected else row["total"], sum(amounts))
    if row["state"] == "prepared":
        case.must_equal("who decided on it", None, row["decided_by"])
    else:
        alone = row["version"] == 1 or rejected
        other = row["decided_by"] is not None and (alone or row["decided_by"] != row["prepared_by"])
        case.must(other, "who decided on it", "another person than prepared it", row["decided_by"])


def payout_plan(case: Case) -> None:
    """The payout that it names is the party's, in its currency."""
    row = case.row
    if row["payout"] is not None:
        named = (row["payout_party"], row["payout_currency"])
        case.must_equal("its last payout", (row["party"], row["currency"]), named)


def topup(case: Case) -> None:
    """What was credited came by bank lines."""
    row = case.row
    lines = case.of("line")
    case.must_equal("the sum of its bank lines", row["credited"], sum(part[1] for part in lines))
    case.must_equal("its state", "credited" if lines else "open", row["state"])
    case.must_equal("its bank lines' currencies", {row["currency"]} if lines else set(), {part[0] for part in lines})


def deal(case: Case) -> None:
    """What was sold and bought are its bank lines."""
    row = case.row
    wanted = [(row["sell_currency"], -row["sold"])] if row["sold"] else []
    wanted += [(row["buy_currency"], row["bought"])] if row["bought"] else []
    case.must_equal("its bank lines", sorted(wanted), sorted(case.of("line")))
    for done, agreed in (("sold", "sell_amount"), ("bought", "buy_amount")):
        case.must(row[done] in (0, row[agreed]), done, row[agreed], row[done])
    case.must_equal("its state", "booked" if row["sold"] and row["bought"] else "agreed", row["state"])


def bank_line(case: Case) -> None:
    """It moved custody by its amount, once, against the account of what it was matched to."""
    row = case.row
    currency, amount = row["currency"], row["amount"]
    expected = Sums()
    expected.add(account(HOUSE, CUSTODY, currency), -amount)
    if row["state"] == "suspense":
        expected.add(account(HOUSE, SUSPENSE if amount > 0 else OPERATOR, currency), amount)
    elif row["payout_party"] is not None:
        expected.add(account(row["payout_party"], row["payout_source"] if amount > 0 else PAYOUT, currency), amount)
    elif row["deal"] is not None:
        expected.add(account(HOUSE, POSITION, currency), amount)
    else:
        owner = row["topup_party"] or row["object"]
        case.must(owner is not None, "what it was matched to", "something", None)
        if owner is None:
            return
        expected.add(account(owner, OPERATOR if owner == HOUSE else WALLET, currency), amount)
    case.must_have_moved(expected)


def claim(case: Case) -> None:
    """It is about its trade, asks for no more than that, and its trade stands still while it is open."""
    row = case.row
    _about_trade(case)
    case.must(0 < row["amount"] <= row["trade_amount"], "its amount", f"at most {row['trade_amount']}", row["amount"])


def dispute(case: Case) -> None:
    """As a claim; and what each side showed is as much as is noted."""
    row = case.row
    _about_trade(case)
    for name in ("asked", "amount", "first_amount"):
        case.must(0 <= row[name] <= row["trade_amount"], name, f"at most {row['trade_amount']}", row[name])
    for side in ("buyer", "seller", "operator"):
        shown = sum(part[0] == side for part in case.of("evidence"))
        case.must_equal(f"evidence shown by the {side}", shown, row[f"evidence_{side}"])


def _about_trade(case: Case) -> None:
    row = case.row
    for name in ("payment", "merchant", "seller", "buyer", "currency"):
        case.must_equal(f"{name}, as its trade has it", row[f"trade_{name}"], row[name])


def nothing(case: Case) -> None:
    """It moves no money by itself."""
    case.must_equal("its entries", [], case.entries)


def party(case: Case) -> None:
    """It moves no money by itself, and is a debtor if, and only if, something was ever advanced for it."""
    nothing(case)
    advanced = any(key[13] == RECEIVABLE for key in case.accounts)
    case.must_equal("debtor, as its receivables tell", int(advanced), case.row["debtor"])


Rule = Callable[[Case], None]
