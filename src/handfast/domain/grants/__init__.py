"""What persons let apps know of them: authorisation codes, access tokens and refresh tokens."""

from handfast.domain.grants.model import ACCESS, ACCESS_LIFE, CODE, CODE_LIFE, REFRESH, REFRESH_LIFE, Grant
from handfast.domain.grants.tables import GRANTS, grant_id
from handfast.domain.grants.verbs import VERBS, ExchangeGrant, IssueGrant, exchange, issue

__all__ = [
    "ACCESS",
    "ACCESS_LIFE",
    "CODE",
    "CODE_LIFE",
    "GRANTS",
    "REFRESH",
    "REFRESH_LIFE",
    "VERBS",
    "ExchangeGrant",
    "Grant",
    "IssueGrant",
    "exchange",
    "grant_id",
    "issue",
]
