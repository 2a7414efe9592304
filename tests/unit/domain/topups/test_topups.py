"""Top-ups as accounting examples: what was announced, what the bank brought, whose it is then."""

import pytest
from tests.unit.domain.bank_side import line, open_custody, said_of
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.custody import BookSuspense
from handfast.domain.parties import HOUSE, MoveParty
from handfast.domain.topups import BookTopup, CreateTopup
from handfast.ledger import Purpose


@pytest.fixture
def buyer(market: Market) -> Id:
    open_custody(market, "CNY", "USD")
    return market.party("customer")


def test_money_under_the_reference_is_in_the_wallet(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY", 61_135))
    assert (topup.state, topup.credited, market.wallet(buyer, "CNY")) == ("open", 0, 0)

    booked = market.do(BookTopup(topup.id, line("CNY", 61_135)))
    assert (booked.state, booked.credited, booked.version) == ("credited", 61_135, 2)
    assert market.wallet(buyer, "CNY") == 61_135
    assert market.house(Purpose.CUSTODY, "CNY") == -61_135
    assert said_of(market, topup.id) == ["topup.created", "topup.credited"]
    assert said_of(market, line("CNY", 61_135).id) == ["bank_line.matched"]


def test_the_same_line_again_counts_once(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY"))
    booked = market.do(BookTopup(topup.id, line("CNY", 100)))
    assert market.do(BookTopup(topup.id, line("CNY", 100, details=b"sealed anew"))) == booked
    market.refused("object_exists", BookTopup(topup.id, line("CNY", 101)))
    market.refused("object_exists", BookTopup(topup.id, line("CNY", 100, booked_on="2014-10-30")))
    assert market.wallet(buyer, "CNY") == 100


def test_a_line_serves_one_topup_only(market: Market, buyer: Id) -> None:
    mine, other = market.do(CreateTopup(buyer, "CNY")), market.do(CreateTopup(buyer, "CNY"))
    market.do(BookTopup(mine.id, line("CNY", 100)))
    market.refused("state_conflict", BookTopup(other.id, line("CNY", 100)))


def test_a_line_in_suspense_is_resolved_not_booked_again(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY"))
    market.do(BookSuspense(line("CNY", 100), "unmatched"))
    market.refused("state_conflict", BookTopup(topup.id, line("CNY", 100)))


def test_more_than_was_announced_is_credited_all_the_same(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY", 100))
    assert market.do(BookTopup(topup.id, line("CNY", 250))).credited == 250
    assert market.wallet(buyer, "CNY") == 250


def test_two_lines_of_one_reference_add_up(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY", 100))
    market.do(BookTopup(topup.id, line("CNY", 60, "a")))
    assert market.do(BookTopup(topup.id, line("CNY", 40, "b"))).credited == 100
    assert market.wallet(buyer, "CNY") == 100


def test_the_house_prefunds_and_no_client_owns_it(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(HOUSE, "USD", 5_000_00))
    market.do(BookTopup(topup.id, line("USD", 5_000_00)))
    assert market.house(Purpose.OPERATOR, "USD") == 5_000_00
    assert market.wallet(HOUSE, "USD") == 0


def test_references_differ(market: Market, buyer: Id) -> None:
    topups = [market.do(CreateTopup(buyer, "CNY")) for _ in range(20)]
    assert len({topup.reference for topup in topups}) == 20


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [
        ("XXX", 0, "currency_unknown"),
        ("EUR", 0, "currency_unknown"),
        ("CNY", -1, "amount_invalid"),
        ("CNY", 10**15 + 1, "amount_too_large"),
    ],
)
def test_what_cannot_be_announced(market: Market, buyer: Id, currency: str, amount: int, code: str) -> None:
    market.refused(code, CreateTopup(buyer, currency, amount))


def test_a_suspended_party_gets_nothing(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY"))
    market.do(MoveParty(buyer, "suspend"))
    market.refused("party_suspended", CreateTopup(buyer, "CNY"))
    market.refused("party_suspended", BookTopup(topup.id, line("CNY", 100)))


def test_a_line_must_be_the_topups(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY"))
    market.refused("currency_mismatch", BookTopup(topup.id, line("USD", 100)))
    market.refused("amount_invalid", BookTopup(topup.id, line("CNY", -100)))
    market.refused("amount_invalid", BookTopup(topup.id, line("CNY", 0)))
    market.refused("object_not_found", BookTopup(buyer, line("CNY", 100)))
    market.refused("object_not_found", BookTopup(topup.id, line("CNY", 100, account=buyer)))
    market.refused("currency_mismatch", BookTopup(topup.id, line("USD", 100, account=line("CNY", 1).account)))


def test_two_clerks_at_once_count_a_line_once(market: Market, buyer: Id) -> None:
    topup = market.do(CreateTopup(buyer, "CNY"))
    book, suspend = BookTopup(topup.id, line("CNY", 100)), BookSuspense(line("CNY", 100), "unmatched")
    answers = market.desk.run([market.request(command) for command in (book, book, suspend, suspend)])
    assert [answer.refusal for answer in answers] == [None] * 4
    assert (market.wallet(buyer, "CNY"), market.house(Purpose.SUSPENSE, "CNY")) == (100, 0)
    assert said_of(market, topup.id) == ["topup.created", "topup.credited"]
