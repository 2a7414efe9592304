"""What Handfast's documents say of its books: purposes, modes, currencies, tables, and which columns no event tells."""

from enum import IntEnum

from msgspec import Struct

MOST = 10**15
"""The largest amount of one posting, in minor units."""


class Mode(IntEnum):
    """How a posting moves money."""

    POSTED = 0
    PENDING = 1
    POST = 2
    VOID = 3
    UP_TO = 4


WALLET, HELD, PAYOUT, SUSPENSE, RESERVE = 1, 2, 3, 4, 5
CUSTODY, POSITION, COMMISSION, TAX, ROUNDING, OPERATOR, RECEIVABLE = 16, 17, 18, 19, 20, 21, 22
PURPOSES = frozenset(
    {WALLET, HELD, PAYOUT, SUSPENSE, RESERVE, CUSTODY, POSITION, COMMISSION, TAX, ROUNDING, OPERATOR, RECEIVABLE}
)
FLOORED = frozenset({WALLET, HELD, PAYOUT, SUSPENSE, RESERVE})
CAPPED = frozenset({RECEIVABLE})

HOUSE = bytes(12) + b"\1" + bytes(3)
"""The operator's own party."""

# ISO 4217's numbers, by code.
_NUMBERS = """
AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BHD048 BIF108 BMD060 BND096 BOB068
BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHF756 CLP152 CNY156 COP170 CRC188 CUP192 CVE132 CZK203 DJF262
DKK208 DOP214 DZD012 EGP818 ERN232 ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GNF324 GTQ320 GYD328
HKD344 HNL340 HTG332 HUF348 IDR360 ILS376 INR356 IQD368 IRR364 ISK352 JMD388 JOD400 JPY392 KES404 KGS417 KHR116 KMF174
KPW408 KRW410 KWD414 KYD136 KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 LYD434 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496
MOP446 MRU929 MUR480 MVR462 MWK454 MXN484 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 OMR512 PAB590 PEN604
PGK598 PHP608 PKR586 PLN985 PYG600 QAR634 RON946 RSD941 RUB643 RWF646 SAR682 SBD090 SCR690 SDG938 SEK752 SGD702 SHP654
SLE925 SOS706 SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764 TJS972 TMT934 TND788 TOP776 TRY949 TTD780 TWD901 TZS834
UAH980 UGX800 USD840 UYU858 UZS860 VED926 VES928 VND704 VUV548 WST882 XAF950 XCD951 XCG532 XOF952 XPF953 YER886 ZAR710
ZMW967 ZWG924
"""
NUMBERS = {word[:3]: int(word[3:]).to_bytes(2, "big") for word in _NUMBERS.split()}
CURRENCIES = {number: code for code, number in NUMBERS.items()}


class Told(Struct, frozen=True):
    """A table whose rows are told by events of a kind. `blank` columns hold nothing there, `silent` ones may differ."""

    kind: str
    table: str
    blank: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


TOLD = (
    Told("bank_line", "bank_lines", blank=("details",), silent=("attempt",)),
    Told("bank_statement", "bank_statements"),
    Told("claim", "claims"),
    Told("consent", "consents"),
    Told("custody_account", "custody_accounts"),
    Told("deal", "deals"),
    # Showing something is the evidence's event; the count of what each side showed is held against the evidence.
    Told("dispute", "disputes", silent=("evidence_buyer", "evidence_seller", "evidence_operator")),
    Told("evidence", "evidence"),
    Told("head", "heads"),
    Told("party", "parties", blank=("details",), silent=("debtor",)),
    Told("payment", "payments"),
    Told("payout", "payouts", blank=("details",)),
    Told("payout_file", "payout_files", blank=("content",)),
    Told("payout_plan", "payout_plans"),
    Told("policy_book", "policy_books"),
    Told("quote", "quotes"),
    Told("refund", "refunds"),
    Told("topup", "topups"),
    Told("trade", "trades"),
    Told("transfer", "transfers"),
    Told("write_off", "write_offs"),
)
"""Every kind of object that has events."""

TERMS = (("policies", "id, name, number, body, created"),)
"""Tables of frozen terms that are sealed, with their columns, as the service seals them."""


_PURPOSE = [bytes((purpose,)) for purpose in range(256)]


def account(owner: bytes, purpose: int, currency: str) -> bytes:
    """The ledger account of an owner for a purpose in a currency."""
    return owner[:13] + _PURPOSE[purpose] + NUMBERS[currency]
