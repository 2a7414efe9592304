"""Bank files under four eyes: one person prepares, another decides; nothing reaches the bank before."""

import pytest
from tests.unit.domain.bank_side import kept, line, open_custody, order, person, said_of
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.parties import CreateClient, MoveParty, RevokeClient
from handfast.domain.payouts import (
    PAYOUT_FILES,
    PAYOUTS,
    ApproveFile,
    BookPayout,
    CancelPayout,
    Payout,
    PrepareFile,
    RejectFile,
    RejectPayout,
    RequestPayout,
    ReturnPayout,
    file_id,
    message_id,
)


@pytest.fixture
def shop(market: Market) -> Id:
    """A shop with 1,000 in its wallet."""
    open_custody(market, "USD", "EUR")
    shop = market.party("merchant")
    market.fund(shop, "USD", 1_000)
    return shop


@pytest.fixture
def payouts(market: Market, shop: Id) -> tuple[Payout, Payout]:
    """Two payouts that it asked for: 100 and 200."""
    return market.do(RequestPayout(shop, "USD", 100)), market.do(RequestPayout(shop, "USD", 200))


def ids(payouts: tuple[Payout, ...]) -> tuple[Id, ...]:
    return tuple(payout.id for payout in payouts)


def test_nobody_approves_what_they_prepared(market: Market, payouts: tuple[Payout, Payout]) -> None:
    clerk = person(market)
    file = order(market, *payouts, by=clerk, approved=False)
    assert (file.state, file.prepared_by, file.decided_by) == ("prepared", clerk, None)
    market.refused("second_person_needed", ApproveFile(file.id, clerk, ids(payouts)))
    assert kept(market, PAYOUT_FILES, file.id).state == "prepared"


def test_only_the_operators_persons_decide(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    file = order(market, *payouts, approved=False)
    own = market.do(CreateClient(shop, "shop", bytes(32), "payouts")).id
    gone = person(market)
    market.do(RevokeClient(gone))
    for stranger in (own, gone, shop):
        market.refused("scope_missing", ApproveFile(file.id, stranger, ids(payouts)))
        market.refused("scope_missing", RejectFile(file.id, stranger, ids(payouts), "why not"))
        market.refused("scope_missing", PrepareFile(file.id, stranger, "USD", ids(payouts), b"", b""))


def test_a_file_is_approved_once(market: Market, payouts: tuple[Payout, Payout]) -> None:
    file = order(market, *payouts)
    assert (file.state, file.total, file.content) == ("approved", 300, b"")
    market.refused("state_conflict", ApproveFile(file.id, person(market), ids(payouts)))
    market.refused("state_conflict", RejectFile(file.id, person(market), ids(payouts), "too late"))
    assert said_of(market, file.id) == ["payout_file.prepared", "payout_file.approved"]


def test_a_rejected_files_payouts_are_in_another_one(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    file = order(market, *payouts, approved=False)
    market.refused("field_missing", RejectFile(file.id, person(market), ids(payouts), ""))
    rejected = market.do(RejectFile(file.id, person(market), ids(payouts), "The limit of the day"))
    assert (rejected.state, rejected.reason, kept(market, PAYOUT_FILES, file.id).content) == (
        "rejected",
        "The limit of the day",
        b"",
    )
    market.refused("state_conflict", ApproveFile(file.id, person(market), ids(payouts)))
    market.refused("object_exists", PrepareFile(file.id, person(market), "USD", ids(payouts), b"", b""))
    free = [kept(market, PAYOUTS, payout.id) for payout in payouts]
    assert [(payout.state, payout.file) for payout in free] == [("requested", None)] * 2

    again = order(market, *payouts)
    assert again.id != file.id
    assert message_id(again.id) != message_id(file.id), "a bank refuses a second file of one name"
    assert kept(market, PAYOUTS, payouts[0].id).end_to_end == payouts[0].end_to_end, "no bank has seen it"
    market.do(BookPayout(payouts[0].id, line("USD", -100)))
    assert said_of(market, payouts[0].id) == [
        "payout.requested",
        "payout.ordered",
        "payout.requested",
        "payout.ordered",
        "payout.paid",
    ]


def test_a_freed_payout_can_be_cancelled(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    clerk = person(market)
    file = order(market, *payouts, by=clerk, approved=False)
    market.refused("state_conflict", CancelPayout(shop, payouts[0].id))
    market.do(RejectFile(file.id, clerk, ids(payouts), "I forgot somebody"))
    market.do(CancelPayout(shop, payouts[0].id))
    assert market.wallet(shop, "USD") == 800


def test_a_decision_is_about_all_payouts_of_the_file(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    file = order(market, *payouts, approved=False)
    other = market.do(RequestPayout(shop, "USD", 300))
    for named in (ids(payouts[:1]), (*ids(payouts), other.id), (payouts[0].id, other.id), ()):
        market.refused("state_conflict", ApproveFile(file.id, person(market), named))
        market.refused("state_conflict", RejectFile(file.id, person(market), named, "no"))
    market.refused("object_not_found", ApproveFile(shop, person(market), ids(payouts)))


def test_who_was_suspended_meanwhile_is_not_paid(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    file = order(market, *payouts, approved=False)
    market.do(MoveParty(shop, "suspend"))
    market.refused("party_suspended", ApproveFile(file.id, person(market), ids(payouts)))
    assert market.do(RejectFile(file.id, person(market), ids(payouts), "suspended")).state == "rejected"


def test_an_account_returned_from_meanwhile_is_not_paid(market: Market, shop: Id) -> None:
    first, second = market.do(RequestPayout(shop, "USD", 100)), market.do(RequestPayout(shop, "USD", 200))
    order(market, first)
    file = order(market, second, approved=False)
    market.do(BookPayout(first.id, line("USD", -100)))
    market.do(ReturnPayout(first.id, line("USD", 100, "back"), "AC04"))
    market.refused("payee_unchecked", ApproveFile(file.id, person(market), (second.id,)))


def test_before_the_approval_nothing_was_at_the_bank(market: Market, payouts: tuple[Payout, Payout]) -> None:
    order(market, *payouts, approved=False)
    market.refused("state_conflict", RejectPayout(payouts[0].id, person(market), "AC04"))
    market.refused("state_conflict", BookPayout(payouts[0].id, line("USD", -100)))


def test_a_house_of_one_person_approves_at_once(market: Market, payouts: tuple[Payout, Payout]) -> None:
    alone = person(market)
    file = market.do(PrepareFile(file_id(payouts), alone, "USD", ids(payouts), b"sealed", b"digest", four_eyes=False))
    assert (file.state, file.prepared_by, file.decided_by) == ("approved", alone, alone)
    assert said_of(market, file.id) == ["payout_file.approved"]
    market.do(BookPayout(payouts[0].id, line("USD", -100)))


def test_a_file_orders_all_its_payouts_or_none(market: Market, shop: Id, payouts: tuple[Payout, Payout]) -> None:
    market.do(CancelPayout(shop, payouts[1].id))
    now = tuple(kept(market, PAYOUTS, payout.id) for payout in payouts)
    market.refused("state_conflict", PrepareFile(file_id(now), person(market), "USD", ids(payouts), b"", b""))
    market.refused("state_conflict", PrepareFile(file_id(payouts), person(market), "USD", ids(payouts), b"", b""))
    assert market.do(CancelPayout(shop, payouts[0].id)).state == "cancelled"


def test_what_is_no_payout_file(market: Market, shop: Id) -> None:
    payout, clerk = market.do(RequestPayout(shop, "USD", 100)), person(market)
    name = file_id((payout,))
    market.refused("field_invalid", PrepareFile(name, clerk, "USD", (), b"", b""))
    market.refused("field_invalid", PrepareFile(name, clerk, "USD", (payout.id, payout.id), b"", b""))
    market.refused("object_not_found", PrepareFile(name, clerk, "USD", (payout.id, shop), b"", b""))
    market.refused("state_conflict", PrepareFile(shop, clerk, "USD", (payout.id,), b"", b""))
    market.refused("currency_mismatch", PrepareFile(name, clerk, "EUR", (payout.id,), b"", b""))
    market.refused("currency_unknown", PrepareFile(name, clerk, "JPY", (payout.id,), b"", b""))
    order(market, payout)
    market.refused("object_exists", PrepareFile(name, clerk, "USD", (payout.id,), b"", b""))


def test_a_suspended_party_is_not_paid(market: Market, shop: Id) -> None:
    payout = market.do(RequestPayout(shop, "USD", 100))
    market.do(MoveParty(shop, "suspend"))
    market.refused("party_suspended", PrepareFile(file_id((payout,)), person(market), "USD", (payout.id,), b"", b""))
