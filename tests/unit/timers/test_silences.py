"""What the timer hands over when nobody says anything: for each open step the verb that its policy names."""

from collections.abc import Iterator

import pytest
from tests.conftest import Engine
from tests.unit.domain.conftest import Market
from tests.unit.domain.quarrel import PLAIN, Quarrel, silent

from handfast.app import database
from handfast.domain.policies import Policy
from handfast.store.reader import Reader
from handfast.timers.expire import due


@pytest.fixture
def reader(engine: Engine) -> Iterator[Reader]:
    reader = database(engine.url).read()
    yield reader
    reader.close()


def fired(quarrel: Quarrel) -> list[str]:
    """The verbs that are handed over at the next due time, each of which is done, and none a moment before."""
    quarrel.until(min(at for at in (quarrel.due("trade"), quarrel.due("claim"), quarrel.due("dispute")) if at))
    assert due(quarrel.reader, quarrel.market.now - 1, 10) == []
    found = due(quarrel.reader, quarrel.market.now, 10)
    for item in found:
        quarrel.note(quarrel.market.desk.call(item.request))
    return [item.request.verb for item in found]


@pytest.mark.parametrize(
    ("policy", "deeds", "verb"),
    [
        (PLAIN, ("ship", "ask"), "claims.silent"),
        (silent("answer", "dispute"), ("ship", "ask"), "disputes.open_due"),
        (silent("revise", "dispute"), ("ship", "ask", "refuse"), "disputes.open_due"),
        (PLAIN, ("ship", "ask", "refuse"), "claims.silent"),
        (silent("ship", "dispute"), (), "disputes.open_due"),
        (silent("confirm", "dispute"), ("ship",), "disputes.open_due"),
        (PLAIN, ("ship", "dispute"), "disputes.silent"),
        (PLAIN, ("ship",), "trades.release_due"),
        (PLAIN, (), "payments.close_unshipped"),
    ],
)
def test_each_silence_has_its_verb(
    engine: Engine, reader: Reader, policy: Policy, deeds: tuple[str, ...], verb: str
) -> None:
    quarrel = Quarrel(Market(engine), reader, policy)
    for deed in deeds:
        quarrel.do(deed)
    assert fired(quarrel) == [verb]


def test_a_quarrel_that_everybody_leaves_ends_by_itself(engine: Engine, reader: Reader) -> None:
    quarrel = Quarrel(Market(engine), reader, silent("answer", "dispute"))
    quarrel.do("ship")
    quarrel.do("ask", amount=4_000)
    verbs = [verb for _ in range(5) for verb in fired(quarrel)]
    assert verbs == [
        "disputes.open_due",
        "disputes.silent",
        "disputes.silent",
        "trades.release_due",
        "trades.finish",
    ]
    dispute = quarrel.dispute
    assert (dispute.opened_by, dispute.outcome, dispute.amount) == ("clock", "part", 4_000), "what the buyer asked for"
    assert (quarrel.trade.state, quarrel.wallets()) == ("finished", (6_000, 5_790))
    assert due(reader, 2**62, 10) == []
