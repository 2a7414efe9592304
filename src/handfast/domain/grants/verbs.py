"""What can be done with grants: a person issues a code, the app exchanges it, or a refresh token, for new tokens."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Declined
from handfast.core.ids import Id
from handfast.domain.grants.model import ACCESS, ACCESS_LIFE, CODE, CODE_LIFE, REFRESH, REFRESH_LIFE, Grant
from handfast.domain.grants.tables import GRANTS
from handfast.domain.parties import active_parties
from handfast.store.verb import Tx, verb


class IssueGrant(Struct, frozen=True):
    """A person lets an app know what the scopes name; `code` is the id of the code, `at` wall time (µs)."""

    party: Id
    app: Id
    code: Id
    scopes: str
    at: int


class ExchangeGrant(Struct, frozen=True):
    """An app gives a code or a refresh token (`grant`) for new tokens, by their ids; `at` is wall time (µs)."""

    app: Id
    grant: Id
    access: Id
    refresh: Id
    at: int


@verb("grants.issue", about="party")
async def issue(tx: Tx, command: IssueGrant) -> Grant:
    """Give out a code. Raises NotFound, Forbidden(party_suspended)."""
    await active_parties(tx, party=command.party)
    grant = Grant(
        command.code, CODE, command.app, command.party, command.scopes, command.at + CODE_LIFE, None, command.at
    )
    tx.put(GRANTS, grant)
    return grant


@verb("grants.exchange", about="app")
async def exchange(tx: Tx, command: ExchangeGrant) -> Grant:
    """Use a code or a refresh token up for tokens. Raises Declined(code_invalid), Forbidden(party_suspended).

    One of another app, used, or expired is as one that never was.
    """
    given = await tx.get(GRANTS, command.grant)
    if (
        given is None
        or given.app != command.app
        or given.kind == ACCESS
        or given.used is not None
        or given.expires <= command.at
    ):
        raise Declined("code_invalid", "this was not given to this app, was used, or has expired", "code")
    await active_parties(tx, party=given.party)
    access = replace(given, id=command.access, kind=ACCESS, expires=command.at + ACCESS_LIFE, created=command.at)
    tx.put(GRANTS, replace(given, used=command.at))
    tx.put(GRANTS, access)
    tx.put(GRANTS, replace(access, id=command.refresh, kind=REFRESH, expires=command.at + REFRESH_LIFE))
    return access


VERBS = (issue, exchange)
