"""What users let an app know: a code once, tokens for their time, particulars within the scope alone."""

from typing import Any

from tests.unit.gateways.alipay.counter import APP_ID, PERMISSIONS, Counter, verified
from tests.unit.timers.bank_day import SHOP

from handfast.core.clocks import DAY, SECOND
from handfast.core.ids import Id
from handfast.domain.apps import app_id
from handfast.domain.parties import MoveParty
from handfast.gateways.alipay.granting import new_grant

TOKEN, SHARE = "alipay.system.oauth.token", "alipay.user.info.share"


def given(counter: Counter, scopes: str = "auth_user", party: Id | None = None) -> str:
    """A code that Fang gives to the shop's app."""
    counter.codes += 1
    code = f"c0de{counter.codes:028}"
    counter.do(new_grant(party or counter.fang, app_id("alipay", APP_ID), code, scopes, counter.wall))
    return code


def exchanged(counter: Counter, **fields: str) -> dict[str, Any]:
    """What is answered to fields beside biz_content, as SDKs send them."""
    return counter.call(TOKEN, "", **fields)


def tokens(counter: Counter, scopes: str = "auth_user", **more: Any) -> dict[str, Any]:
    return exchanged(counter, grant_type="authorization_code", code=given(counter, scopes, **more))


def refreshed(counter: Counter, token: str) -> dict[str, Any]:
    return exchanged(counter, grant_type="refresh_token", refresh_token=token)


def test_a_code_is_exchanged_once_and_the_answer_has_neither_code_nor_msg(counter: Counter) -> None:
    code = given(counter)
    told = exchanged(counter, grant_type="authorization_code", code=code)
    assert "code" not in told
    assert "msg" not in told
    assert (told["user_id"], told["expires_in"], told["re_expires_in"]) == (
        counter.user(counter.fang),
        1296000,
        2592000,
    )
    again = exchanged(counter, grant_type="authorization_code", code=code)
    assert (again["code"], again["sub_code"]) == ("40002", "isv.code-invalid")
    shared = counter.ok(SHARE, "", auth_token=told["access_token"])
    assert (shared["user_id"], shared["open_id"], shared["nick_name"]) == (told["user_id"], told["open_id"], SHOP)


def test_neither_codes_nor_tokens_are_kept_as_they_are(counter: Counter) -> None:
    code = given(counter)
    told = exchanged(counter, grant_type="authorization_code", code=code)
    kept = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for table in ("grants", "operations", "aliases")
        for row in counter.reader.rows(f"SELECT * FROM {table}")
        for value in row
    )
    for secret in (code, told["access_token"], told["refresh_token"]):
        assert secret.encode() not in kept
        assert bytes.fromhex(secret) not in kept


def test_the_scope_limits_what_is_told(counter: Counter) -> None:
    base = tokens(counter, "auth_base")
    assert base["user_id"] == counter.user(counter.fang)
    assert counter.no(SHARE, "", auth_token=base["access_token"]) == "isv.insufficient-user-permissions"
    both = tokens(counter, "auth_base,auth_user")
    assert counter.ok(SHARE, "", auth_token=both["access_token"])["nick_name"] == SHOP


def test_tokens_are_the_apps_own(counter: Counter) -> None:
    told = tokens(counter)
    other = counter.another_app("other")
    assert counter.no(SHARE, "", auth_token=told["access_token"], app_id=other) == "aop.invalid-auth-token"
    fields = {"grant_type": "authorization_code", "code": given(counter)}
    assert exchanged(counter, app_id=other, **fields)["sub_code"] == "isv.code-invalid"
    assert "access_token" in exchanged(counter, **fields)
    stolen = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    assert exchanged(counter, app_id=other, **stolen)["sub_code"] == "isv.refresh-token-invalid"


def test_a_refresh_token_is_used_once_for_new_tokens(counter: Counter) -> None:
    first = tokens(counter)
    second = refreshed(counter, first["refresh_token"])
    assert second["open_id"] == first["open_id"]
    assert second["access_token"] != first["access_token"]
    assert refreshed(counter, first["refresh_token"])["sub_code"] == "isv.refresh-token-invalid"
    assert refreshed(counter, second["access_token"])["sub_code"] == "isv.refresh-token-invalid"
    assert counter.ok(SHARE, "", auth_token=second["access_token"])["nick_name"] == SHOP


def test_all_end_on_the_wall_clock_and_not_on_the_markets(counter: Counter) -> None:
    code, told = given(counter), tokens(counter)
    counter.now += 400 * DAY
    assert counter.ok(SHARE, "", auth_token=told["access_token"])
    counter.wall += DAY
    late = exchanged(counter, grant_type="authorization_code", code=code)
    assert late["sub_code"] == "isv.code-invalid"
    counter.wall += 14 * DAY - SECOND
    assert counter.ok(SHARE, "", auth_token=told["access_token"])
    counter.wall += SECOND
    assert counter.no(SHARE, "", auth_token=told["access_token"]) == "aop.auth-token-time-out"
    counter.wall += 15 * DAY
    assert refreshed(counter, told["refresh_token"])["sub_code"] == "isv.refresh-token-time-out"


def test_who_is_suspended_or_erased_is_not_told_of(counter: Counter) -> None:
    told = tokens(counter)
    counter.do(MoveParty(counter.fang, "erase"))
    assert counter.no(SHARE, "", auth_token=told["access_token"]) == "aop.invalid-auth-token"
    assert refreshed(counter, told["refresh_token"])["sub_code"] == "isv.insufficient-user-permissions"


def test_refused(counter: Counter) -> None:
    assert exchanged(counter, grant_type="password", code="x")["sub_code"] == "isv.grant-type-invalid"
    assert exchanged(counter, grant_type="authorization_code")["sub_code"] == "isv.code-invalid"
    assert exchanged(counter, grant_type="refresh_token")["sub_code"] == "isv.refresh-token-invalid"
    assert exchanged(counter)["sub_code"] == "ACQ.INVALID_PARAMETER"
    assert counter.no(SHARE, "") == "aop.invalid-auth-token"
    few = counter.another_app("other", "2014102800000003", PERMISSIONS.replace("user", ""))
    told = counter.send(counter.public(TOKEN, "", app_id=few, grant_type="refresh_token"))
    assert verified(told, TOKEN)["sub_code"] == "isv.insufficient-isv-permissions"


def test_over_v3(counter: Counter) -> None:
    status, told = counter.v3(TOKEN, {"grant_type": "authorization_code", "code": given(counter)})
    assert status == 200
    assert counter.v3(SHARE, {"auth_token": told["access_token"]})[1]["nick_name"] == SHOP
    assert counter.v3(SHARE, {"auth_token": "x"})[0] == 401
