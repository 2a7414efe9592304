"""Parties and API keys: from what a client wrote to the domain's commands, with personal details sealed on the way."""

from typing import Any

from handfast.core.errors import Forbidden, Invalid
from handfast.core.ids import Id
from handfast.domain import parties
from handfast.domain.parties import PARTIES, PERSON_KEYS, Details, Party
from handfast.gateways.native import objects, wire
from handfast.gateways.native.calls import Call
from handfast.gateways.native.prefixes import read, unknown
from handfast.gateways.native.render import api_key, party
from handfast.rails import UsAccount, check_account, check_bic, check_iban
from handfast.store.reader import Reader, get


def _checked(given: wire.NewParty | wire.NewDetails, name: str, email: str) -> Details:
    """The details, their bank account's number checked. Raises Invalid(iban_invalid, field_invalid)."""
    iban = check_iban(given.iban) if given.iban else ""
    if given.routing or given.account:
        if iban:
            raise Invalid("field_invalid", "a party has an IBAN or a US account, not both", "iban")
        try:
            check_account(UsAccount(given.routing, given.account), "us")
        except Invalid as no:
            field = "routing" if no.param == "us.routing_number" else "account"
            raise Invalid(no.code, no.message, field) from None
    bic = check_bic(given.bic) if given.bic else ""
    return Details(name, email, iban, given.routing, given.account, bic, given.holder)


async def create_party(call: Call[wire.NewParty]) -> objects.Party:
    """Take in a customer or a merchant."""
    given, services = call.given, call.services
    key = services.new_id(services.market())
    wrapped = services.vault.new_key(key)
    details = _checked(given, given.name, given.email)
    command = parties.CreateParty(
        party=key,
        kind=given.kind,
        country=given.country,
        wrapped_key=wrapped,
        details=services.vault.seal(wrapped, key, details),
        settle_currency=given.settle_currency,
        commission_bps=given.commission_bps,
        commission_minimum=given.commission_minimum,
        commission_cap=given.commission_cap,
        listing_fee=given.listing_fee,
        commission_currency=given.commission_currency,
        payee_check=parties.payee_check(details),
        by=call.caller.client,
        login=services.vault.login_id(details.email) if details.email else None,
    )
    return await _with_details(call, await call.do(parties.create, command))


async def change_details(call: Call[wire.NewDetails]) -> objects.Party:
    """Give a party's details anew. Payouts asked for before still go to the account that was known then."""
    given, caller = call.given, call.caller
    row = await call.find(PARTIES, _oneself, "party")
    wrapped = await wrapped_key(call, row.id)
    known = call.services.vault.open(wrapped, row.id, row.details, Details) if row.details else None
    name = (known.name if known else "") if given.name is None else given.name
    if not caller.operates and (known is None or name != known.name):
        raise Forbidden("scope_missing", "only the operator changes a name", "name")
    email = (known.email if known else "") if given.email is None else given.email
    details = _checked(given, name, email)
    command = parties.ChangeDetails(
        by=caller.party,
        client=caller.client,
        party=row.id,
        details=call.services.vault.seal(wrapped, row.id, details),
        payee_check=parties.payee_check(details),
        login=call.services.vault.login_id(email) if email else None,
    )
    return await _with_details(call, await call.do(parties.change_details, command))


def accept_payee(call: Call[wire.Reasons]) -> parties.AcceptPayee:
    """Let payouts go to a bank account in another's name, or to one that the bank returned a payout from."""
    return parties.AcceptPayee(call.id, call.caller.client, call.given.reason)


async def see_party(call: Call[Any]) -> objects.Party:
    """See a party with its details: oneself, or anybody as the operator."""
    return await _with_details(call, await call.find(PARTIES, _oneself, "party"))


def _oneself(row: Party) -> tuple[Id]:
    return (row.id,)


async def _with_details(call: Call[Any], row: Party) -> objects.Party:
    def opened(reader: Reader) -> Details | None:
        key = get(reader, PERSON_KEYS, row.id)
        if key is None or not key.wrapped or not row.details:
            return None
        return call.services.vault.open(key.wrapped, row.id, row.details, Details)

    return party(row, await call.look(opened))


def suspend_party(call: Call[wire.Nothing]) -> parties.MoveParty:
    """Take no more orders from a party, nor for it."""
    return parties.MoveParty(call.id, "suspend")


def resume_party(call: Call[wire.Nothing]) -> parties.MoveParty:
    """Let a suspended party go on."""
    return parties.MoveParty(call.id, "resume")


def erase_party(call: Call[wire.Nothing]) -> parties.MoveParty:
    """Destroy the key that seals a party's details."""
    return parties.MoveParty(call.id, "erase")


async def create_api_key(call: Call[wire.NewClient]) -> objects.ApiKey:
    """Make an API key; this answer alone tells its secret."""
    given, secret = call.given, parties.new_secret()
    command = parties.CreateClient(
        party=read("party", given.party),
        name=given.name,
        secret_hash=parties.secret_hash(secret),
        scopes=" ".join(given.scopes),
    )
    client = await call.do(parties.create_client, command)
    return api_key(client, None if call.replayed else parties.format_key(client.id, secret))


def revoke_api_key(call: Call[wire.Nothing]) -> parties.RevokeClient:
    """End an API key; within a second it opens nothing."""
    return parties.RevokeClient(call.id)


async def wrapped_key(call: Call[Any], owner: Id) -> bytes:
    """The key under which a party's own things are sealed. Raises NotFound where there is none (any more)."""
    key = await call.look(lambda reader: get(reader, PERSON_KEYS, owner))
    if key is None or not key.wrapped:
        raise unknown("party")
    return key.wrapped
