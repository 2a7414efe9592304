"""Merchants' servers as the deliverer sees them: well, slow, erroring, dead or moody, and what reached them."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from tests.simulation.history import must

from handfast.core.clocks import SECOND
from handfast.core.ids import Id, parse
from handfast.timers.sender import TIME_LIMIT, Outcome

MOODS = ("well", "well", "well", "erroring", "dead", "slow", "moody")


class Arrival(NamedTuple):
    """What came to an endpoint's URL."""

    url: str
    event: Id
    taken: bool


class Receivers:
    """Stands in for the sender: what is posted arrives, or does not, and is answered, now or after a while."""

    def __init__(self, dice: Random, clock: Callable[[], int], happened: Callable[[str], None]) -> None:
        self.arrivals: list[Arrival] = []
        self.moods: dict[str, str] = {}
        self._dice = dice
        self._clock = clock
        self._happened = happened
        self._slow: list[tuple[int, asyncio.Future[Outcome], Outcome]] = []
        self._bodies: dict[tuple[str, Id], bytes] = {}

    def change_moods(self) -> None:
        """Some server falls ill or recovers."""
        self.moods[self._dice.choice("abcd")] = self._dice.choice(MOODS)

    def heal(self) -> None:
        """All servers are well from now on."""
        self.moods.clear()

    def tick(self) -> None:
        """Give the late answers whose time has come."""
        due = [item for item in self._slow if item[0] <= self._clock()]
        self._slow = [item for item in self._slow if item[0] > self._clock()]
        for _, future, outcome in due:
            if not future.done():
                future.set_result(outcome)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """See Sender.post."""
        mood = self.moods.get(url.split("/")[3], "well")
        if mood == "moody":
            mood = self._dice.choice(MOODS)
        if mood != "well":
            self._happened(f"receiver_{mood}")
        match mood:
            case "dead":
                return Outcome(0, "connection_failed")
            case "erroring":
                self._arrive(url, headers, body, taken=False)
                return Outcome(self._dice.choice((500, 503, 404, 302)))
            case "slow":
                delay = self._dice.randrange(2 * TIME_LIMIT) * SECOND
                late = delay >= TIME_LIMIT * SECOND
                self._arrive(url, headers, body, taken=not late)
                future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
                answer = Outcome(0, "timed_out") if late else Outcome(200)
                self._slow.append((self._clock() + min(delay, TIME_LIMIT * SECOND), future, answer))
                return await future
            case _:
                self._arrive(url, headers, body, taken=True)
                return Outcome(200)

    def _arrive(self, url: str, headers: Mapping[str, str], body: bytes, *, taken: bool) -> None:
        event = parse("evt", headers["webhook-id"])
        must(event is not None, "B8", f"a message has the id {headers['webhook-id']}")
        assert event is not None
        before = self._bodies.setdefault((url, event), body)
        must(before == body, "B8", f"event {event.hex()} was told in two ways")
        self.arrivals.append(Arrival(url, event, taken))
