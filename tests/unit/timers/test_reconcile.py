"""Statements read as accounting examples: given what people paid in, when the file is read, then whose money it is."""

from collections.abc import Iterator, Sequence

import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import person
from tests.unit.timers.bank_day import BUYER, BUYER_IBAN, CUSTODY, MONDAY, SHOP, SHOP_IBAN, TUESDAY, BankDay

from handfast.core.errors import Invalid, Refusal, Unavailable
from handfast.core.ids import Id
from handfast.domain.custody import BANK_LINES, LineDetails, lines_in_suspense
from handfast.domain.exchange import DEALS, AgreeDeal
from handfast.domain.parties import HOUSE, PARTIES, MoveParty
from handfast.domain.payouts import PAYOUTS, RequestPayout
from handfast.ledger import Purpose
from handfast.rails import PaymentFile, PaymentInstruction, write_payments
from handfast.store.reader import find, get
from handfast.store.verb import Answer, Request
from handfast.timers.payout_files import prepare_payout_file
from handfast.timers.reconcile import ImportReport, import_statement, line_details, resolve


@pytest.fixture
def day(engine: Engine) -> Iterator[BankDay]:
    day = BankDay(engine)
    yield day
    day.reader.close()


def read(day: BankDay, currency: str = "CNY", on: str = MONDAY) -> ImportReport:
    return import_statement(day.statement(currency, on), day.clerk())


def reasons(report: ImportReport) -> list[tuple[int, str]]:
    return [(line.amount, line.reason) for line in report.suspense]


def outcomes(report: ImportReport) -> list[str]:
    return [statement.outcome for statement in report.statements]


def test_a_topup_comes_in_by_statement(day: BankDay) -> None:
    buyer = day.party("customer")
    topup = day.topup(buyer, "CNY", 61_135)
    day.deposit("CNY", 61_135, f"top up {topup.reference.lower()}")
    report = read(day)
    assert (report.lines, report.booked_before, report.matched) == (1, 0, {"topup": 1})
    assert (report.suspense, report.refused, outcomes(report)) == ([], [], ["recorded"])
    assert day.wallet(buyer, "CNY") == 61_135
    found = day.equation("CNY")
    assert (found.bank, found.bank_said, found.client_debt) == (61_135, 61_135, 61_135)


def test_the_same_file_again_changes_nothing_and_says_so(day: BankDay) -> None:
    buyer = day.party("customer")
    day.deposit("CNY", 500, day.topup(buyer, "CNY").reference)
    day.deposit("CNY", 7, "no idea")
    data = day.statement("CNY")
    import_statement(data, day.clerk())
    before = [day.rows(table) for table in ("accounts", "bank_lines", "bank_statements", "events", "operations")]

    day.next_day()
    again = import_statement(data, day.clerk())
    assert (again.lines, again.booked_before, again.matched) == (2, 2, {})
    assert (again.suspense, again.refused, outcomes(again)) == ([], [], ["recorded before"])
    copy_made_later = read(day)
    assert (copy_made_later.booked_before, outcomes(copy_made_later)) == (2, ["recorded before"])
    after = [day.rows(table) for table in ("accounts", "bank_lines", "bank_statements", "events", "operations")]
    assert after == before


def test_what_names_nobody_waits_in_suspense(day: BankDay) -> None:
    day.deposit("CNY", 500, "rent for November")
    day.deposit("CNY", 600, "HF7K0M9Q1PP")
    report = read(day)
    assert reasons(report) == [(500, "unmatched"), (600, "unmatched")]
    assert outcomes(report) == ["recorded"]
    found = day.equation("CNY")
    assert (found.bank_said, found.client_debt, found.exceptions) == (1_100, 0, 1_100)


def test_money_in_another_currency_than_announced_waits_in_suspense(day: BankDay) -> None:
    buyer = day.party("customer")
    day.deposit("USD", 100, day.topup(buyer, "CNY").reference)
    report = read(day, "USD")
    assert reasons(report) == [(100, "currency_mismatch")]
    assert (day.wallet(buyer, "CNY"), day.wallet(buyer, "USD")) == (0, 0)


@pytest.mark.parametrize("step", ["suspend", "erase"])
def test_money_for_a_party_that_is_not_active_waits_in_suspense(day: BankDay, step: str) -> None:
    buyer = day.party("customer")
    topup = day.topup(buyer, "CNY")
    day.do(MoveParty(buyer, step))
    day.deposit("CNY", 100, topup.reference)
    assert reasons(read(day)) == [(100, "party_suspended")]
    (line,) = lines_in_suspense(day.reader, b"", 10)
    details = line_details(line, day.clerk())
    assert (line.party, details and details.name) == (HOUSE, BUYER)


def test_two_references_in_one_line_wait_for_somebody_to_choose(day: BankDay) -> None:
    buyer = day.party("customer")
    first, second = day.topup(buyer, "CNY"), day.topup(buyer, "CNY")
    day.deposit("CNY", 100, f"{first.reference} {second.reference}")
    assert reasons(read(day)) == [(100, "reference_ambiguous")]


def test_two_lines_of_one_reference_and_more_than_was_announced(day: BankDay) -> None:
    buyer = day.party("customer")
    topup = day.topup(buyer, "CNY", 100)
    day.deposit("CNY", 80, topup.reference)
    day.deposit("CNY", 80, "second half", end_to_end_id=topup.reference)
    assert read(day).matched == {"topup": 2}
    assert day.wallet(buyer, "CNY") == 160


def test_the_operators_prefunding_is_no_clients(day: BankDay) -> None:
    day.deposit("USD", 9_000, day.topup(HOUSE, "USD").reference)
    assert read(day, "USD").matched == {"topup": 1}
    found = day.equation("USD")
    assert (found.client_debt, found.operator_due) == (0, 9_000)


def paid_in(day: BankDay, currency: str, amount: int) -> Id:
    """A shop with money in its wallet that is in the bank."""
    shop = day.party("merchant")
    day.deposit(currency, amount, day.topup(shop, currency).reference)
    read(day, currency)
    return shop


def test_a_payout_is_booked_when_the_bank_has_paid_it(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    payout = day.do(RequestPayout(shop, "EUR", 400))
    file = day.pay_file("EUR")
    assert day.equation("EUR").in_flight == 400
    day.bank.execute(file, on=TUESDAY)
    assert read(day, "EUR", TUESDAY).matched == {"payout": 1}
    paid = get(day.reader, PAYOUTS, payout.id)
    assert (paid and paid.state, day.wallet(shop, "EUR")) == ("paid", 600)
    found = day.equation("EUR")
    assert (found.bank, found.bank_said, found.client_debt, found.in_flight) == (600, 600, 600, 0)


def test_a_payout_that_goes_out_and_comes_back_on_one_day(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    payout = day.do(RequestPayout(shop, "EUR", 400))
    file = day.pay_file("EUR")
    day.bank.execute(file, on=TUESDAY)
    day.bank.give_back(CUSTODY["EUR"], payout.end_to_end, on=TUESDAY)
    report = read(day, "EUR", TUESDAY)
    assert (report.matched, report.suspense) == ({"payout": 1, "return": 1}, [])
    returned = get(day.reader, PAYOUTS, payout.id)
    assert (returned and returned.state, day.wallet(shop, "EUR")) == ("returned", 1_000)
    party = get(day.reader, PARTIES, shop)
    assert returned is not None
    assert party is not None
    assert (returned.reason, party.payee_check, party.payee_reason) == ("AC04", "returned", "AC04")


def test_a_bank_that_gives_its_reason_in_words_is_not_quoted(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    payout = day.do(RequestPayout(shop, "EUR", 400))
    day.bank.execute(day.pay_file("EUR"), on=TUESDAY)
    day.bank.give_back(CUSTODY["EUR"], payout.end_to_end, on=TUESDAY, reason="AC04")
    words = day.statement("EUR", TUESDAY).replace(b"<Cd>AC04</Cd>", b"<Prtry>Mr Wang has moved</Prtry>")
    assert import_statement(words, day.clerk()).matched == {"payout": 1, "return": 1}
    returned = get(day.reader, PAYOUTS, payout.id)
    assert returned is not None
    assert (returned.state, returned.reason) == ("returned", "")


def test_a_payout_of_a_file_that_nobody_approved_waits_in_suspense(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    payout = day.do(RequestPayout(shop, "EUR", 400))
    prepare_payout_file("EUR", person(day), day.clerk())
    instruction = PaymentInstruction(payout.end_to_end, 400, "EUR", SHOP, SHOP_IBAN, None, "NL", "by hand")
    sent = PaymentFile("BY-HAND", day.now, "Operator", CUSTODY["EUR"], None, TUESDAY, (instruction,))
    day.bank.execute(write_payments(sent), on=TUESDAY)
    assert reasons(read(day, "EUR", TUESDAY)) == [(-400, "state_conflict")]
    assert day.equation("EUR").exceptions == -400


def test_a_strangers_deposit_under_a_payouts_id_returns_nothing(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    payout = day.do(RequestPayout(shop, "EUR", 400))
    file = day.pay_file("EUR")
    day.bank.execute(file, on=TUESDAY)
    day.deposit("EUR", 400, "thanks", on=TUESDAY, end_to_end_id=payout.end_to_end)
    report = read(day, "EUR", TUESDAY)
    assert (report.matched, reasons(report)) == ({"payout": 1}, [(400, "unmatched")])


def pay_out_by_hand(day: BankDay, currency: str, amount: int, text: str, on: str) -> None:
    """Somebody at the operator's told the bank to pay, without Handfast."""
    instruction = PaymentInstruction("BY-HAND", amount, currency, "Anybody", SHOP_IBAN, None, "NL", text)
    day.bank.execute(
        write_payments(PaymentFile("BY-HAND", day.now, "Operator", CUSTODY[currency], None, on, (instruction,))), on=on
    )


def test_an_unexplained_debit_is_named_and_costs_no_client(day: BankDay) -> None:
    shop = paid_in(day, "USD", 1_000)
    pay_out_by_hand(day, "USD", 25, "account fee", TUESDAY)
    report = read(day, "USD", TUESDAY)
    assert (reasons(report), outcomes(report)) == ([(-25, "unmatched")], ["recorded"])
    found = day.equation("USD")
    assert (found.bank_said, found.client_debt, found.operator_due, found.exceptions) == (975, 1_000, 0, -25)
    resolve(report.suspense[0].line, HOUSE, day.clerk())
    found = day.equation("USD")
    assert (found.client_debt, found.operator_due, found.exceptions) == (1_000, -25, 0)
    assert day.wallet(shop, "USD") == 1_000


def test_an_exchange_deal_is_booked_on_both_sides(day: BankDay) -> None:
    paid_in(day, "CNY", 100_000)
    deal = day.do(AgreeDeal("CNY", 61_135, "USD", 10_000, "FX-2014-10-28-1"))
    pay_out_by_hand(day, "CNY", 61_135, deal.reference, TUESDAY)
    day.deposit("USD", 10_000, deal.reference, on=TUESDAY)
    assert read(day, "CNY", TUESDAY).matched == {"deal": 1}
    assert read(day, "USD", TUESDAY).matched == {"deal": 1}
    booked = get(day.reader, DEALS, deal.id)
    assert (booked and booked.state) == "booked"
    assert (day.equation("CNY").fx_position, day.equation("USD").fx_position) == (-61_135, 10_000)


def test_a_line_that_a_deal_does_not_expect_waits_in_suspense(day: BankDay) -> None:
    day.do(AgreeDeal("CNY", 61_135, "USD", 10_000, "FX-1"))
    day.deposit("USD", 9_999, "FX-1")
    day.deposit("USD", 10_000, "FX-2")
    assert reasons(read(day, "USD")) == [(10_000, "unmatched"), (9_999, "currency_mismatch")]


def test_whoever_owns_a_line_gets_it_with_its_details(day: BankDay) -> None:
    buyer = day.party("customer")
    day.deposit("CNY", 500, "forgot the reference")
    report = read(day)
    line = resolve(report.suspense[0].line, buyer, day.clerk())
    assert (line.state, line.party, day.wallet(buyer, "CNY")) == ("matched", buyer, 500)
    kept = get(day.reader, BANK_LINES, line.id)
    assert kept is not None
    assert line_details(kept, day.clerk()) == LineDetails(
        BUYER, BUYER_IBAN, "forgot the reference", "", "", "PMNT-RCDT-XBCT"
    )
    day.do(MoveParty(buyer, "erase"))
    assert line_details(kept, day.clerk()) is None


def test_a_line_that_is_not_there_cannot_be_resolved(day: BankDay) -> None:
    with pytest.raises(Refusal, match="object_not_found"):
        resolve(day.party("customer"), HOUSE, day.clerk())


def test_names_and_accounts_are_nowhere_in_the_clear(day: BankDay) -> None:
    shop = paid_in(day, "EUR", 1_000)
    day.do(RequestPayout(shop, "EUR", 400))
    file = day.pay_file("EUR")
    day.bank.execute(file, on=TUESDAY)
    day.deposit("EUR", 5, "unknown", on=TUESDAY)
    read(day, "EUR", TUESDAY)
    tables = ("events", "operations", "bank_lines", "payout_files", "payouts", "topups", "parties", "bank_statements")
    stored = b"\n".join(
        value if isinstance(value, bytes) else str(value).encode()
        for table in tables
        for row in day.rows(table)
        for value in row
    )
    assert len(find(day.reader, BANK_LINES, "1 = 1")) == 3
    for private in (BUYER, BUYER_IBAN, SHOP, SHOP_IBAN):
        assert private.encode() not in stored


def test_a_statement_that_contradicts_an_earlier_one_is_refused_line_by_line(day: BankDay) -> None:
    buyer = day.party("customer")
    day.deposit("CNY", 50_000, day.topup(buyer, "CNY").reference)
    data = day.statement("CNY")
    import_statement(data, day.clerk())
    other = import_statement(data.replace(b">500.00<", b">600.00<"), day.clerk())
    assert [(line.amount, line.reason) for line in other.refused] == [(60_000, "object_exists")]
    assert outcomes(other) == ["object_exists"]
    renamed = data.replace(b">500.00<", b">600.00<").replace(b"-CNY-2014-10-27<", b"-CNY-2014-10-27b<")
    assert outcomes(import_statement(renamed, day.clerk())) == ["statement_unbalanced"]
    assert day.wallet(buyer, "CNY") == 50_000


def test_a_strange_or_broken_file_books_nothing(day: BankDay) -> None:
    day.deposit("CNY", 50_000, "anything")
    data = day.statement("CNY")
    for broken, code in (
        (data.replace(CUSTODY["CNY"].encode(), BUYER_IBAN.encode()), "statement_foreign_account"),
        (data.replace(b">500.00<", b">600.00<", 1), "statement_unbalanced"),
        (data[:-20], "statement_malformed"),
        (b"", "statement_malformed"),
    ):
        with pytest.raises(Invalid) as caught:
            import_statement(broken, day.clerk())
        assert caught.value.code == code
    assert (day.rows("bank_lines"), day.rows("accounts")) == ([], [])


class Crash(Exception):
    """The process is gone."""


def dying_after(day: BankDay, left: int) -> object:
    """A hand that runs so many requests and then never answers."""

    def hand(requests: Sequence[Request]) -> Sequence[Answer]:
        nonlocal left
        some = requests[:left]
        left -= len(some)
        answers = day.hand(some) if some else []
        if len(some) < len(requests):
            raise Crash
        return answers

    return hand


@pytest.mark.parametrize("requests", range(7))
def test_what_a_crash_left_half_imported_the_same_file_completes(day: BankDay, requests: int) -> None:
    buyer = day.party("customer")
    topup, foreign = day.topup(buyer, "CNY"), day.topup(buyer, "USD")
    for text in (topup.reference, "unknown", foreign.reference, topup.reference, "unknown"):
        day.deposit("CNY", 100, text)
    data = day.statement("CNY")
    # One line is handed in twice: the top-up in another currency is refused first, then put into suspense.
    with pytest.raises(Crash):
        import_statement(data, day.clerk(dying_after(day, requests)))
    day.equation("CNY")
    report = import_statement(data, day.clerk())
    assert report.booked_before + sum(report.matched.values()) + len(report.suspense) == 5
    assert (report.refused, outcomes(report)) == ([], ["recorded"])
    assert (day.wallet(buyer, "CNY"), day.house(Purpose.SUSPENSE, "CNY")) == (200, 300)


def test_while_the_desk_is_overloaded_lines_are_left_for_the_next_time(day: BankDay) -> None:
    buyer = day.party("customer")
    day.deposit("CNY", 100, day.topup(buyer, "CNY").reference)
    day.deposit("CNY", 200, "unknown")
    data = day.statement("CNY")

    def overloaded(requests: Sequence[Request]) -> Sequence[Answer]:
        return [Answer(b"", None, Unavailable("desk_overloaded", "too many requests wait")) for _ in requests]

    report = import_statement(data, day.clerk(overloaded))
    assert [line.reason for line in report.refused] == ["desk_overloaded", "desk_overloaded"]
    assert outcomes(report) == ["desk_overloaded"]
    assert (report.matched, report.suspense, day.rows("bank_lines")) == ({}, [], [])
    assert outcomes(import_statement(data, day.clerk())) == ["recorded"]
    assert day.wallet(buyer, "CNY") == 100
