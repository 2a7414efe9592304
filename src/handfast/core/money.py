"""Money: integer minor units of an ISO 4217 currency, exact shares, and decimal strings for the edges."""

import re

from handfast.core.errors import Invalid

MAX_AMOUNT = 10**15
"""The largest amount of one posting, in minor units; sums of up to 9,223 of them fit 64 bits, and sums are checked."""

# ISO 4217 (maintenance agency list one, 2026): code and number, by count of decimals.
_ISO_4217 = {
    0: "BIF108 CLP152 DJF262 GNF324 ISK352 JPY392 KMF174 KRW410 PYG600 RWF646 UGX800 VND704 VUV548 XAF950 XOF952 "
    "XPF953",
    2: "AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BMD060 BND096 BOB068 "
    "BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHF756 CNY156 COP170 CRC188 CUP192 CVE132 CZK203 "
    "DKK208 DOP214 DZD012 EGP818 ERN232 ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GTQ320 "
    "GYD328 HKD344 HNL340 HTG332 HUF348 IDR360 ILS376 INR356 IRR364 JMD388 KES404 KGS417 KHR116 KPW408 KYD136 "
    "KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446 MRU929 MUR480 "
    "MVR462 MWK454 MXN484 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 PAB590 PEN604 PGK598 PHP608 "
    "PKR586 PLN985 QAR634 RON946 RSD941 RUB643 SAR682 SBD090 SCR690 SDG938 SEK752 SGD702 SHP654 SLE925 SOS706 "
    "SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764 TJS972 TMT934 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 "
    "USD840 UYU858 UZS860 VES928 WST882 XCD951 XCG532 YER886 ZAR710 ZMW967 ZWG924",
    3: "BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788",
}
EXPONENTS = {item[:3]: places for places, items in _ISO_4217.items() for item in items.split()}
NUMBERS = {item[:3]: int(item[3:]) for items in _ISO_4217.values() for item in items.split()}
CURRENCIES = {number: code for code, number in NUMBERS.items()}

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,3}))?", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimals the currency has. Raises Invalid(currency_unknown)."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise Invalid("currency_unknown", "not a currency of ISO 4217 that Handfast keeps", "currency") from None


def check_amount(amount: int, param: str = "amount") -> int:
    """The amount itself if 0 < amount <= MAX_AMOUNT minor units. Raises Invalid(amount_invalid, amount_too_large)."""
    if type(amount) is not int or amount <= 0:
        raise Invalid("amount_invalid", "an amount is a positive whole number of minor units", param)
    if amount > MAX_AMOUNT:
        raise Invalid("amount_too_large", f"an amount is at most {MAX_AMOUNT} minor units", param)
    return amount


def parse_decimal(text: str, currency: str, param: str = "amount") -> int:
    """Minor units of a plain decimal string such as "12.30": ASCII digits, no sign, no exponent form.

    Fewer decimals than the currency has are allowed, more are not. Raises Invalid(amount_invalid, amount_too_large,
    currency_unknown).
    """
    places = exponent(currency)
    match = _DECIMAL.fullmatch(text)
    if match is None or len(match[2] or "") > places:
        raise Invalid("amount_invalid", f"a plain decimal of at most {places} places is needed", param)
    return check_amount(int(match[1]) * 10**places + int((match[2] or "").ljust(places, "0") or "0"), param)


def format_decimal(amount: int, currency: str) -> str:
    """The decimal string of signed minor units with all of the currency's places: -1230 CNY is "-12.30"."""
    places = exponent(currency)
    digits = str(abs(amount)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return "-" + text if amount < 0 else text


def half_even(numerator: int, denominator: int) -> int:
    """The whole number nearest to numerator / denominator (denominator > 0), ties to the even one."""
    floor, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return floor + (twice > denominator or (twice == denominator and floor & 1))


def share(part: int, done: int, whole: int) -> int:
    """What a party with `part` of `whole` has given or got once `done` of the whole has moved, rounded half to even.

    Cumulative: post the difference to what it already gave. At done = whole it is exactly `part`.
    """
    return half_even(part * done, whole)
