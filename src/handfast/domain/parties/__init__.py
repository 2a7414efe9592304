"""Customers, merchants and the operator; the API clients that act for them; their sealed details."""

from handfast.domain.parties.credentials import ApiKey, format_key, new_secret, parse_key, proves, secret_hash
from handfast.domain.parties.model import HOUSE, PAYEE_REFUSED, SCOPES, ApiClient, Details, Login, Party, PersonKey
from handfast.domain.parties.payee import VERBS as PAYEE_VERBS
from handfast.domain.parties.payee import (
    AcceptPayee,
    ChangeDetails,
    accept_payee,
    change_details,
    compare,
    mark_returned,
    operators_person,
    payee_check,
)
from handfast.domain.parties.seal import Vault
from handfast.domain.parties.tables import API_CLIENTS, LOGINS, PARTIES, PERSON_KEYS, clients_of, operator
from handfast.domain.parties.verbs import VERBS as PARTY_VERBS
from handfast.domain.parties.verbs import (
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
    note_debtors,
    revoke_client,
)

VERBS = (*PARTY_VERBS, *PAYEE_VERBS)

__all__ = [
    "API_CLIENTS",
    "HOUSE",
    "LOGINS",
    "PARTIES",
    "PAYEE_REFUSED",
    "PERSON_KEYS",
    "SCOPES",
    "VERBS",
    "AcceptPayee",
    "ApiClient",
    "ApiKey",
    "ChangeDetails",
    "CreateClient",
    "CreateParty",
    "Details",
    "Login",
    "MoveParty",
    "Party",
    "PersonKey",
    "RevokeClient",
    "Vault",
    "accept_payee",
    "active",
    "active_parties",
    "change_details",
    "clients_of",
    "compare",
    "create",
    "create_client",
    "format_key",
    "mark_returned",
    "move_party",
    "must_belong",
    "note_debtors",
    "new_secret",
    "operators_person",
    "operator",
    "parse_key",
    "payee_check",
    "proves",
    "revoke_client",
    "secret_hash",
]
