"""The cashier in Chromium: a buyer pays, in three languages, in the light and in the dark, on a phone and at a desk."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page
from tests.pages.town import Town

from handfast.core import rsa

LANGUAGES = {"en-US": "en", "de-DE": "de", "zh-CN": "zh-CN"}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(15_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [fault for fault in faults if "status of 4" not in fault] == []


def sign_in(page: Page, buyer: tuple[str, str]) -> None:
    page.fill("[name=buyer]", buyer[0])
    page.fill("[name=pin]", buyer[1])
    page.click("button.main")


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def test_a_buyer_pays_and_returns_to_the_shop_which_is_told(town: Town, page: Page) -> None:
    number = town.number()
    subject = '两个杯子 {"a":1} <b>&amp; 100%'
    page.goto(town.page_pay("88.80", subject, number))
    assert town.call("alipay.trade.query", out_trade_no=number)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert page.locator(".subject").inner_text() == subject
    sign_in(page, town.buyers[0])
    assert town.call("alipay.trade.query", out_trade_no=number)["trade_status"] == "WAIT_BUYER_PAY"
    page.get_by_role("button", name="Pay CNY 88.80").click()
    assert heading(page) == "Paid"
    page.get_by_role("link", name="Back to the shop").click()
    page.wait_for_url(f"{town.shop.url}/**")
    fields = dict(parse_qsl(urlsplit(page.url).query, strict_parsing=True))
    assert fields.pop("of") == "1"
    assert (fields["out_trade_no"], fields["total_amount"]) == (number, "88.80")
    assert fields["method"] == "alipay.trade.page.pay.return"
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in ("sign", "sign_type"))
    assert rsa.verify(town.gateway_key, text.encode(), fields["sign"])
    told = town.shop.told.get(timeout=30)
    assert (told["trade_status"], told["out_trade_no"], told["subject"]) == ("TRADE_SUCCESS", number, subject)
    assert told["trade_no"] == fields["trade_no"]
    assert town.call("alipay.trade.query", out_trade_no=number)["trade_status"] == "TRADE_SUCCESS"


def test_the_result_leads_back_by_itself(town: Town, page: Page) -> None:
    page.goto(town.order("1.00"))
    sign_in(page, town.buyers[0])
    page.click("text=Pay CNY 1.00")
    page.wait_for_url(f"{town.shop.url}/back**")
    town.shop.told.get(timeout=30)


def test_another_wallet_pays_at_a_fixed_rate(town: Town, page: Page) -> None:
    page.goto(town.order("250.00"))
    sign_in(page, town.buyers[1])
    page.click("text=Fix the rate for USD")
    total = page.locator(".sum dd").inner_text()
    assert total.startswith("USD ")
    page.click(f"text=Pay {total}")
    assert page.locator(".price").inner_text().split() == total.split()
    assert page.get_by_text("CNY 250.00").is_visible()
    town.shop.told.get(timeout=30)


def test_too_little_money_is_said_before_anybody_tries(town: Town, page: Page) -> None:
    page.goto(town.order("99999999.00"))
    sign_in(page, town.buyers[0])
    assert page.get_by_text("not enough money").is_visible()
    assert page.locator("button.main").count() == 0


def test_what_is_paid_or_closed_is_not_paid_again(town: Town, page: Page) -> None:
    number = town.number()
    paid, closed = town.order("1.00"), town.order("1.00", number=number)
    page.goto(paid)
    sign_in(page, town.buyers[0])
    page.click("text=Pay CNY 1.00")
    assert heading(page) == "Paid"
    town.shop.told.get(timeout=30)
    page.goto(closed)
    page.goto(f"{closed}/left")
    assert heading(page) == "Nothing was paid"
    town.call("alipay.trade.close", out_trade_no=number)
    page.goto(closed)
    assert heading(page) == "This order is closed"
    page.context.clear_cookies()
    page.goto(paid)
    assert heading(page) == "This order is paid already"
    page.goto(f"{town.url}/checkout/{'0' * 26}")
    assert heading(page) == "There is no such order"


def test_a_payment_code_charges_its_buyer_once(town: Town, page: Page) -> None:
    page.goto(f"{town.url}/paycode")
    sign_in(page, (town.app["buyer_id"], town.app["buyer_pin"]))
    page.click("text=Show a payment code")
    code = page.locator(".digits").inner_text().replace(" ", "")
    biz = {"scene": "bar_code", "auth_code": code, "total_amount": "2.00", "subject": "Tea"}
    answer = town.call("alipay.trade.pay", out_trade_no=town.number(), **biz)
    assert (answer["code"], answer["buyer_user_id"]) == ("10000", town.app["buyer_id"])
    again = town.call("alipay.trade.pay", out_trade_no=town.number(), **biz)
    assert again["sub_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"


def test_above_the_tills_ceiling_the_buyer_confirms(town: Town, page: Page) -> None:
    page.goto(f"{town.url}/paycode")
    sign_in(page, town.buyers[1])
    page.click("text=Show a payment code")
    code = page.locator(".digits").inner_text().replace(" ", "")
    page.click("text=See what it was used for")
    assert page.locator(".trouble").inner_text() == "No till has used this code yet."
    number = town.number()
    biz = {"scene": "bar_code", "auth_code": code, "total_amount": "5000.00", "subject": "Much tea"}
    assert town.call("alipay.trade.pay", out_trade_no=number, **biz)["code"] == "10003"
    page.click("text=See what it was used for")
    page.click("text=Pay CNY 5,000.00")
    assert heading(page) == "Paid"
    assert town.call("alipay.trade.query", out_trade_no=number)["trade_status"] == "TRADE_SUCCESS"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", LANGUAGES)
def test_each_page_fits_a_phone_in_each_language(town: Town, browser: Browser, locale: str, scheme: str) -> None:
    phone = browser.new_context(locale=locale, color_scheme=scheme, viewport={"width": 320, "height": 640})  # type: ignore[arg-type]
    page = phone.new_page()
    order = town.order("88888888.88", "a-word-that-is-too-long-for-any-line-of-a-phone" * 4)
    seen = []
    for address in (order, f"{order}/left", f"{town.url}/paycode", f"{town.url}/alipay/check"):
        page.goto(address)
        seen.append(page.locator("main").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address
        assert page.locator("html").get_attribute("lang") == LANGUAGES[locale]
        assert page.locator("script, [style], [onclick]").count() == 0
    page.goto(order)
    sign_in(page, town.buyers[2])
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(243, 241, 236)", "dark": "rgb(18, 22, 20)"}[scheme]
    phone.close()


def test_the_language_can_be_changed_and_stays(town: Town, page: Page) -> None:
    order = town.order("1.00")
    page.goto(order)
    page.click("text=Deutsch")
    assert page.get_by_role("button", name="Anmelden").is_visible()
    page.goto(f"{town.url}/paycode")
    assert heading(page) == "Bezahlcode"


def test_the_self_test_tells_the_string_and_the_mistake(town: Town, page: Page) -> None:
    page.goto(f"{town.url}/alipay/check")
    page.fill("[name=text]", town.page_pay("1.00").replace("Two+cups", "Three+cups"))
    page.fill("[name=key]", Path(town.app["server_public_key"]).read_text())
    page.click("button.main")
    assert "Handfast's own" in page.locator(".verdict").inner_text()
    assert '"subject": "Three cups"' in page.locator("pre").inner_text()
