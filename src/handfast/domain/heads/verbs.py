"""What can be done with heads: keep one that was signed."""

from msgspec import Struct

from handfast.core.errors import Conflict
from handfast.domain.heads.model import Head, Node, Slice, head_id
from handfast.domain.heads.tables import HEADS, NODES, SLICES
from handfast.domain.parties import HOUSE
from handfast.store.verb import Tx, verb


class KeepHead(Struct, frozen=True):
    """A signed head, the hashes of its leaves, and the full subtrees that they complete."""

    head: Head
    leaves: bytes
    nodes: tuple[Node, ...]


@verb("heads.keep")
async def keep(tx: Tx, command: KeepHead) -> Head:
    """Keep a head behind the newest one. Raises Conflict(state_conflict) where another one was kept meanwhile."""
    head = command.head
    before, there = await tx.get_all((HEADS, head_id(head.number - 1)), (HEADS, head.id))
    if there is not None or head.before != (before.size if before else 0) or (before is None and head.number != 1):
        raise Conflict("state_conflict", f"head {head.number} is not the next one", "head")
    tx.put(HEADS, head)
    tx.put(SLICES, Slice(head.id, command.leaves))
    for node in command.nodes:
        tx.put(NODES, node)
    tx.event("head.signed", head, owner=HOUSE)
    return head


VERBS = (keep,)
