"""Payouts as accounting examples: money set aside, ordered, gone or back; nothing leaves that is not there."""

import pytest
from tests.unit.domain.bank_side import kept, line, open_custody, order, person, said_of
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.parties import HOUSE, PARTIES, AcceptPayee, ChangeDetails, MoveParty
from handfast.domain.payouts import (
    PAYOUTS,
    BookPayout,
    CancelPayout,
    PrepareFile,
    RejectPayout,
    RequestPayout,
    ReturnPayout,
    SweepPayout,
    file_id,
)
from handfast.ledger import Entry, Posting, Purpose


@pytest.fixture
def shop(market: Market) -> Id:
    """A shop with 1,000 in its wallet."""
    open_custody(market, "USD", "EUR")
    shop = market.party("merchant")
    market.fund(shop, "USD", 1_000)
    return shop


def where(market: Market, shop: Id) -> tuple[int, int, int]:
    """In the wallet, on its way, in the bank."""
    return (
        market.wallet(shop, "USD"),
        market.balance(shop, Purpose.PAYOUT, "USD"),
        -market.house(Purpose.CUSTODY, "USD"),
    )


def test_a_payout_from_request_to_paid(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    assert (payout.state, payout.end_to_end) == ("requested", f"HFP{payout.id[:13].hex().upper()}")
    assert where(market, shop) == (600, 400, 1_000)

    file = order(market, payout)
    assert (file.state, file.count, file.total, file.content) == ("approved", 1, 400, b"")
    assert where(market, shop) == (600, 400, 1_000)

    paid = market.do(BookPayout(payout.id, line("USD", -400)))
    assert (paid.state, paid.file) == ("paid", file.id)
    assert where(market, shop) == (600, 0, 600)
    assert said_of(market, payout.id) == ["payout.requested", "payout.ordered", "payout.paid"]
    assert said_of(market, file.id) == ["payout_file.prepared", "payout_file.approved"]


def test_more_than_the_balance_is_refused(market: Market, shop: Id) -> None:
    market.refused("balance_insufficient", RequestPayout(shop, "USD", 1_001))
    market.do(RequestPayout(shop, "USD", 600))
    market.refused("balance_insufficient", RequestPayout(shop, "USD", 401))
    market.do(RequestPayout(shop, "USD", 400))


def test_what_cannot_be_asked_for(market: Market, shop: Id) -> None:
    market.refused("amount_invalid", RequestPayout(shop, "USD", 0))
    market.refused("currency_unknown", RequestPayout(shop, "XXX", 1))
    market.refused("currency_unknown", RequestPayout(shop, "JPY", 1))
    market.refused("object_not_found", RequestPayout(line("USD", 1).id, "USD", 1))
    market.do(MoveParty(shop, "suspend"))
    market.refused("party_suspended", RequestPayout(shop, "USD", 1))


def test_a_party_without_bank_details_cannot_be_paid(market: Market, shop: Id) -> None:
    unknown = market.party("merchant", payee_check="")
    market.fund(unknown, "USD", 1)
    market.refused("field_missing", RequestPayout(unknown, "USD", 1))


def test_a_request_is_taken_back(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    market.refused("object_not_found", CancelPayout(market.party("merchant"), payout.id))
    assert market.do(CancelPayout(shop, payout.id)).state == "cancelled"
    assert where(market, shop) == (1_000, 0, 1_000)
    market.refused("state_conflict", CancelPayout(shop, payout.id))


def test_what_is_ordered_cannot_be_taken_back(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    order(market, payout)
    market.refused("state_conflict", CancelPayout(shop, payout.id))
    market.refused("state_conflict", CancelPayout(HOUSE, payout.id))
    assert where(market, shop) == (600, 400, 1_000)


def test_a_paid_payout_comes_back(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    order(market, payout)
    market.refused("state_conflict", ReturnPayout(payout.id, line("USD", 400, "back")))
    market.do(BookPayout(payout.id, line("USD", -400)))
    returned = market.do(ReturnPayout(payout.id, line("USD", 400, "back"), "AC04"))
    assert (returned.state, returned.reason) == ("returned", "AC04")
    assert where(market, shop) == (1_000, 0, 1_000)
    market.refused("state_conflict", ReturnPayout(payout.id, line("USD", 400, "back again")))


def test_a_rejected_payout_was_never_paid(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    clerk = person(market)
    market.refused("state_conflict", RejectPayout(payout.id, clerk, "AC06"))
    order(market, payout)
    market.refused("field_missing", RejectPayout(payout.id, clerk, " "))
    market.refused("scope_missing", RejectPayout(payout.id, shop, "AC06"))
    rejected = market.do(RejectPayout(payout.id, clerk, "AC06"))
    assert (rejected.state, rejected.reason) == ("returned", "AC06")
    assert where(market, shop) == (1_000, 0, 1_000)
    market.refused("state_conflict", BookPayout(payout.id, line("USD", -400)))


def test_a_line_counts_once(market: Market, shop: Id) -> None:
    payout, other = market.do(RequestPayout(shop, "USD", 400)), market.do(RequestPayout(shop, "USD", 400))
    order(market, payout, other)
    paid = market.do(BookPayout(payout.id, line("USD", -400)))
    assert market.do(BookPayout(payout.id, line("USD", -400, details=b"sealed anew"))) == paid
    market.refused("state_conflict", BookPayout(other.id, line("USD", -400)))
    back = market.do(ReturnPayout(payout.id, line("USD", 400, "back")))
    assert market.do(ReturnPayout(payout.id, line("USD", 400, "back"))) == back
    assert where(market, shop) == (600, 400, 1_000)


def test_a_line_must_be_the_whole_payouts(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    order(market, payout)
    market.refused("amount_invalid", BookPayout(payout.id, line("USD", -399)))
    market.refused("amount_invalid", BookPayout(payout.id, line("USD", 400)))
    market.refused("currency_mismatch", BookPayout(payout.id, line("EUR", -400)))
    market.refused("object_not_found", BookPayout(shop, line("USD", -400)))
    market.do(BookPayout(payout.id, line("USD", -400)))
    market.refused("amount_invalid", ReturnPayout(payout.id, line("USD", 390, "less charges")))


def owe(market: Market, shop: Id, amount: int) -> None:
    """The operator advanced a refund for the shop."""
    owed, operator = account_id(shop, Purpose.RECEIVABLE, "USD"), account_id(HOUSE, Purpose.OPERATOR, "USD")
    post(market, Posting(owed, operator, amount))


def post(market: Market, *postings: Posting) -> None:
    market.store.begin()
    market.ledger.post([Entry(entry_id(market.ids(market.now), 1), "test", postings)], market.now)
    market.store.commit()


def test_what_is_owed_is_paid_first(market: Market, shop: Id) -> None:
    owe(market, shop, 250)
    market.refused("balance_insufficient", RequestPayout(shop, "USD", 751))
    market.do(RequestPayout(shop, "USD", 700))
    assert where(market, shop) == (50, 700, 1_000)
    assert market.balance(shop, Purpose.RECEIVABLE, "USD") == 0
    assert market.house(Purpose.OPERATOR, "USD") == 250


def test_who_owes_more_than_there_is_gets_nothing(market: Market, shop: Id) -> None:
    owe(market, shop, 1_200)
    market.refused("balance_insufficient", RequestPayout(shop, "USD", 1))
    assert market.balance(shop, Purpose.RECEIVABLE, "USD") == -1_200
    other = market.party("merchant")
    market.fund(other, "EUR", 10)
    market.do(RequestPayout(other, "EUR", 10))


def test_a_cancelled_payout_takes_no_debt_back(market: Market, shop: Id) -> None:
    owe(market, shop, 100)
    payout = market.do(RequestPayout(shop, "USD", 900))
    market.do(CancelPayout(shop, payout.id))
    assert where(market, shop) == (900, 0, 1_000)


def test_an_account_in_anothers_name_is_paid_once_somebody_else_accepted_it(market: Market) -> None:
    open_custody(market, "USD")
    clerk, lead = person(market), person(market, "lead")
    shop = market.party("merchant", payee_check="no_match", by=clerk)
    market.fund(shop, "USD", 100)
    market.refused("payee_unchecked", RequestPayout(shop, "USD", 100))
    market.refused("second_person_needed", AcceptPayee(shop, clerk, "it is her husband's"))
    market.do(AcceptPayee(shop, lead, "it is her husband's"))
    assert market.do(RequestPayout(shop, "USD", 100)).state == "requested"


def test_what_came_back_stops_the_account_until_its_details_are_given_anew(market: Market, shop: Id) -> None:
    first, second = market.do(RequestPayout(shop, "USD", 400)), market.do(RequestPayout(shop, "USD", 100))
    order(market, first)
    market.do(BookPayout(first.id, line("USD", -400)))
    market.do(ReturnPayout(first.id, line("USD", 400, "back"), "AC04"))
    party = kept(market, PARTIES, shop)
    assert (party.payee_check, party.payee_reason) == ("returned", "AC04")
    assert said_of(market, shop) == ["party.created", "party.payee_returned"]
    market.refused("payee_unchecked", RequestPayout(shop, "USD", 1))
    ids = (second.id,)
    market.refused("payee_unchecked", PrepareFile(file_id([second]), person(market), "USD", ids, b"", b""))
    market.do(ChangeDetails(shop, shop, shop, b"sealed anew", "match"))
    market.do(RequestPayout(shop, "USD", 1))


def test_new_details_are_for_payouts_asked_for_later(market: Market, shop: Id) -> None:
    before = market.do(RequestPayout(shop, "USD", 400))
    market.do(ChangeDetails(shop, shop, shop, b"sealed anew", "close"))
    after = market.do(RequestPayout(shop, "USD", 100))
    assert [kept(market, PAYOUTS, each.id).details for each in (before, after)] == [b"sealed", b"sealed anew"]
    assert (before.details, after.details) == (b"", b"")
    order(market, before, after)
    market.do(BookPayout(before.id, line("USD", -400)))
    market.do(ReturnPayout(before.id, line("USD", 400, "back"), "AC04"))
    assert kept(market, PARTIES, shop).payee_check == "close", "it came back from the account before"
    market.do(RejectPayout(after.id, person(market), "AC06"))
    assert kept(market, PARTIES, shop).payee_check == "returned"


def earn(market: Market, shop: Id, amount: int) -> None:
    commission = account_id(HOUSE, Purpose.COMMISSION, "USD")
    post(market, Posting(account_id(shop, Purpose.WALLET, "USD"), commission, amount))


def test_the_operator_sweeps_what_it_earned(market: Market, shop: Id) -> None:
    earn(market, shop, 35)
    payout = market.do(SweepPayout(Purpose.COMMISSION, "USD", 30))
    assert (payout.party, payout.source) == (HOUSE, Purpose.COMMISSION)
    assert market.house(Purpose.COMMISSION, "USD") == 5
    order(market, payout)
    market.do(BookPayout(payout.id, line("USD", -30)))
    assert where(market, shop) == (965, 0, 970)


def test_a_sweep_takes_no_more_than_was_earned(market: Market, shop: Id) -> None:
    earn(market, shop, 35)
    market.refused("balance_insufficient", SweepPayout(Purpose.COMMISSION, "USD", 36))
    market.do(SweepPayout(Purpose.COMMISSION, "USD", 30))
    market.refused("balance_insufficient", SweepPayout(Purpose.COMMISSION, "USD", 6))
    market.refused("balance_insufficient", SweepPayout(Purpose.OPERATOR, "USD", 1))


def test_a_sweep_that_comes_back_is_commission_again(market: Market, shop: Id) -> None:
    earn(market, shop, 35)
    payout = market.do(SweepPayout(Purpose.COMMISSION, "USD", 35))
    order(market, payout)
    market.do(BookPayout(payout.id, line("USD", -35)))
    market.do(ReturnPayout(payout.id, line("USD", 35, "back")))
    assert market.house(Purpose.COMMISSION, "USD") == 35


@pytest.mark.parametrize("purpose", [Purpose.TAX, Purpose.POSITION, Purpose.WALLET, Purpose.CUSTODY, 99])
def test_only_the_operators_own_is_swept(market: Market, shop: Id, purpose: int) -> None:
    market.refused("field_invalid", SweepPayout(purpose, "USD", 1))
