"""Customers, merchants and the operator; the API clients that act for them; their sealed details."""

from handfast.domain.parties.credentials import ApiKey, format_key, new_secret, parse_key, proves, secret_hash
from handfast.domain.parties.model import HOUSE, SCOPES, ApiClient, Details, Party, PersonKey
from handfast.domain.parties.seal import Vault
from handfast.domain.parties.tables import API_CLIENTS, PARTIES, PERSON_KEYS, clients_of, operator
from handfast.domain.parties.verbs import (
    VERBS,
    CreateClient,
    CreateParty,
    MoveParty,
    RevokeClient,
    active,
    active_parties,
    create,
    create_client,
    move_party,
    must_belong,
    revoke_client,
)

__all__ = [
    "API_CLIENTS",
    "HOUSE",
    "PARTIES",
    "PERSON_KEYS",
    "SCOPES",
    "VERBS",
    "ApiClient",
    "ApiKey",
    "CreateClient",
    "CreateParty",
    "Details",
    "MoveParty",
    "Party",
    "PersonKey",
    "RevokeClient",
    "Vault",
    "active",
    "active_parties",
    "clients_of",
    "create",
    "create_client",
    "format_key",
    "move_party",
    "must_belong",
    "new_secret",
    "operator",
    "parse_key",
    "proves",
    "revoke_client",
    "secret_hash",
]
