"""What keeps a page's forms to whoever was shown them: tokens, cookies, headers, patience with wrong PINs."""

import re
from collections.abc import Iterator
from typing import Self

import httpx
import pytest
from tests.pages.town import Town


class Visitor:
    """A browser without eyes."""

    def __init__(self, town: Town, order: str) -> None:
        self.http = httpx.Client(base_url=town.url)
        self.path = order.removeprefix(town.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def token(self) -> str:
        found = re.search(r'name="token" value="([0-9a-f]{64})"', self.http.get(self.path).text)
        assert found is not None
        return found[1]

    def post(self, step: str, **fields: str) -> httpx.Response:
        return self.http.post(f"{self.path}/{step}", data=fields)

    def sign_in(self, buyer: tuple[str, str]) -> httpx.Response:
        return self.post("enter", token=self.token(), buyer=buyer[0], pin=buyer[1])


@pytest.fixture
def visitor(town: Town) -> Iterator[Visitor]:
    with Visitor(town, town.order("5.00")) as visitor:
        yield visitor


def test_a_page_is_fenced_in(visitor: Visitor) -> None:
    answer = visitor.http.get(visitor.path)
    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("step", ["enter", "leave", "rate", "pay"])
def test_a_form_without_its_token_is_refused(visitor: Visitor, town: Town, step: str) -> None:
    visitor.sign_in(town.buyers[4])
    with Visitor(town, visitor.path) as stranger:
        other = stranger.token()
    for fields in ({}, {"token": ""}, {"token": other}, {"token": "é"}):
        assert visitor.post(step, buyer=town.buyers[4][0], pin=town.buyers[4][1], **fields).status_code == 403
    assert town.call("alipay.trade.query", out_trade_no="none").get("trade_status") is None


def test_a_session_is_another_one_after_signing_in_and_a_forged_one_is_nobodys(visitor: Visitor, town: Town) -> None:
    visitor.token()
    before = visitor.http.cookies["handfast"]
    answer = visitor.sign_in(town.buyers[4])
    after = visitor.http.cookies["handfast"]
    assert (answer.status_code, answer.headers["location"]) == (303, visitor.path)
    assert before[:20] != after[:20]
    assert 'action="' + visitor.path + '/pay"' in visitor.http.get(visitor.path).text
    for forged in (after[:-4] + "AAA=", "A" * len(after), "", "%", after[:10]):
        stranger = httpx.get(town.url + visitor.path, cookies={"handfast": forged})
        assert (stranger.status_code, "/pay" in stranger.text) == (200, False)


def test_nobody_leads_a_buyer_elsewhere(visitor: Visitor, town: Town) -> None:
    answer = visitor.post(
        "enter", token=visitor.token(), buyer=town.buyers[4][0], pin=town.buyers[4][1], next="https://evil.example"
    )
    assert answer.headers["location"] == visitor.path
    assert "evil" not in visitor.http.get(f"{visitor.path}?return_url=https://evil.example").text


def test_wrong_pins_are_counted_by_buyer(visitor: Visitor, town: Town) -> None:
    number, right = town.buyers[3]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert [visitor.sign_in((number, wrong)).status_code for _ in range(6)] == [403] * 5 + [429]
    assert visitor.sign_in((number, right)).status_code == 429
    assert visitor.sign_in(("nobody", "000000")).status_code == 403
    assert visitor.sign_in(town.buyers[2]).status_code == 303


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"%ff", "application/x-www-form-urlencoded"), (b"{}", "application/json"), (b"a=1&" * 60, None), (b"\xff", None)],
)
def test_what_is_no_form_is_refused(visitor: Visitor, content: bytes, kind: str | None) -> None:
    headers = {"content-type": kind or "application/x-www-form-urlencoded"}
    answer = visitor.http.post(f"{visitor.path}/pay", content=content, headers=headers)
    assert answer.status_code in (400, 403)
    assert "text/html" in answer.headers["content-type"]


def test_a_form_that_is_too_long_is_refused(visitor: Visitor) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = visitor.http.post(f"{visitor.path}/pay", content=b"a" * 70_000, headers=headers)
    assert answer.status_code == 413
