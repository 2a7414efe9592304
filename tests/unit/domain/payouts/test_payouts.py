"""Payouts as accounting examples: money set aside, ordered, gone or back; nothing leaves that is not there."""

import pytest
from tests.unit.domain.bank_side import line, open_custody, said_of
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.parties import HOUSE, CreateParty, MoveParty
from handfast.domain.payouts import (
    BookPayout,
    CancelPayout,
    OrderPayouts,
    Payout,
    PayoutFile,
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


def order(market: Market, *payouts: Payout, currency: str = "USD") -> PayoutFile:
    ids = tuple(payout.id for payout in payouts)
    file: PayoutFile = market.do(OrderPayouts(file_id(ids), currency, ids, b"sealed file", b"digest"))
    return file


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
    assert (file.state, file.count, file.total, file.content) == ("written", 1, 400, b"")
    assert where(market, shop) == (600, 400, 1_000)

    paid = market.do(BookPayout(payout.id, line("USD", -400)))
    assert (paid.state, paid.file) == ("paid", file.id)
    assert where(market, shop) == (600, 0, 600)
    assert said_of(market, payout.id) == ["payout.requested", "payout.ordered", "payout.paid"]
    assert said_of(market, file.id) == ["payout_file.written"]


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
    unknown = market.ids(market.now)
    market.do(CreateParty(unknown, "merchant", "US", b"wrapped", details=b""))
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
    assert market.do(ReturnPayout(payout.id, line("USD", 400, "back"))).state == "returned"
    assert where(market, shop) == (1_000, 0, 1_000)
    market.refused("state_conflict", ReturnPayout(payout.id, line("USD", 400, "back again")))


def test_a_rejected_payout_was_never_paid(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 400))
    market.refused("state_conflict", RejectPayout(payout.id))
    order(market, payout)
    assert market.do(RejectPayout(payout.id)).state == "returned"
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


def test_a_file_orders_all_its_payouts_or_none(market: Market, shop: Id) -> None:
    first, second = market.do(RequestPayout(shop, "USD", 100)), market.do(RequestPayout(shop, "USD", 200))
    market.do(CancelPayout(shop, second.id))
    ids = (first.id, second.id)
    market.refused("state_conflict", OrderPayouts(file_id(ids), "USD", ids, b"", b""))
    assert market.do(CancelPayout(shop, first.id)).state == "cancelled"


def test_what_is_no_payout_file(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 100))
    name = file_id((payout.id,))
    market.refused("field_invalid", OrderPayouts(name, "USD", (), b"", b""))
    market.refused("field_invalid", OrderPayouts(name, "USD", (payout.id, payout.id), b"", b""))
    market.refused("object_not_found", OrderPayouts(name, "USD", (payout.id, shop), b"", b""))
    market.refused("currency_mismatch", OrderPayouts(name, "EUR", (payout.id,), b"", b""))
    market.refused("currency_unknown", OrderPayouts(name, "JPY", (payout.id,), b"", b""))
    order(market, payout)
    market.refused("object_exists", OrderPayouts(name, "USD", (payout.id,), b"", b""))


def test_a_suspended_party_is_not_paid(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 100))
    market.do(MoveParty(shop, "suspend"))
    market.refused("party_suspended", OrderPayouts(file_id((payout.id,)), "USD", (payout.id,), b"", b""))


def earn(market: Market, shop: Id, amount: int) -> None:
    commission = account_id(HOUSE, Purpose.COMMISSION, "USD")
    posting = Posting(account_id(shop, Purpose.WALLET, "USD"), commission, amount)
    market.store.begin()
    market.ledger.post([Entry(entry_id(market.ids(market.now), 1), "test.earn", (posting,))], market.now)
    market.store.commit()


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
