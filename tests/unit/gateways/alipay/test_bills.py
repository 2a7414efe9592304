"""Bills to download: their sums are the books', whoever adds them up; no cell is a formula; addresses do not last."""

import csv
from decimal import Decimal
from io import BytesIO
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest
from tests.unit.gateways.alipay.counter import PERMISSIONS, Counter

from handfast.core.clocks import DAY, SECOND
from handfast.domain.payments import tables
from handfast.domain.transfers import CreateTransfer
from handfast.gateways.alipay import books
from handfast.gateways.alipay.bills import ACCOUNT_COLUMNS, TRADE_COLUMNS, cell

BILL = "alipay.data.dataservice.bill.downloadurl.query"
TODAY = "2014-10-28"


def fetched(counter: Counter, address: str) -> httpx.Response:
    parts = urlsplit(address)
    return counter.runner.run(counter.client.get(f"{parts.path}?{parts.query}"))


def address(counter: Counter, kind: str, date: str = TODAY) -> str:
    told = counter.ok(BILL, {"bill_type": kind, "bill_date": date})
    return str(told["bill_download_url"])


def files(counter: Counter, kind: str, date: str = TODAY) -> dict[str, str]:
    answer = fetched(counter, address(counter, kind, date))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with ZipFile(BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name).decode("gb18030") for name in packed.namelist()}


def lines(text: str) -> list[dict[str, str]]:
    """The lines of a bill's table."""
    return list(csv.DictReader(line for line in text.split("\r\n") if line and not line.startswith("#")))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def day(counter: Counter) -> None:
    """Two sales, one refund, a transfer out and one in; then the day is over."""
    counter.sold("a_1", "88.88")
    counter.sold("a_2", "11.12")
    counter.ok("alipay.trade.refund", {"out_trade_no": "a_1", "refund_amount": "8.88", "out_request_no": "r_1"})
    payee = {"identity": counter.user(counter.parties["ming"]), "identity_type": "ALIPAY_USER_ID"}
    sent = {"out_biz_no": "t_1", "trans_amount": "30", "order_title": "=1+1", "remark": "谢谢", "payee_info": payee}
    counter.ok("alipay.fund.trans.uni.transfer", sent)
    counter.do(CreateTransfer(counter.fang, counter.shop, "CNY", 5_00, "-2+3"))
    counter.now += DAY


def test_the_account_bill_adds_up_to_the_wallet(counter: Counter) -> None:
    day(counter)
    counter.sold("later", "1.00")
    detail, summary = files(counter, "signcustomer").values()
    assert detail.startswith("#支付宝账务明细查询\r\n#账号：[2088")
    rows = lines(detail)
    assert tuple(rows[0]) == ACCOUNT_COLUMNS
    income, outgo = total(rows, "收入金额（+元）"), total(rows, "支出金额（-元）")
    later = counter.wallet(counter.shop, "CNY") - Decimal(rows[-1]["账户余额（元）"]) * 100
    assert later == 98  # 1.00 less 2.5 %, rounded half to even
    assert income + outgo == Decimal(rows[-1]["账户余额（元）"])
    balance = Decimal(0)
    for row in rows:
        balance += Decimal(row["收入金额（+元）"]) + Decimal(row["支出金额（-元）"])
        assert balance == Decimal(row["账户余额（元）"])
    assert [row["业务类型"] for row in rows] == ["充值", "在线支付", "在线支付", "交易退款", "转账", "转账"]
    assert [row["商户订单号"] for row in rows[1:5]] == ["a_1\t", "a_2\t", "a_1\t", "t_1\t"]
    assert rows[4]["商品名称"] == "'=1+1"
    assert rows[4]["备注"] == "谢谢"
    assert rows[5]["商品名称"] == "'-2+3"
    counts = lines(summary)[-1]
    assert (Decimal(counts["收入金额（+元）"]), Decimal(counts["支出金额（-元）"])) == (income, outgo)


def test_the_trade_bill_is_the_account_bills_sales_and_refunds(counter: Counter) -> None:
    day(counter)
    detail, summary = files(counter, "trade").values()
    rows = lines(detail)
    assert tuple(rows[0]) == TRADE_COLUMNS
    got = [(row["业务类型"], row["商户订单号"], row["商家实收（元）"], row["退款批次号/请求号"]) for row in rows]
    assert got == [("交易", "a_1\t", "88.88", ""), ("交易", "a_2\t", "11.12", ""), ("退款", "a_1\t", "-8.88", "r_1\t")]
    assert rows[0]["商品名称"] == "Tea & 茶 {1}"
    assert rows[0]["完成时间"] == "2014-10-28 08:00:00"
    net = total(rows, "商家实收（元）") + total(rows, "服务费（元）")
    account = lines(next(iter(files(counter, "signcustomer").values())))
    of_sales = [row for row in account if row["业务类型"] in ("在线支付", "交易退款")]
    assert net == total(of_sales, "收入金额（+元）") + total(of_sales, "支出金额（-元）")
    (sums,) = lines(summary)
    assert (sums["交易订单总笔数"], sums["退款订单总笔数"], Decimal(sums["实收净额（元）"])) == ("2", "1", net)
    assert "#交易合计：2笔，商家实收共100.00元" in detail
    assert "#退款合计：1笔，商家实收退款共-8.88元" in detail


@pytest.mark.parametrize("kind", ["trade", "signcustomer"])
def test_books_are_read_in_pages(counter: Counter, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    day(counter)
    counter.sold("later", "1.00")
    whole = files(counter, kind)
    monkeypatch.setattr(books, "_AT_ONCE", 2)
    monkeypatch.setattr(tables, "_AT_ONCE", 2)
    assert [lines(text) for text in files(counter, kind).values()] == [lines(text) for text in whole.values()]


def test_a_month_and_a_day_on_which_nothing_happened(counter: Counter) -> None:
    day(counter)
    whole = lines(next(iter(files(counter, "trade").values())))
    counter.now += 4 * DAY
    assert not lines(next(iter(files(counter, "trade", "2014-10-29").values())))
    assert lines(next(iter(files(counter, "trade", "2014-10").values()))) == whole


@pytest.mark.parametrize(
    ("kind", "date", "told"),
    [
        ("trade", "2014-10-29", "BILL_NOT_EXIST"),
        ("trade", "2014-11", "BILL_NOT_EXIST"),
        ("signcustomer", "2014-10-27", "BILL_NOT_EXIST"),
        ("trade", "2014-02-30", "INVALID_PARAMETER"),
        ("trade", "2014-13", "INVALID_PARAMETER"),
        ("trade", "0000-01", "INVALID_PARAMETER"),
        ("trade", "9999-12", "INVALID_PARAMETER"),
        ("trade", "today", "INVALID_PARAMETER"),
        ("merchant_act", TODAY, "INVALID_PARAMETER"),
    ],
)
def test_refused(counter: Counter, kind: str, date: str, told: str) -> None:
    counter.now += DAY
    assert counter.no(BILL, {"bill_type": kind, "bill_date": date}) == told


def test_an_address_is_ours_short_lived_and_leads_to_nothing_else(counter: Counter) -> None:
    day(counter)
    good = address(counter, "trade")
    assert good.startswith("https://pay.example/alipay/bill?")
    for changed in (good.replace("trade", "signcustomer"), good[:-1], good.partition("&sign")[0], f"{good}&x=1"):
        assert fetched(counter, changed).status_code == 403
    assert fetched(counter, "/alipay/bill?%ff=%00;&&=").status_code == 403
    counter.wall += 30 * SECOND - 1
    assert fetched(counter, good).status_code == 200
    counter.wall += 1
    assert fetched(counter, good).status_code == 403


def test_a_bill_is_the_apps_own_merchants(counter: Counter) -> None:
    day(counter)
    other = counter.another_app("other")
    told = counter.ok(BILL, {"bill_type": "trade", "bill_date": TODAY}, app_id=other)
    with ZipFile(BytesIO(fetched(counter, told["bill_download_url"]).content)) as packed:
        assert not lines(packed.read(packed.namelist()[0]).decode("gb18030"))
    few = counter.another_app("market", "2014102800000003", PERMISSIONS.replace("bill", ""))
    asked = {"bill_type": "trade", "bill_date": TODAY}
    assert counter.no(BILL, asked, app_id=few) == "isv.insufficient-isv-permissions"
    assert counter.v3(BILL, asked)[1]["bill_download_url"].startswith("https://")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", " =1", "＝1", "|x", "%x", "\t=1", "\r=1", "\n@1", "\x00=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert "\n" not in cell(text)


@pytest.mark.parametrize("text", ["", "茶", "a=1", "😀 'quoted' \"twice\", and more"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text
