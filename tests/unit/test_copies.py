"""Backups while others write: restored elsewhere they are whole, verified, and know old idempotency keys."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.gateways.native.street import Street, opened

from handfast.app.copies import FILE, MANIFEST, backup, restore
from handfast.cli import main
from handfast.core.errors import Conflict, Invalid
from handfast.core.settings import Settings
from handfast.store.desk import Desk
from handfast.store.sqlite import connect
from handfast.store.verb import Request
from handfast.timers.seal import Seal, publish
from handfast_verify import verify


class Busy(Street):
    """A street where a gift is made, and on which a thread goes on making others."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.url = engine.url
        self.gift = {"payee": self.id("ming"), "currency": "CNY", "amount": 5}
        self.first = self.api.post("fang", "/v1/transfers", self.gift, "first-gift")
        self.asked = self.api.hand.seen[-1]
        self.made = 0

    def go_on(self, stop: Event, once: Event) -> None:
        """Make gifts until told to stop; `once` is set after the first."""
        while not stop.is_set():
            request = self.asked
            key = self.ids(self.now)
            self.desk.call(Request(request.verb, request.command, request.actor, key, key, request.fingerprint))
            self.made += 1
            once.set()


@pytest.fixture
def busy(new_database: NewDatabase) -> Iterator[Busy]:
    with opened(new_database(), Busy) as busy:
        yield busy


def at(data: Path, url: str) -> Settings:
    data.mkdir(exist_ok=True)
    return Settings(data=data, database=url)


def test_a_backup_under_traffic_is_whole_and_knows_old_keys(
    busy: Busy, new_sqlite: NewDatabase, new_postgres: NewDatabase, tmp_path: Path
) -> None:
    here = at(tmp_path / "here", busy.url)
    sealing = Seal(bytes(32))
    request = sealing.next(busy.reader, busy.now)
    assert request is not None
    publish(here.heads_file, [busy.desk.call(request)])
    stop, once = Event(), Event()
    writer = Thread(target=busy.go_on, args=(stop, once))
    writer.start()
    try:
        once.wait()
        manifest = backup(here, tmp_path / "backup")
    finally:
        stop.set()
        writer.join()
    assert busy.made
    there = at(tmp_path / "there", f"sqlite:///{tmp_path / 'there' / FILE}" if manifest.file else new_postgres())
    restore(there, tmp_path / "backup")
    result = verify(there.database_url, heads=there.heads_file)
    assert result.faults == ()
    assert result.published == 1
    engine = open_engine(there.database_url)
    try:
        old = busy.desk
        desk = Desk(engine.store, lambda entries, now: [], old.verbs, old.clock, old.new_id)
        (answer,) = desk.run([busy.asked])
    finally:
        engine.store.close()
    assert answer.replayed
    assert answer.result.amount == 5
    assert result.entries <= busy.count("entries")


def test_an_export_is_read_as_it_lies_and_restored_into_either_store(new_postgres: NewDatabase, tmp_path: Path) -> None:
    with opened(new_postgres(), Busy) as busy:
        backup(at(tmp_path / "here", busy.url), tmp_path / "backup")
        whole = verify(export=tmp_path / "backup")
        assert whole.faults == ()
        assert whole.entries == busy.count("entries")
    there = at(tmp_path / "there", f"sqlite:///{tmp_path / 'there' / FILE}")
    restore(there, tmp_path / "backup")
    assert verify(there.database_url).faults == ()
    file = tmp_path / "backup" / "entries.msgpack"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    elsewhere = at(tmp_path / "elsewhere", f"sqlite:///{tmp_path / 'elsewhere' / FILE}")
    with pytest.raises(Invalid, match="not the file that was backed up"):
        restore(elsewhere, tmp_path / "backup")
    db = connect(tmp_path / "elsewhere" / FILE, read_only=True)
    assert db.execute("SELECT count(*) FROM events").get == 0
    db.close()


def test_what_is_there_is_not_written_over(new_sqlite: NewDatabase, tmp_path: Path) -> None:
    with opened(new_sqlite(), Busy) as busy:
        here = at(tmp_path / "here", busy.url)
        backup(here, tmp_path / "backup")
        with pytest.raises(Invalid):
            backup(here, tmp_path / "backup")
        with pytest.raises(Conflict):
            restore(here, tmp_path / "backup")
    (tmp_path / "backup" / FILE).write_bytes(b"x")
    there = at(tmp_path / "there", f"sqlite:///{tmp_path / 'there' / FILE}")
    with pytest.raises(Invalid):
        restore(there, tmp_path / "backup")
    (tmp_path / "backup" / MANIFEST).unlink()
    with pytest.raises(Invalid):
        restore(there, tmp_path / "backup")


def test_the_commands(new_sqlite: NewDatabase, tmp_path: Path) -> None:
    with opened(new_sqlite(), Busy) as busy:
        url, entries = busy.url, busy.count("entries")
    run = CliRunner().invoke
    words = ["backup", str(tmp_path / "backup"), "--data", str(tmp_path / "here"), "--database", url]
    assert "back up the master key apart" in run(main, words).output
    done = run(main, ["restore", str(tmp_path / "backup"), "--data", str(tmp_path / "there")])
    assert done.exit_code == 0
    assert f"restored and verified: {entries} entries" in done.output
    told = run(main, ["verify", "--data", str(tmp_path / "there")])
    assert told.exit_code == 0
    assert "Everything holds." in told.output
    db = connect(tmp_path / "there" / FILE)
    db.execute("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE credits_posted > 0")
    db.close()
    wrong = run(main, ["verify", "--database", f"sqlite:///{tmp_path / 'there' / FILE}"])
    assert wrong.exit_code == 1
    assert "WRONG  accounts" in wrong.output
    assert run(main, ["verify", "--database", f"sqlite:///{tmp_path / 'nothing.db'}"]).exit_code == 2
    assert run(main, ["verify", "--data", str(tmp_path), "--json"]).exit_code == 2
