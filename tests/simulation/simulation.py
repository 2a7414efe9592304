"""One seed: a market of people, a bank and receivers around a desk that dies, errs, is fenced off, and recovers."""

import gc
import shutil
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace
from tests.simulation import checkout_deeds, house_deeds, market_deeds
from tests.simulation.history import Violation, must
from tests.simulation.machine import VAULT, quiet
from tests.simulation.mishaps import Crash
from tests.simulation.scene import Scene
from tests.simulation.world import Result, World

from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND
from handfast.core.errors import Unavailable
from handfast.timers.clerk import Clerk
from handfast_verify.run import verify

DEEDS = [*market_deeds.WEIGHTS, *checkout_deeds.WEIGHTS, *house_deeds.WEIGHTS]
VERIFIED = {
    **dict.fromkeys(("seal", "file"), "B9"),
    "ledger": "B2",
    **dict.fromkeys(("balances", "pendings", "statements", "objects"), "B10"),
    "events": "B8",
    "operations": "B3",
}
"""The invariant that a fault breaks which the independent reader finds, by its check."""

BANKING = (
    "receive",
    "receive",
    "pay_out",
    "pay_out",
    "decide",
    "carry",
    "carry",
    "give_back",
    "exchange",
    *["read"] * 4,
)


class Simulation(World):
    """What people, the bank, the clocks and bad luck do in a world."""

    def play(self, size: int) -> Result:
        """Have so many deeds done, with all that goes wrong; then let all come to rest, and judge. Raises Violation."""
        while self.result.actions < size:
            try:
                self._step()
            except Crash as crash:
                self._die(crash.cut)
        self.rest()
        self.result.trace = self._finish()
        return self.result

    # What may happen next.

    def _step(self) -> None:
        if self.zombie is not None and self.dice.random() < 0.05:
            self.wake()
        draw = self.dice.random()
        if draw < 0.56:
            self.act()
        elif draw < 0.77:
            self.run([])
        elif draw < 0.85:
            self.deliver()
        elif draw < 0.88:
            self.do(self.office.expirer.fire(self.office.market()))
        elif draw < 0.885:
            self.do(self.office.sealer.turn())
        elif draw < 0.92:
            self.wait()
        elif draw < 0.97:
            self.bank()
        elif draw < 0.985:
            self.late_timer()
        elif draw < 0.995:
            self.trouble()
        else:
            self.receivers.change_moods()

    def act(self) -> None:
        """Somebody does something."""
        scene = self.scene()
        deeds, weights = zip(*DEEDS, strict=True)
        (deed,) = self.dice.choices(deeds, weights)
        for each in deed(scene):
            self.history.ask(*each)
            self.result.actions += 1

    def scene(self) -> Scene:
        """The town as it is now."""
        office = self.office
        return Scene(self.town, office.reader, self.dice, self._new_id, office.market(), self.machine.wall)

    def do(self, loop_of_the_house: Any) -> Any:
        """Let one of the house's loops take its turn; while the desk is away it waits."""
        try:
            return self.loop.run_until_complete(loop_of_the_house)
        except Unavailable as away:
            self.note("waits", away.code)
            return None

    def deliver(self) -> bool:
        """One turn of the deliverer, after a moment."""
        self.machine.wall += self.dice.randrange(3 * SECOND)
        self.receivers.tick()
        return bool(self.do(self.office.deliverer.turn()))

    def wait(self) -> None:
        """Time passes: seconds, or market days, each due time in its turn; the clock may be set back a little."""
        draw = self.dice.random()
        if draw < 0.5:
            self.machine.wall += self.dice.choice((SECOND, MINUTE, HOUR))
        elif draw < 0.55:
            self._happened("clock_set_back")
            self.machine.wall -= self.dice.choice((SECOND, MINUTE))
        else:
            target = self.office.market() + self.dice.choice((HOUR, DAY, DAY, 3 * DAY, 9 * DAY))
            self.do(self.office.advancer.advance(target))

    def bank(self) -> None:
        """Something happens at the bank or at the clerk's desk."""
        scene = self.scene()
        match self.dice.choice(BANKING):
            case "receive":
                self.bankers.receive(scene)
            case "pay_out":
                self.bankers.prepare(scene, self.clerk())
                self._decide()
            case "decide":
                self._decide()
            case "carry":
                self.bankers.carry(scene, self.clerk())
            case "give_back":
                self.bankers.give_back(scene)
            case "exchange":
                self.bankers.exchange(scene)
            case _:
                self.bankers.day(scene.now)
                self.bankers.import_one(self.clerk())

    def _decide(self) -> None:
        for each in self.bankers.decide(self.scene()):
            self.history.ask(*each)

    def clerk(self) -> Clerk:
        """Somebody who does the paperwork."""
        office = self.office
        return Clerk(office.reader, self.run, VAULT, now=office.market(), actor="clerk", request=self._new_id())

    def late_timer(self) -> None:
        """What a timer once asked for is asked again, when its object has long moved on."""
        if self._timers:
            self._happened("late_timer")
            key = self._new_id()
            self.run([replace(self.dice.choice(self._timers), key=key, request=key)])

    def trouble(self) -> None:
        """The process is killed while it idles, or another takes over."""
        draw = self.dice.random()
        if draw < 0.4:
            self._happened("crash_idle")
            self._die(None)
        else:
            self.take_over()

    # The end.

    def rest(self) -> None:
        """Nothing goes wrong any more: everybody is answered, the bank heard, every event told; then all is judged."""
        self.calm = self.history.calm = True
        self.mishaps.plan.kind = ""
        self.receivers.heal()
        self._drain()
        self.do(self.office.advancer.advance(self.office.market() + 2 * DAY))
        self._drain()
        self.bankers.day(self.office.market())
        for number in range(len(self.bankers.statements)):
            if number not in self.bankers.imported:
                self.bankers.take(number, self.clerk())
        self._drain()
        while self.do(self.office.sealer.turn()):
            pass
        for _ in range(10_000):
            if not self.deliver() and not self.office.deliverer.sending and not self._later():
                break
        self.judge.final = True
        self.judge.check(self.office.reader)
        self._verify()
        must(not self.history.waiting, "B3", "somebody was never answered")

    def _verify(self) -> None:
        """The independent reader finds nothing, either, with the heads that were published."""
        heads = self.machine.heads if self.machine.heads.exists() else None
        found = verify(f"sqlite:///{self.machine.path}", heads=heads)
        for fault in found.faults:
            raise Violation(VERIFIED[fault.check], str(fault))

    def _later(self) -> bool:
        """Let wall time come to the next try of a delivery, if there is one."""
        rows = self.office.reader.rows(
            "SELECT min(deliveries.due) FROM deliveries JOIN endpoints ON endpoints.id = deliveries.endpoint"
            " WHERE endpoints.state = 'active' AND deliveries.due IS NOT NULL"
        )
        due = rows[0][0]
        if due is not None:
            self.machine.wall = max(self.machine.wall, due)
        return due is not None

    def _drain(self) -> None:
        for _ in range(10_000):
            if not self.history.waiting:
                return
            self.run([])

    def _finish(self) -> str:
        """The trace's digest, with every row of every table."""
        reader = self.office.reader
        names = reader.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (name,) in names:
            self._trace.update(msgpack.encode(reader.rows(f"SELECT * FROM {name}")))
        return self._trace.hexdigest()


def simulate(seed: int, size: int, told: Callable[[str], None] = lambda _line: None) -> Result:
    """Play one seed; what it breaks is in the result."""
    folder = Path(tempfile.mkdtemp(prefix="handfast-", dir=_fast()))
    collecting = gc.isenabled()
    gc.disable()
    try:
        with quiet():
            simulation = Simulation(seed, folder, told)
            try:
                return simulation.play(size)
            except Violation as broken:
                simulation.result.broken, simulation.result.words = broken.code, str(broken)
                return simulation.result
            except Exception:  # noqa: BLE001 - a fault is a finding, too
                simulation.result.broken, simulation.result.words = "fault", traceback.format_exc(limit=-8)
                return simulation.result
            finally:
                simulation.close()
    finally:
        if collecting:
            gc.enable()
        shutil.rmtree(folder, ignore_errors=True)


def _fast() -> Path | None:
    """Where files cost least: memory, if the system has such a place."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None
