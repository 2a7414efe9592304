"""What a replay begins with: the past parties and the operator's persons, with money enough, and the policy book."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from handfast.core.ids import Id, digest_id, owner_of
from handfast.core.money import MAX_AMOUNT
from handfast.domain.custody import BankLine, OpenAccount, custody_account_id
from handfast.domain.disputes import Dispute
from handfast.domain.parties import API_CLIENTS, HOUSE, PARTIES, ApiClient, CreateClient, CreateParty, Party
from handfast.domain.policies import PublishBook
from handfast.domain.topups import BookTopup, CreateTopup
from handfast.domain.transfers import CreateTransfer
from handfast.sandbox.driver import ask
from handfast.store.reader import Reader, find, select
from handfast.store.verb import Request

_TREASURY: Id = owner_of(digest_id(b"what if", b"treasury"))
_AT_ONCE = 500
_NEEDS = (
    "SELECT party, currency, sum(amount) FROM ("
    "SELECT buyer AS party, currency, amount FROM trades"
    " UNION ALL SELECT seller AS party, settle_currency AS currency, settle_amount AS amount FROM trades) AS needs"
    " GROUP BY party, currency ORDER BY party, currency"
)
"""What buyers paid, and what sellers may have to give back out of money that the replay knows nothing of."""

Step = tuple[Sequence[Request], dict[Id, tuple[Id, ...]]]
"""Requests to be answered together, and by their keys the ids that they are to give."""


class Footing:
    """Lays it for a replay of the past that a reader reads, inside a snapshot."""

    def __init__(self, past: Reader) -> None:
        self._past = past
        self._persons: list[ApiClient] = [
            client
            for client in find(past, API_CLIENTS, "party = ? ORDER BY id", HOUSE)
            if "operate" in client.scopes.split()
        ]

    def another_person(self, dispute: Dispute) -> Id:
        """One of the operator's persons who has not decided on a dispute: who it was is not told of a rejection."""
        taken = (dispute.handler, dispute.first_handler, dispute.first_second)
        return next((person.id for person in self._persons if person.id not in taken), HOUSE)

    def requests(self, book: bytes, now: int) -> Iterator[Step]:
        """Everything to ask for before the first trade, round by round; `now` is its market time (µs)."""
        for parties in _chunks(self._parties()):
            yield [ask("parties.create", each, "what if", f"party/{each.party.hex()}") for each in parties], {}
        clients = [
            ask(
                "clients.create", CreateClient(HOUSE, client.name, bytes(32), client.scopes), "what if", client.id.hex()
            )
            for client in self._persons
        ]
        yield clients, {_key(request): (client.id,) for request, client in zip(clients, self._persons, strict=True)}
        yield [ask("policies.publish", PublishBook(book), "what if", "book")], {}
        yield from self._money(now)

    def _parties(self) -> Iterator[CreateParty]:
        yield CreateParty(_TREASURY, "customer", "XX", b"", b"")
        for row in self._past.stream(f"{select(PARTIES)} ORDER BY id"):
            party = Party(*row)
            yield CreateParty(
                party=party.id,
                kind=party.kind,
                country=party.country,
                wrapped_key=b"",
                details=b"",
                settle_currency=party.settle_currency,
                commission_bps=party.commission_bps,
                commission_minimum=party.commission_minimum,
                commission_cap=party.commission_cap,
                listing_fee=party.listing_fee,
                commission_currency=party.commission_currency,
            )

    def _money(self, now: int) -> Iterator[Step]:
        """Let the treasury have it from the bank, and everybody from the treasury."""
        totals: Counter[str] = Counter()
        for _, currency, amount in self._past.stream(_NEEDS):
            totals[currency] += int(amount)
        for currency, total in sorted(totals.items()):
            yield [ask("custody.open_account", OpenAccount("-", "-", currency, "simulation"), "what if", currency)], {}
            for n, amount in enumerate(_parts(total)):
                yield from _topped_up(currency, n, amount, now)
        for transfers in _chunks(self._transfers()):
            yield transfers, {}

    def _transfers(self) -> Iterator[Request]:
        for party, currency, total in self._past.stream(_NEEDS):
            for n, amount in enumerate(_parts(int(total))):
                command = CreateTransfer(_TREASURY, party, currency, amount)
                yield ask("transfers.create", command, "what if", f"{party.hex()}/{currency}/{n}")


def _topped_up(currency: str, n: int, amount: int, now: int) -> Iterator[Step]:
    topup, line = (owner_of(digest_id(word, currency.encode(), b"%d" % n)) for word in (b"topup", b"line"))
    announced = ask("topups.create", CreateTopup(_TREASURY, currency), "what if", f"topup/{currency}/{n}")
    yield [announced], {_key(announced): (topup,)}
    booked = BankLine(
        id=line,
        statement=line,
        account=custody_account_id(currency),
        currency=currency,
        amount=amount,
        booked_on="2000-01-01",
        state="",
        reason="",
        object=None,
        party=HOUSE,
        details=b"",
        attempt=0,
        version=0,
        created=now,
    )
    yield [ask("topups.book", BookTopup(topup, booked), "what if", f"booked/{currency}/{n}")], {}


def _parts(total: int) -> Iterator[int]:
    """The amount, cut into such as one movement may have."""
    while total > 0:
        yield min(total, MAX_AMOUNT)
        total -= MAX_AMOUNT


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, _AT_ONCE)):
        yield chunk


def _key(request: Request) -> Id:
    assert request.key is not None, "driver.ask gives keys"
    return request.key
