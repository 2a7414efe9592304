"""A desk in a process of its own that kills itself at a step between intention, ledger and status."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.conftest import open_engine

from handfast.app import VERBS
from handfast.app.outside import Keeping, keeping
from handfast.app.telemetry import Posting
from handfast.core.ids import Id, account_id, digest_id, entry_id, seeded_ids
from handfast.domain.parties import HOUSE, CreateParty
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Entry, Purpose
from handfast.ledger import Posting as Move
from handfast.store.desk import Changes, Desk
from handfast.store.rows import INTENTIONS
from handfast.store.verb import Request

INTENTION, LEDGER, STATUS = "intention", "ledger", "status"
PLACES = [f"{when} the {what}" for what in (INTENTION, LEDGER, STATUS) for when in ("before", "after")]
NOW = 1_414_454_400_000_000
ANN, BOB = (n.to_bytes(13, "big") + bytes(3) for n in (1_001, 1_002))


def wallet(owner: Id) -> Id:
    return account_id(owner, Purpose.WALLET, "USD")


class Scene:
    """Ann has 100; she pays Bob 60, tries 60 more, and pays 30."""

    def __init__(self, url: str, cluster: str) -> None:
        self.url = url
        self.cluster = cluster

    @contextmanager
    def desk(self) -> Iterator[tuple[Desk, Keeping]]:
        engine = open_engine(self.url)
        with keeping(self.cluster, engine.store, engine.inside) as kept:
            yield kept.desk(engine.store, Posting(kept.ledger), VERBS, lambda: NOW, seeded_ids(os.getpid())), kept
        engine.store.close()

    def open(self) -> None:
        with self.desk() as (desk, kept):
            for key, kind in ((HOUSE, "operator"), (ANN, "customer"), (BOB, "customer")):
                desk.call(Request("parties.create", CreateParty(key, kind, "US", b"k", b"d"), "test", key))
            desk.store.begin()
            bank = account_id(HOUSE, Purpose.CUSTODY, "USD")
            kept.ledger.post([Entry(entry_id(ANN, 9), "fund", (Move(bank, wallet(ANN), 100),))], NOW)
            desk.store.commit()

    def requests(self) -> list[Request]:
        return [
            Request("transfers.create", CreateTransfer(ANN, BOB, "USD", amount), "test", key, key, b"print")
            for amount, key in ((60, digest_id(b"1")), (60, digest_id(b"2")), (30, digest_id(b"3")))
        ]

    def die(self, place: str) -> None:
        """Run the requests and be killed at the place."""

        def at(now: str) -> None:
            if now == place:
                os.kill(os.getpid(), signal.SIGKILL)

        with self.desk() as (desk, _):
            save, commit, post, saved = desk.store.save, desk.store.commit, desk.post, ""

            def note(changes: Changes) -> None:
                nonlocal saved
                saved = INTENTION if any(row.body for row in changes.updates.get(INTENTIONS, ())) else STATUS
                save(changes)

            def commit_or_die() -> None:
                at(f"before the {saved}")
                commit()
                at(f"after the {saved}")

            def post_or_die(entries: Sequence[Entry], now: int) -> list[object]:
                at("before the ledger")
                told = post(entries, now)
                at("after the ledger")
                return list(told)

            desk.store.save, desk.store.commit = note, commit_or_die  # type: ignore[method-assign]
            desk.post = post_or_die  # type: ignore[assignment]
            desk.run(self.requests())

    def check(self) -> None:
        """Whatever died: asked again, all is done once, and the refusal is the same."""
        with self.desk() as (desk, kept):
            told = [a.refusal.code if a.refusal else a.result.amount for a in desk.run(self.requests())]
            assert told == [60, "balance_insufficient", 30]
            assert [balance.posted for balance in kept.ledger.balances([wallet(ANN), wallet(BOB)])] == [10, 90]
            rows = desk.store.connection.execute  # type: ignore[attr-defined]
            assert rows("SELECT count(*) FROM entries").fetchall() == [(3,)]
            assert rows("SELECT count(*) FROM transfers").fetchall() == [(2,)]
            told = [a.replayed for a in desk.run(self.requests())]
            assert told == [True] * 3


if __name__ == "__main__":
    Scene(sys.argv[1], sys.argv[2]).die(sys.argv[3])
