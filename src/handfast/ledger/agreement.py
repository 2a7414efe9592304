"""Whether a database's copy and the cluster that decides say the same of every account and every entry."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace
from tigerbeetle.bindings import Operation

from handfast.ledger.chains import CONTROL, QUERY, Books, Stored, moved, read_accounts, read_transfers, same
from handfast.ledger.cluster import Asks
from handfast.ledger.journal import Booked, Reads, all_balances, all_entries
from handfast.ledger.model import Balance, Entry, Mode, Posting

Item = TypeVar("Item")
PAGE = 2_000
"""How many accounts or transfers are asked for at once."""


def disagreements(reader: Reads, cluster: Asks, number: int) -> Iterator[str]:
    """Each difference in words, none if all is well; inside a snapshot, with nothing under way.

    `number` is that of the database's books. Raises what Cluster.ask raises.
    """
    books = Books(number)
    known: set[bytes] = set()
    for some in _pages(all_balances(reader), PAGE):
        (answer,) = cluster.ask([(Operation.LOOKUP_ACCOUNTS, b"".join(books.out(kept.account) for kept in some))])
        there = {key: four for key, four, *_ in read_accounts(answer)}
        for kept in some:
            four = there.get(books.out(kept.account))
            known.add(books.out(kept.account))
            if four is None or Balance(kept.account, *four) != kept:
                yield f"account {kept.account.hex()}: the copy has {_four(kept)}, the cluster {four}"
    for key, four, code in _accounts(cluster, books):
        if code != CONTROL and key not in known and any(four):
            yield f"account {books.back(key).hex()}: the cluster has {four}, the copy does not know it"
    for entries in _pages(all_entries(reader), PAGE):
        yield from _differing(entries, cluster, books)


def _four(kept: Balance) -> tuple[int, int, int, int]:
    return kept.debits_pending, kept.debits_posted, kept.credits_pending, kept.credits_posted


def _accounts(cluster: Asks, books: Books) -> Iterator[tuple[bytes, tuple[int, int, int, int], int]]:
    """All accounts of these books in the cluster, in the order in which they were opened."""
    after = 0
    while True:
        query = QUERY.pack(bytes(16), books.number, 0, 0, 0, bytes(6), after + 1, 0, PAGE, 0)
        (answer,) = cluster.ask([(Operation.QUERY_ACCOUNTS, query)])
        if not answer:
            return
        for key, four, code, timestamp in read_accounts(answer):
            after = timestamp
            yield key, four, code


def _differing(entries: Sequence[Booked], cluster: Asks, books: Books) -> Iterator[str]:
    made = [(booked, books.chain(_asked(booked), booked.at)) for booked in entries]
    stored: dict[bytes, Stored] = {}
    for some in _pages((key for _, chain in made for key in chain.ids), PAGE):
        (answer,) = cluster.ask([(Operation.LOOKUP_TRANSFERS, b"".join(some))])
        stored |= read_transfers(answer)
    for booked, chain in made:
        members = [stored.get(key) for key in chain.ids]
        if not all(map(same, chain.records, members)) or moved(chain, stored) != booked.postings:
            yield f"entry {booked.id.hex()}: the cluster has another one, or none"


def _asked(booked: Booked) -> Entry:
    """The entry as it may have been asked for: where an UP_TO posting moved nothing, for as little as can be."""
    return Entry(booked.id, booked.kind, tuple(map(_least, booked.postings)))


def _least(posting: Posting) -> Posting:
    return replace(posting, amount=posting.amount or 1) if posting.mode == Mode.UP_TO else posting


def _pages(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page
