"""Bills as the vendor writes them: CSV in GB18030, which is GBK and all other characters, two files in a ZIP.

A cell that a spreadsheet would take for a formula begins with an apostrophe. Numbers that are names end with a tab, as
the vendor's do, so that no spreadsheet rounds them.
"""

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from zipfile import ZIP_DEFLATED, ZipFile

from msgspec import Struct

from handfast.gateways.alipay.numbers import day_of, moment
from handfast.gateways.alipay.wire import yuan

ENCODING = "gb18030"
_RULE = "-" * 40
_FORMULA = frozenset("=+-@＝＋－＠|%")

TRADE_COLUMNS = (
    *("支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称", "操作员"),
    *("终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）"),
    *("商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）", "卡消费金额（元）"),
    *("退款批次号/请求号", "服务费（元）", "分润（元）", "备注"),
)
TRADE_TOTALS = (
    *("门店编号", "门店名称", "交易订单总笔数", "退款订单总笔数", "订单金额（元）", "商家实收（元）"),
    *("支付宝优惠（元）", "商家优惠（元）", "卡消费金额（元）", "服务费（元）", "分润（元）", "实收净额（元）"),
)
ACCOUNT_COLUMNS = (
    *("账务流水号", "业务流水号", "商户订单号", "商品名称", "发生时间", "对方账号", "收入金额（+元）"),
    *("支出金额（-元）", "账户余额（元）", "交易渠道", "业务类型", "备注"),
)
ACCOUNT_TOTALS = ("业务类型", "收入笔数", "收入金额（+元）", "支出笔数", "支出金额（-元）", "总金额（元）")
SOLD, BACK = "交易", "退款"


class Span(Struct, frozen=True):
    """The days of a bill: from `start` until `end` (µs), two midnights in GMT+8; `name` as in file names."""

    name: str
    start: int
    end: int


class Sale(Struct, frozen=True):
    """A line of the trade bill: `received` is negative for a refund, `fee` for what the operator took."""

    trade_no: str
    number: str
    kind: str
    title: str
    created: int
    done: int
    other: str
    received: int
    request: str
    fee: int
    words: str


class Move(Struct, frozen=True):
    """A line of the account bill: `amount` came to the wallet, or left it; `balance` is what it held then."""

    entry: str
    thing: str
    number: str
    title: str
    at: int
    other: str
    amount: int
    balance: int
    kind: str
    words: str


def trade_bill(user: str, span: Span, made: int, sales: Sequence[Sale]) -> bytes:
    """The ZIP of the trade bill; `made` is when (µs)."""
    sold = [sale for sale in sales if sale.kind == SOLD]
    back = [sale for sale in sales if sale.kind == BACK]
    ends = (
        f"#交易合计：{len(sold)}笔，商家实收共{yuan(_received(sold))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan(_received(back))}元，商家优惠退款共0.00元",
        f"#导出时间：[{_moment(made)}]",
    )
    fee = sum(sale.fee for sale in sales)
    received = yuan(_received(sales))
    counts = (str(len(sold)), str(len(back)))
    totals = ["合计", "", *counts, received, received, *["0.00"] * 3, yuan(fee), "0.00", yuan(_received(sales) + fee)]
    heads = _heads("支付宝业务明细查询", user, span)
    detail = _file(heads, "业务明细列表", TRADE_COLUMNS, map(_sale, sales), ends)
    summary = _file(_heads("支付宝业务汇总查询", user, span), "业务汇总列表", TRADE_TOTALS, [totals], ends[-1:])
    return _zipped(user, span, "业务明细", detail, summary)


def account_bill(user: str, span: Span, made: int, moves: Sequence[Move]) -> bytes:
    """The ZIP of the account bill; `made` is when (µs)."""
    came = [move.amount for move in moves if move.amount > 0]
    left = [move.amount for move in moves if move.amount < 0]
    ends = (
        f"#支出合计：{len(left)}笔，共{yuan(sum(left))}元",
        f"#收入合计：{len(came)}笔，共{yuan(sum(came))}元",
        f"#导出时间：[{_moment(made)}]",
    )
    detail = _file(_heads("支付宝账务明细查询", user, span), "账务明细列表", ACCOUNT_COLUMNS, map(_move, moves), ends)
    kinds = {kind: [move.amount for move in moves if move.kind == kind] for kind in sorted({m.kind for m in moves})}
    totals = [_total(kind, amounts) for kind, amounts in kinds.items()]
    totals.append(_total("合计", came + left))
    summary = _file(_heads("支付宝账务汇总查询", user, span), "账务汇总列表", ACCOUNT_TOTALS, totals, ends[-1:])
    return _zipped(user, span, "账务明细", detail, summary)


def cell(text: str) -> str:
    """A text as it stands in a cell: on one line, and no formula."""
    plain = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text)
    return f"'{plain}" if plain.lstrip()[:1] in _FORMULA and plain.strip() else plain


def _received(sales: Iterable[Sale]) -> int:
    return sum(sale.received for sale in sales)


def _sale(sale: Sale) -> list[str]:
    none = "0.00"
    return [
        *(_name(sale.trade_no), _name(sale.number), sale.kind, cell(sale.title), _moment(sale.created)),
        *(_moment(sale.done), "", "", "", "", cell(sale.other), yuan(sale.received), yuan(sale.received)),
        *(none, none, none, none, none, "", none, none, _name(sale.request), yuan(sale.fee), none, cell(sale.words)),
    ]


def _move(move: Move) -> list[str]:
    came, left = max(move.amount, 0), min(move.amount, 0)
    return [
        *(_name(move.entry), _name(move.thing), _name(move.number), cell(move.title), _moment(move.at)),
        *(cell(move.other), yuan(came), yuan(left), yuan(move.balance), "支付宝", move.kind, cell(move.words)),
    ]


def _total(kind: str, amounts: Sequence[int]) -> list[str]:
    came, left = [each for each in amounts if each > 0], [each for each in amounts if each < 0]
    return [kind, str(len(came)), yuan(sum(came)), str(len(left)), yuan(sum(left)), yuan(sum(amounts))]


def _name(number: str) -> str:
    return f"{cell(number)}\t" if number else ""


def _moment(at: int) -> str:
    return moment(at) or ""


def _heads(title: str, user: str, span: Span) -> tuple[str, ...]:
    first, last = (f"[{day_of(each):%Y年%m月%d日} 00:00:00]" for each in (span.start, span.end))
    return f"#{title}", f"#账号：[{user}]", f"#起始日期：{first}   终止日期：{last}"


def _file(
    heads: Sequence[str], name: str, columns: Sequence[str], rows: Iterable[Sequence[str]], ends: Sequence[str]
) -> bytes:
    text = StringIO(newline="")
    for line in (*heads, f"#{_RULE}{name}{_RULE}"):
        text.write(f"{line}\r\n")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    for line in (f"#{_RULE}{name}结束{_RULE}", *ends):
        text.write(f"{line}\r\n")
    return text.getvalue().encode(ENCODING)


def _zipped(user: str, span: Span, name: str, detail: bytes, summary: bytes) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as files:
        files.writestr(f"{user}_{span.name}_{name}.csv", detail)
        files.writestr(f"{user}_{span.name}_{name}(汇总).csv", summary)
    return packed.getvalue()
