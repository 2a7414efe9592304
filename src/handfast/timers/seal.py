"""The loop that seals the books: reads what was committed, grows the Merkle tree by it, signs and publishes its head.

A slice is bounded, and read beside the desk, which only keeps what came of it. What a reader sees is committed, by one
writer in the order of the places, so nothing open lies below what is sealed; gaps in the places are legal.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import json
from msgspec.structs import replace

from handfast.core.errors import Conflict, Unavailable
from handfast.core.ids import Id, digest_id
from handfast.domain.heads import (
    Head,
    KeepHead,
    Node,
    Tree,
    head_id,
    heads_after,
    keep,
    last_head,
    leaf_hash,
    next_rows,
    node_id,
    published,
    signed_text,
    terms_sealed,
    tree_of,
)
from handfast.services import Services
from handfast.store.reader import Reader
from handfast.store.verb import Request

SLICE = 6_000
"""How many leaves a head seals at most."""

EVERY = 10.0
"""Seconds between looks while less than a slice waits."""

ACTOR = "timers.seal"
_PAGE = 500
_log = structlog.get_logger("handfast.seal")


class Seal:
    """Makes the next head of one database, whose tree it keeps in mind. Not for two at once: the desk keeps one's."""

    def __init__(self, key: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(key)
        self._public = self._private.public_key().public_bytes_raw()
        self._tree: Tree | None = None
        self._last: Head | None = None
        self._terms: frozenset[Id] = frozenset()

    def forget(self) -> None:
        """Read the tree anew before the next head: another one may have been kept."""
        self._tree = None

    def next(self, reader: Reader, now: int, limit: int = SLICE) -> Request | None:
        """The request that keeps the next head, of at most `limit` leaves, at market time `now`; None if none is due.

        It counts on being granted: call `forget` where it was not.
        """
        with reader.snapshot():
            if self._tree is None:
                self._last, self._terms = last_head(reader), terms_sealed(reader)
                self._tree = tree_of(reader, self._last)
            last, tree = self._last, self._tree
            rows = next_rows(reader, last.entries_to if last else 0, last.events_to if last else 0, self._terms, limit)
        if rows is None:
            return None
        before = tree.size
        hashes = [leaf_hash(leaf) for leaf in rows.leaves]
        nodes = tuple(Node(node_id(*full), found) for full, found in tree.extend(hashes))
        number = last.number + 1 if last else 1
        unsigned = Head(
            id=head_id(number),
            number=number,
            before=before,
            size=tree.size,
            root=tree.root,
            entries=rows.entries + (last.entries if last else 0),
            entries_to=rows.entries_to,
            events=rows.events + (last.events if last else 0),
            events_to=rows.events_to,
            terms=rows.terms,
            key=self._public,
            signature=b"",
            version=1,
            created=now,
        )
        head = self._last = replace(unsigned, signature=self._private.sign(signed_text(unsigned)))
        self._terms |= {rows.terms[n : n + 16] for n in range(0, len(rows.terms), 16)}
        key = digest_id(b"head", head.id, head.signature)
        return Request(keep.name, KeepHead(head, b"".join(hashes), nodes), ACTOR, key, key)


def publish(file: Path, heads: Sequence[Head]) -> None:
    """Write heads behind those in the file, durably. A line that a crash tore is ended, and stays as it is."""
    if not heads:
        return
    lines = b"".join(json.encode(published(head)) + b"\n" for head in heads)
    with file.open("ab+") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            lines = lines if out.read(1) == b"\n" else b"\n" + lines
        out.write(lines)
        out.flush()
        os.fsync(out.fileno())


def last_published(file: Path) -> int:
    """The highest number of a head in the file, 0 where there is none."""
    highest = 0
    if file.exists():
        with file.open("rb") as lines:
            for line in lines:
                try:
                    highest = max(highest, int(json.decode(line)["number"]))
                except (ValueError, KeyError, TypeError):
                    _log.warning("a line of the heads' file is no head", file=str(file))
    return highest


class Sealer:
    """Seals a running service's books, until it is cancelled."""

    def __init__(self, services: Services, key: bytes, file: Path, limit: int = SLICE) -> None:
        self._services = services
        self._limit = limit
        self._seal = Seal(key)
        self._file = file
        self._published: int | None = None

    async def run(self) -> None:
        """Seal for ever; while the database or the desk is away, wait for it."""
        while True:
            try:
                while await self.turn():
                    pass
            except Unavailable as away:
                _log.warning("sealing waits", code=away.code)
            await asyncio.sleep(EVERY)

    async def turn(self) -> bool:
        """Publish what is not, seal one slice; whether it was a full one. Raises Unavailable."""
        await self._publish()
        now = self._services.market()
        request = await self._services.read.long(lambda reader: self._seal.next(reader, now, self._limit))
        if request is None:
            return False
        answer = await self._services.hand.call(request)
        if answer.refusal is not None:
            self._seal.forget()
            if not isinstance(answer.refusal, Conflict):
                raise answer.refusal
            return False
        head = answer.result
        await self._publish()
        return bool(head.size - head.before >= self._limit)

    async def _publish(self) -> None:
        """Bring the file up to the newest head."""
        if self._published is None:
            self._published = await asyncio.to_thread(last_published, self._file)
        while heads := await self._services.read.short(self._unpublished):
            await asyncio.to_thread(publish, self._file, heads)
            self._published = heads[-1].number

    def _unpublished(self, reader: Reader) -> list[Head]:
        return heads_after(reader, self._published or 0, _PAGE)
