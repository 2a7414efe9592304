"""Whose account it is: names compared, details changed, accounts accepted by a second person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.bank_side import kept, person, said_of
from tests.unit.domain.conftest import Market

from handfast.domain.parties import (
    HOUSE,
    PARTIES,
    AcceptPayee,
    ChangeDetails,
    CreateClient,
    CreateParty,
    Details,
    MoveParty,
    compare,
    payee_check,
)

SAME = [
    ("Anna Meyer", "ANNA  MEYER"),
    ("Meyer, Anna", "Anna Meyer"),
    ("Dr. Anna Meyer", "Anna Meyer"),
    ("José Núñez", "Jose Nunez"),
    ("Jürgen Groß", "Juergen GROSS"),
    ("Jürgen Groß", "Jurgen Gross"),
    ("Søren Kjær", "Soren Kjaer"),
    ("Łukasz Żak", "Lukasz Zak"),
    ("Jean-Luc Petit", "Jean Luc Petit"),
    ("O'Neil", "ONeil"),
    ("van der Berg", "VanDerBerg"),
    ("Bakery & Sons", "Bakery and Sons"),
    ("ＡＣＭＥ　Ｌｔｄ", "Acme Ltd."),
    ("王芳", "王芳"),
    ("Иван Петров", "ИВАН ПЕТРОВ"),
    ("Α. Παπαδόπουλος", "α παπαδοπουλος"),
]
CLOSE = [
    ("Acme", "ACME GmbH"),
    ("Acme", "Acme B.V."),
    ("Main Street Market", "Main Street Market, Inc."),
    ("Acme Ltd", "Acme Limited"),
    ("J. Smith", "John Smith"),
    ("John P. Smith", "John Paul Smith"),
    ("John Smith", "John Paul Smith"),
    ("Jon Smith", "John Smith"),
    ("Smiht John", "John Smith"),
    ("Anna Maria Bergstroem", "Anna Marja Bergström"),
    ("Иван Петрова", "Иван Петров"),
]
OTHER = [
    ("Jane Smith", "John Smith"),
    ("J. S.", "John Smith"),
    ("Smith", "John Smith"),
    ("Acme", "Acme Trading"),
    ("GmbH", "AG"),
    ("王芳", "Wang Fang"),
    ("王芳", "王方"),
    ("Аcme Trading", "Acme Trading"),  # the first letter is Cyrillic
    ("Иван Петров", "Ivan Petrov"),
    ("Li Na", "Li Ne"),
    ("...", "..."),
    ("", "Anna Meyer"),
    ("", ""),
]


@pytest.mark.parametrize(
    ("holder", "name", "said"),
    [(*pair, said) for said, pairs in (("match", SAME), ("close", CLOSE), ("no_match", OTHER)) for pair in pairs],
)
def test_names_compared(holder: str, name: str, said: str) -> None:
    assert compare(holder, name) == said
    assert compare(name, holder) == said


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared_either_way_round(holder: str, name: str) -> None:
    assert compare(holder, name) == compare(name, holder)


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=20))
def test_a_name_matches_itself_in_whatever_case(name: str) -> None:
    assert compare(name, f"  {name}. ") == "match"


def test_only_a_bank_account_is_checked() -> None:
    assert payee_check(Details("Anna Meyer")) == ""
    assert payee_check(Details("Anna Meyer", iban="NL91ABNA0417164300")) == "match"
    assert payee_check(Details("Anna Meyer", account="1112", holder="A. Meyer")) == "close"
    assert payee_check(Details("Anna Meyer", account="1112", holder="Bert Meyer")) == "no_match"


def test_details_are_changed_by_oneself_and_by_the_house(market: Market) -> None:
    shop, stranger = market.party("merchant"), market.party("merchant")
    market.refused("object_not_found", ChangeDetails(stranger, stranger, shop, b"theirs", "match"))
    market.refused("field_invalid", ChangeDetails(shop, shop, shop, b"new", "accepted"))
    market.refused("object_not_found", ChangeDetails(HOUSE, shop, market.ids(market.now), b"new", "match"))
    changed = market.do(ChangeDetails(HOUSE, person(market), shop, b"new", "no_match"))
    assert (changed.details, changed.payee_check, changed.version) == (b"new", "no_match", 2)
    assert said_of(market, shop) == ["party.created", "party.details_changed"]
    market.do(MoveParty(shop, "suspend"))
    market.refused("party_suspended", ChangeDetails(shop, shop, shop, b"newer", "match"))


def test_whoever_gave_an_account_does_not_accept_it(market: Market) -> None:
    clerk, lead = person(market), person(market, "lead")
    shop = market.party("merchant")
    market.do(ChangeDetails(HOUSE, clerk, shop, b"new", "no_match"))
    market.refused("second_person_needed", AcceptPayee(shop, clerk, "I know them"))
    market.refused("field_missing", AcceptPayee(shop, lead, "  "))
    accepted = market.do(AcceptPayee(shop, lead, "Their bank's letter is on file"))
    assert (accepted.payee_check, accepted.payee_reason) == ("accepted", "Their bank's letter is on file")
    assert (accepted.payee_by, accepted.payee_handler) == (clerk, lead)
    market.refused("state_conflict", AcceptPayee(shop, lead, "once more"))
    market.do(ChangeDetails(HOUSE, lead, shop, b"newer", "no_match"))
    party = kept(market, PARTIES, shop)
    assert (party.payee_check, party.payee_reason, party.payee_handler) == ("no_match", "", None)
    market.refused("second_person_needed", AcceptPayee(shop, lead, "again"))
    market.do(AcceptPayee(shop, clerk, "their bank's letter"))


def test_only_the_operators_persons_accept(market: Market) -> None:
    shop = market.party("merchant", payee_check="no_match")
    own = market.do(CreateClient(shop, "shop", bytes(32), "payouts")).id
    reader = market.do(CreateClient(HOUSE, "auditor", bytes(32), "read")).id
    for handler in (own, reader, HOUSE, shop):
        market.refused("scope_missing", AcceptPayee(shop, handler, "it is fine"))
    market.refused("object_not_found", AcceptPayee(market.ids(market.now), person(market), "it is fine"))


@pytest.mark.parametrize("check", ["", "match", "close"])
def test_nothing_is_accepted_that_nothing_stands_against(market: Market, check: str) -> None:
    shop = market.party("merchant", payee_check=check)
    market.refused("state_conflict", AcceptPayee(shop, person(market), "it is fine"))


@pytest.mark.parametrize("check", ["accepted", "returned", "fine"])
def test_nobody_comes_in_accepted(market: Market, check: str) -> None:
    command = CreateParty(market.ids(market.now), "merchant", "US", b"wrapped", b"sealed", payee_check=check)
    market.refused("field_invalid", command)
