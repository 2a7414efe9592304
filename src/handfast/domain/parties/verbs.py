"""What can be done with parties and the API clients that act for them."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Forbidden, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.core.states import move
from handfast.domain.parties.model import (
    CLIENT_STATES,
    HOUSE,
    KINDS,
    PARTY_STATES,
    PAYEE_GIVEN,
    SCOPES,
    ApiClient,
    Login,
    Party,
    PersonKey,
)
from handfast.domain.parties.tables import API_CLIENTS, LOGINS, PARTIES, PERSON_KEYS
from handfast.store.verb import Tx, verb


class CreateParty(Struct, frozen=True):
    """A new party with the id under which its details were sealed, and that key, wrapped.

    `payee_check` is what `compare` said of the bank account in them, "" where there is none; `by` the API client that
    gave them; `login` the Vault.login_id of the address in them.
    """

    party: Id
    kind: str
    country: str
    wrapped_key: bytes
    details: bytes
    settle_currency: str = ""
    commission_bps: int = 0
    commission_minimum: int = 0
    commission_cap: int = 0
    listing_fee: int = 0
    commission_currency: str = ""
    payee_check: str = ""
    by: Id | None = None
    login: Id | None = None


class MoveParty(Struct, frozen=True):
    """Suspend, resume or erase a party."""

    party: Id
    step: str


class CreateClient(Struct, frozen=True):
    """A new API client of a party; the caller made the secret and hands over its hash only."""

    party: Id
    name: str
    secret_hash: bytes
    scopes: str


class RevokeClient(Struct, frozen=True):
    """End an API client; its key works no more."""

    client: Id


def active(party: Party | None, name: str) -> Party:
    """The party, if it is there and active. Raises NotFound(object_not_found), Forbidden(party_suspended)."""
    if party is None:
        raise NotFound("object_not_found", f"no such party: {name}", name)
    if party.state != "active":
        raise Forbidden("party_suspended", f"the {name} is {party.state}", name)
    return party


async def active_parties(tx: Tx, **named: Id) -> dict[str, Party]:
    """The parties of those names.

    Raises NotFound(object_not_found), Forbidden(party_suspended), naming the guilty one.
    """
    found = await tx.get_all(*((PARTIES, key) for key in named.values()))
    return {name: active(party, name) for name, party in zip(named, found, strict=True)}


async def note_debtors(tx: Tx, owners: Iterable[Id]) -> None:
    """Stage that the operator advances something for these parties, unless that is known of them.

    A sale that is made beside it reads its seller, so it comes before this, or nets.
    """
    for party in await tx.get_all(*((PARTIES, owner) for owner in owners)):
        if not party.debtor:
            tx.put(PARTIES, replace(party, debtor=1))


def must_belong(by: Id, name: str, *parties: Id | None) -> None:
    """Let the house and the object's own parties pass. Raises NotFound, as for an object that is not there."""
    if by != HOUSE and by not in parties:
        raise NotFound("object_not_found", f"no such {name}", name)


@verb("parties.create")
async def create(tx: Tx, command: CreateParty) -> Party:
    """Take a party in. Raises Invalid, Conflict(object_exists)."""
    if command.kind not in KINDS:
        raise Invalid("field_invalid", f"a party is one of {', '.join(KINDS)}", "kind")
    if len(command.country) != 2 or not command.country.isascii() or not command.country.isupper():
        raise Invalid("field_invalid", "a country is its two letters of ISO 3166", "country")
    if not 0 <= command.commission_bps <= 10_000:
        raise Invalid("field_invalid", "a commission is 0 to 10,000 basis points", "commission_bps")
    for name in ("commission_minimum", "commission_cap", "listing_fee"):
        if getattr(command, name):
            check_amount(getattr(command, name), name)
    if 0 < command.commission_cap < command.commission_minimum:
        raise Invalid("field_invalid", "the commission's minimum is above its cap", "commission_minimum")
    for currency in filter(None, (command.settle_currency, command.commission_currency)):
        exponent(currency)
    if command.payee_check not in PAYEE_GIVEN:
        raise Invalid("field_invalid", "a check says match, close or no_match", "payee_check")
    if await tx.get(PARTIES, command.party) is not None:
        raise Conflict("object_exists", "there is a party of this id", "party")
    party = Party(
        id=command.party,
        kind=command.kind,
        state="active",
        country=command.country,
        settle_currency=command.settle_currency,
        commission_bps=command.commission_bps,
        commission_minimum=command.commission_minimum,
        commission_cap=command.commission_cap,
        listing_fee=command.listing_fee,
        commission_currency=command.commission_currency,
        details=command.details,
        payee_check=command.payee_check,
        payee_reason="",
        payee_by=command.by,
        payee_handler=None,
        debtor=0,
        version=1,
        created=tx.now,
    )
    tx.put(PERSON_KEYS, PersonKey(command.party, command.wrapped_key))
    await keep_login(tx, command.login, party.id)
    return keep_party(tx, party, "party.created")


async def keep_login(tx: Tx, login: Id | None, party: Id) -> None:
    """Stage that a party is found by an address, unless another one was first to give it."""
    if login is not None and await tx.get(LOGINS, login) is None:
        tx.put(LOGINS, Login(login, party))


@verb("parties.move", about="party")
async def move_party(tx: Tx, command: MoveParty) -> Party:
    """Suspend, resume or erase; erasing destroys the key that sealed the details. Raises NotFound, Conflict."""
    party = await tx.get(PARTIES, command.party)
    if party is None:
        raise NotFound("object_not_found", "no such party", "party")
    if party.id == HOUSE:
        raise Conflict("state_conflict", "the house itself is neither suspended nor erased", "party")
    changed = replace(party, state=move(PARTY_STATES, party.state, command.step), version=party.version + 1)
    if changed.state == "erased":
        key = await tx.get(PERSON_KEYS, party.id)
        if key is not None:
            tx.put(PERSON_KEYS, replace(key, wrapped=b""))
        changed = replace(changed, details=b"")
    return keep_party(tx, changed, f"party.{changed.state}")


def keep_party(tx: Tx, party: Party, event: str) -> Party:
    """Stage a party's next version and its event, which is told without details; returned with them."""
    tx.put(PARTIES, party)
    tx.event(event, replace(party, details=b""), owner=party.id)
    return party


@verb("clients.create", about="party")
async def create_client(tx: Tx, command: CreateClient) -> ApiClient:
    """Give a party a key. Raises Invalid(field_invalid), NotFound, Forbidden."""
    unknown = sorted(set(command.scopes.split()) - SCOPES.keys())
    if unknown or not command.scopes.split():
        raise Invalid("field_invalid", f"scopes are of {', '.join(SCOPES)}", "scopes")
    if len(command.secret_hash) != 32:
        raise Invalid("field_invalid", "a SHA-256 is 32 bytes", "secret_hash")
    party = (await active_parties(tx, party=command.party))["party"]
    if "operate" in command.scopes.split() and party.kind != "operator":
        raise Forbidden("scope_missing", "only the operator's keys may operate", "scopes")
    client = ApiClient(
        id=tx.new_id(),
        party=party.id,
        name=command.name,
        secret_hash=command.secret_hash,
        scopes=command.scopes,
        state="active",
        version=1,
        created=tx.now,
    )
    tx.put(API_CLIENTS, client)
    return client


@verb("clients.revoke", about="client")
async def revoke_client(tx: Tx, command: RevokeClient) -> ApiClient:
    """End a key. Raises NotFound, Conflict(state_conflict)."""
    client = await tx.get(API_CLIENTS, command.client)
    if client is None:
        raise NotFound("object_not_found", "no such API client", "client")
    changed = replace(client, state=move(CLIENT_STATES, client.state, "revoke"), version=client.version + 1)
    tx.put(API_CLIENTS, changed)
    return changed


VERBS = (create, move_party, create_client, revoke_client)
