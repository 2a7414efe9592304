"""What can be done with policies: publish a book of them, which is then in force."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.domain.parties import HOUSE
from handfast.domain.policies.book import digest_of, read_book
from handfast.domain.policies.model import BookRow, Period, Policy, PolicyName, Step
from handfast.domain.policies.rules import LONGEST
from handfast.domain.policies.tables import BOOK, BOOKS, POLICIES, POLICY_NAMES, name_id, policy_row, rules_body
from handfast.store.verb import Tx, verb


class PublishBook(Struct, frozen=True):
    """Put the book that a policy file holds in force; `book` is the file's content."""

    book: bytes


@verb("policies.publish")
async def publish(tx: Tx, command: PublishBook) -> BookRow:
    """Publish a book's policies and put its rules in force, for what is sold from now on; again, it changes nothing.

    Raises Invalid(policy_invalid), also where a policy of this name and version was published with other content.
    """
    book = read_book(command.book)
    rows = [policy_row(policy, tx.now) for policy in book.policies]
    names = [PolicyName(name_id(row.name, row.number), row.id) for row in rows]
    kept = await tx.get(BOOKS, BOOK)
    published = await tx.get_all(*((POLICY_NAMES, name.id) for name in names))
    for n, (name, known) in enumerate(zip(names, published, strict=True)):
        if known is not None and known.policy != name.policy:
            words = f"{rows[n].name} {rows[n].number} was published with other content: raise the version"
            raise Invalid("policy_invalid", words, f"policies[{n}].version")
    for row, name, known in zip(rows, names, published, strict=True):
        if known is None:
            tx.put(POLICIES, row)
            tx.put(POLICY_NAMES, name)
    body = rules_body(book)
    if kept is None:
        kept = BookRow(BOOK, "in_force", body, 0, tx.now)
    elif kept.body == body:
        return kept
    changed = replace(kept, body=body, version=kept.version + 1)
    tx.put(BOOKS, changed)
    tx.event("policy_book.published", changed, owner=HOUSE)
    return changed


async def settling(tx: Tx, policy: Policy, days: int) -> tuple[Id, Policy]:
    """The policy of a sale that a platform settles, published as it is asked for; the rest is as in the given policy.

    So many days after the payment silence pays the seller. A refund is possible for as long as any policy allows.
    """
    settled = replace(
        policy,
        name=f"settle-{days}d-{digest_of(policy).hex()[:16]}",
        version=1,
        sources=("confirm: the days that the merchant's platform asked for",),
        confirm=Step(Period(days, "days"), "release"),
        confirm_delivered=None,
        refundable=Period(LONGEST["days"], "days"),
        milestones=(),
        extensions=(),
    )
    row = policy_row(settled, tx.now)
    if await tx.get(POLICIES, row.id) is None:
        tx.put(POLICIES, row)
        tx.put(POLICY_NAMES, PolicyName(name_id(row.name, row.number), row.id))
    return row.id, settled


VERBS = (publish,)
