"""Publishing a book: policies are added and never changed, the last book's rules are in force."""

import json
from typing import Any

import pytest
from tests.conftest import Engine
from tests.unit.domain.conftest import Market

from handfast.core.errors import NotFound
from handfast.core.ids import digest_id
from handfast.domain.parties import HOUSE
from handfast.domain.policies import (
    BOOK,
    BOOKS,
    POLICIES,
    BookRow,
    PolicyRow,
    PublishBook,
    choose,
    digest_of,
    effective,
    policy_of,
    policy_row,
    preset,
    preset_text,
    publish,
)
from handfast.store.verb import Tx

TAOBAO = preset("taobao")


def of_a_year(confirm: int, version: int) -> bytes:
    """The taobao preset, with other days to confirm what the courier brings."""
    book = json.loads(preset_text("taobao"))
    express = book["policies"][2]
    express["confirm"]["within"]["length"] = confirm
    express["version"] = version
    return json.dumps(book).encode()


def rows(market: Market) -> dict[bytes, PolicyRow]:
    found = market.store.load({POLICIES: [digest_of(policy) for policy in TAOBAO.policies]})[POLICIES]
    return {row.id: row for row in found}


def in_force(market: Market) -> BookRow:
    (row,) = market.store.load({BOOKS: [BOOK]})[BOOKS]
    assert isinstance(row, BookRow)
    return row


def test_a_book_is_published_with_its_policies(market: Market) -> None:
    kept = rows(market)
    assert len(kept) == 5
    for policy in TAOBAO.policies:
        row = kept[digest_of(policy)]
        assert (row.name, row.number, row.created) == (policy.name, policy.version, market.now)
        assert row.id == digest_id(row.body)
        assert policy_of(row) == policy
    book = in_force(market)
    assert (book.state, book.version, book.created) == ("in_force", 1, market.now)
    assert json.loads(book.body)[2] == ["*", "express", digest_of(TAOBAO.policies[2]).hex()]


def events(engine: Engine) -> list[Any]:
    return engine.rows("SELECT type, owner FROM events WHERE type LIKE 'policy%'")


def test_publishing_again_changes_nothing(engine: Engine) -> None:
    market = Market(engine)
    before, at = in_force(market), market.now
    market.wait(1)
    assert market.do(PublishBook(preset_text("taobao"))) == before
    assert in_force(market) == before
    assert {row.created for row in rows(market).values()} == {at}
    assert events(engine) == [("policy_book.published", HOUSE)]


def test_other_content_needs_another_version(engine: Engine) -> None:
    market = Market(engine)
    before = in_force(market)
    market.refused("policy_invalid", PublishBook(of_a_year(confirm=12, version=1)))
    assert in_force(market) == before
    market.wait(1)
    after = market.do(PublishBook(of_a_year(confirm=12, version=2)))
    assert (after.version, after.created) == (2, before.created)
    assert choose(before, "any", "express") != choose(after, "any", "express")
    assert choose(before, "any", "surface") == choose(after, "any", "surface")
    assert len(rows(market)) == 5, "what was frozen into trades stays"
    assert len(events(engine)) == 2


def test_an_earlier_book_comes_back_in_force(market: Market) -> None:
    first = in_force(market)
    market.do(PublishBook(of_a_year(confirm=12, version=2)))
    again = market.do(PublishBook(preset_text("taobao")))
    assert (again.body, again.version) == (first.body, 3)
    market.refused("policy_invalid", PublishBook(of_a_year(confirm=13, version=2)))


def test_what_was_published_names_the_guilty_policy(market: Market) -> None:
    (answer,) = market.desk.run([market.request(PublishBook(of_a_year(confirm=12, version=1)))])
    assert answer.refusal is not None
    assert answer.refusal.param == "policies[2].version"
    assert "taobao-express 1" in answer.refusal.message


def test_two_publishers_in_one_batch_see_each_other(market: Market) -> None:
    requests = [market.request(PublishBook(of_a_year(confirm, version=2))) for confirm in (12, 12, 13)]
    first, second, third = market.desk.run(requests)
    assert first.unwrap() == second.unwrap()
    assert third.refusal is not None
    assert third.refusal.code == "policy_invalid"


def test_a_bad_book_is_refused_whole(market: Market) -> None:
    before = in_force(market)
    for book in (b"{}", preset_text("1688")[:-3]):
        market.refused("policy_invalid", PublishBook(book))
    assert in_force(market) == before


def test_the_first_rule_that_fits_counts() -> None:
    book = [["books", "*", "01"], ["*", "auto", "02"], ["books", "auto", "03"], ["*", "*", "04"]]
    row = BookRow(BOOK, "in_force", json.dumps(book).encode(), 1, 0)
    assert choose(row, "books", "auto") == b"\x01"
    assert choose(row, "shoes", "auto") == b"\x02"
    assert choose(row, "shoes", "express") == b"\x04"
    assert choose(row, "*", "express") == b"\x04"
    assert choose(BookRow(BOOK, "in_force", b'[["books","*","01"]]', 1, 0), "shoes", "auto") is None
    assert choose(None, "books", "auto") is None


def asked(coroutine: Any, found: object) -> Any:
    """What a verb's helper returns once its one read is answered."""
    coroutine.send(None)
    with pytest.raises(StopIteration) as stop:
        coroutine.send([found])
    return stop.value.value


def test_a_verb_reads_a_trades_policy_by_its_id() -> None:
    policy = TAOBAO.policies[0]
    tx = Tx(0, "test", lambda _: b"")
    assert asked(effective(tx, digest_of(policy)), policy_row(policy, 0)) is asked(
        effective(tx, digest_of(policy)), policy_row(policy, 9)
    ), "decoded once"
    reading = effective(tx, bytes(16))
    reading.send(None)
    with pytest.raises(NotFound, match="object_not_found"):
        reading.send([None])


def test_the_verb_has_a_name() -> None:
    assert (publish.name, publish.command, publish.result) == ("policies.publish", PublishBook, BookRow)
