"""What users let an app know: codes and refresh tokens for access tokens, and these for a user's particulars."""

from msgspec import Struct

from handfast.core.clocks import SECOND
from handfast.core.errors import Declined, Invalid
from handfast.core.ids import Id, entropy
from handfast.domain import grants
from handfast.domain.grants import (
    ACCESS,
    ACCESS_LIFE,
    CODE,
    GRANTS,
    REFRESH,
    REFRESH_LIFE,
    ExchangeGrant,
    Grant,
    IssueGrant,
    grant_id,
)
from handfast.domain.parties import PARTIES
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment
from handfast.gateways.alipay.users import details_of, give_open_id, user_id
from handfast.gateways.alipay.wire import Text128
from handfast.store.reader import get

SCOPES = frozenset({"auth_base", "auth_user"})
"""Who the user is, by number; and the user's particulars."""

_GRANTS = {"authorization_code": CODE, "refresh_token": REFRESH}


class Exchange(Struct, frozen=True, kw_only=True):
    """A code or a refresh token, as `grant_type` says."""

    grant_type: Text128
    code: Text128 = ""
    refresh_token: Text128 = ""


class Tokens(Struct, frozen=True):
    """An access token and a refresh token, with their lives in seconds, and whose they are."""

    user_id: str
    open_id: str
    access_token: str
    expires_in: int
    refresh_token: str
    re_expires_in: int
    auth_start: str | None


class Shared(Struct, frozen=True, kw_only=True):
    """The access token, which SDKs send beside biz_content."""

    auth_token: Text128 = ""


class Particulars(Struct, frozen=True):
    """What the user lets the app know."""

    user_id: str
    open_id: str
    nick_name: str | None


def new_grant(party: Id, app: Id, code: str, scopes: str, at: int) -> IssueGrant:
    """How a user gives an app a code; scopes are separated by commas. Raises Invalid(field_invalid)."""
    named = sorted(set(scopes.split(",")))
    if not SCOPES.issuperset(named):
        raise Invalid("field_invalid", f"scopes are of {', '.join(sorted(SCOPES))}", "scope")
    return IssueGrant(party, app, grant_id(CODE, code), " ".join(named), at)


@method(
    "alipay.system.oauth.token",
    "user",
    also=("isv.grant-type-invalid", "isv.code-invalid", "isv.refresh-token-invalid", "isv.refresh-token-time-out"),
    instead={"party_suspended": "isv.insufficient-user-permissions"},
    loose=True,
    bare=True,
)
async def oauth_token(call: Call[Exchange]) -> Tokens:
    """Exchange a user's code, or a refresh token, for an access token; each is used once."""
    kind = _GRANTS.get(call.given.grant_type)
    if kind is None:
        raise Refused("isv.grant-type-invalid")
    known = grant_id(kind, call.given.code if kind == CODE else call.given.refresh_token)
    now, app = call.services.wall(), call.caller.app.id
    if kind == REFRESH:
        refresh = await call.look(lambda reader: get(reader, GRANTS, known))
        if refresh is not None and refresh.app == app and refresh.used is None and refresh.expires <= now:
            raise Refused("isv.refresh-token-time-out")
    access_token, refresh_token = entropy(20).hex(), entropy(20).hex()
    command = ExchangeGrant(app, known, grant_id(ACCESS, access_token), grant_id(REFRESH, refresh_token), now)
    try:
        access: Grant = await call.do(grants.exchange, command)
    except Declined as no:
        raise Refused("isv.code-invalid" if kind == CODE else "isv.refresh-token-invalid") from no
    return Tokens(
        await user_id(call.services, access.party),
        await give_open_id(call.services, app, access.party),
        access_token,
        ACCESS_LIFE // SECOND,
        refresh_token,
        REFRESH_LIFE // SECOND,
        moment(access.created),
    )


@method(
    "alipay.user.info.share",
    "user",
    also=("aop.invalid-auth-token", "aop.auth-token-time-out", "isv.insufficient-user-permissions"),
    loose=True,
)
async def user_info_share(call: Call[Shared]) -> Particulars:
    """See the particulars of the user whose access token it is, if the user allowed that (scope auth_user)."""
    key = grant_id(ACCESS, call.auth_token or call.given.auth_token)
    access = await call.look(lambda reader: get(reader, GRANTS, key))
    if access is None or access.app != call.caller.app.id:
        raise Refused("aop.invalid-auth-token")
    if access.expires <= call.services.wall():
        raise Refused("aop.auth-token-time-out")
    user = access.party
    party = await call.look(lambda reader: get(reader, PARTIES, user))
    if party is None or party.state != "active":
        raise Refused("aop.invalid-auth-token")
    if "auth_user" not in access.scopes.split():
        raise Refused("isv.insufficient-user-permissions")
    details = await call.look(lambda reader: details_of(call.services, reader, user))
    return Particulars(
        await user_id(call.services, user),
        await give_open_id(call.services, call.caller.app.id, user),
        details.name if details else None,
    )


METHODS = (oauth_token, user_info_share)
