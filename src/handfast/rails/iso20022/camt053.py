"""Bank statements read: ISO 20022 camt.053, versions 001.02 to 001.14, strictly, whole or not at all.

Source: the message definitions "Bank to Customer Statement" and their schemas. Every part that money depends on must
be there and agree: the account is one of ours, amounts are in its currency, and booked entries lead from the opening to
the closing balance. Entries not booked yet (pending, future, information) and entries of nothing (0.00) move no money
and are left out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count

from handfast.core.errors import Invalid
from handfast.core.money import MAX_AMOUNT, exponent
from handfast.rails.iso20022.markup import Element, parse
from handfast.rails.model import Statement, StatementLine

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-4])", re.ASCII)
_AMOUNT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,5}))?", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS = {"CRDT": 1, "DBIT": -1}
_NO_REFERENCE = frozenset({"NONREF", "NOREF", "NOTPROVIDED"})  # what banks write where they have none to give


def read_statement(data: bytes, accounts: Mapping[str, str]) -> tuple[Statement, ...]:
    """The statements in one file, in its order.

    `accounts` says which accounts are ours: IBAN (or the bank's own account number) to currency. A line's key is the
    bank's reference, else the entry's reference within its statement, else its position there; the transactions of a
    batch add their position within it. The same key with other content in a later file is for the reader to notice.

    Raises Invalid(statement_malformed), Invalid(statement_unsupported) for another message, version or a page of a
    statement, Invalid(statement_foreign_account), Invalid(statement_unbalanced), TooLarge(statement_too_large); each
    says where, as a path of elements, in its message and its param.
    """
    namespace, document = parse(data)
    if not _NAMESPACE.fullmatch(namespace) or document.node.name != "Document":
        document.refuse("not a camt.053 of a version from 001.02 to 001.14", "statement_unsupported")
    report = document.one("BkToCstmrStmt")
    created = report.one("GrpHdr", "CreDtTm")
    statements = tuple(_statement(place, accounts, created) for place in report.all("Stmt"))
    if not statements:
        report.refuse("Stmt is missing")
    _refuse_repeated_keys(report, statements)
    return statements


def _statement(place: Element, accounts: Mapping[str, str], file_created: Element) -> Statement:
    account, currency = _account(place.one("Acct"), accounts)
    _refuse_pages(place)
    statement_id = place.one("Id").words(35)
    balances = _balances(place, currency)
    opening = balances.get("OPBD", balances.get("PRCD"))
    closing = balances.get("CLBD")
    if opening is None or closing is None:
        place.refuse(f"a booked {'closing balance (CLBD)' if opening else 'opening balance (OPBD or PRCD)'} is missing")
    if opening[0] != balances.get("PRCD", opening)[0]:
        place.refuse("the opening balance (OPBD) is not the previous closing balance (PRCD)", "statement_unbalanced")
    total = opening[0]
    lines: list[StatementLine] = []
    for number, entry in enumerate(place.all("Ntry"), 1):
        if _status(entry) != "BOOK":
            continue
        total += _signed(entry, currency)
        lines += _lines(entry, account, currency, (statement_id, number))
    if total != closing[0]:
        why = f"the entries lead to {total}, not to the closing balance {closing[0]} (minor units of {currency})"
        place.refuse(why, "statement_unbalanced")
    first, last = place.maybe("FrToDt", "FrDtTm"), place.maybe("FrToDt", "ToDtTm")
    return Statement(
        account=account,
        currency=currency,
        statement_id=statement_id,
        sequence=_sequence(place.maybe("ElctrncSeqNb")),
        created=_instant(place.maybe("CreDtTm") or file_created),
        from_date=_day_of_time(first) if first else balances.get("OPBD", closing)[1],
        to_date=_day_of_time(last) if last else closing[1],
        opening=opening[0],
        closing=closing[0],
        lines=tuple(lines),
    )


def _account(place: Element, accounts: Mapping[str, str]) -> tuple[str, str]:
    account = _account_number(place)
    if not account:
        place.refuse("neither an IBAN nor another account number is given")
    currency = accounts.get(account)
    if currency is None:
        place.refuse(f"the account ending in {account[-4:]} is not one of ours", "statement_foreign_account")
    if place.words_at(3, "Ccy") not in {"", currency}:
        place.refuse(f"our account is in {currency}, not in the statement's currency", "statement_foreign_account")
    return account, currency


def _account_number(place: Element) -> str:
    return place.words_at(34, "Id", "IBAN") or place.words_at(34, "Id", "Othr", "Id")


def _refuse_pages(place: Element) -> None:
    pages = place.maybe("StmtPgntn")
    if pages and (pages.one("PgNb").words(5), pages.one("LastPgInd").words(5)) not in {("1", "true"), ("1", "1")}:
        pages.refuse("one page of a statement of several: ask the bank for it whole", "statement_unsupported")


def _balances(place: Element, currency: str) -> dict[str, tuple[int, str]]:
    """Signed minor units and day of each booked balance, by its code."""
    balances: dict[str, tuple[int, str]] = {}
    for balance in place.all("Bal"):
        code = balance.words_at(4, "Tp", "CdOrPrtry", "Cd")
        if code not in {"OPBD", "PRCD", "CLBD"}:
            continue
        if code in balances:
            balance.refuse(f"a second balance {code}")
        balances[code] = _signed(balance, currency), _day(balance.one("Dt"))
    return balances


def _status(entry: Element) -> str:
    place = entry.one("Sts")
    code = place.maybe("Cd")  # a choice from version 001.07 on, a plain code before
    status = code.words(4) if code else place.words(4)
    if status not in {"BOOK", "PDNG", "INFO", "FUTR"}:
        place.refuse("not an entry status that can be read", "statement_unsupported")
    return status


def _lines(entry: Element, account: str, currency: str, position: tuple[str, int]) -> Iterator[StatementLine]:
    booked_on = _day(entry.one("BookgDt"))
    details = [detail for group in entry.all("NtryDtls") for detail in group.all("TxDtls")]
    key = _key(entry, details, position)
    if len(details) < 2:
        parts = [(key, _signed(entry, currency), details[0] if details else entry)]
    else:
        numbers = count(1)
        parts = [(f"{key}/{next(numbers)}", _part(entry, detail, currency), detail) for detail in details]
        if sum(amount for _, amount, _ in parts) != _signed(entry, currency):
            entry.refuse("the transactions of the batch do not add up to its entry", "statement_unbalanced")
    reversal = _yes(entry.maybe("RvslInd"))
    for line_key, amount, detail in parts:
        if amount:
            name, number = _counterparty(detail, account, paid_in=(amount > 0) != reversal)
            yield StatementLine(
                line_key=line_key,
                booked_on=booked_on,
                amount=amount,
                reference=_reference(detail),
                end_to_end_id=_given(detail.words_at(35, "Refs", "EndToEndId")),
                counterparty_name=name,
                counterparty_account=number,
                reversal=reversal,
                return_reason=_code_or_own(detail.maybe("RtrInf", "Rsn")),
                bank_transaction_code=_bank_code(detail) or _bank_code(entry),
            )


def _key(entry: Element, details: list[Element], position: tuple[str, int]) -> str:
    bank_reference = _given(entry.words_at(35, "AcctSvcrRef"))
    if not bank_reference and len(details) == 1:
        bank_reference = _given(details[0].words_at(35, "Refs", "AcctSvcrRef"))
    if bank_reference:
        return f"bank:{bank_reference}"
    statement_id, number = position
    # Many banks only number the entries of each statement, so an entry's reference means little without its statement.
    entry_reference = _given(entry.words_at(35, "NtryRef"))
    return f"entry:{statement_id}:{entry_reference}" if entry_reference else f"line:{statement_id}:{number}"


def _part(entry: Element, detail: Element, currency: str) -> int:
    amount = detail.maybe("Amt") or detail.one("AmtDtls", "TxAmt", "Amt")
    return _minor_units(amount, currency) * _sign(detail.maybe("CdtDbtInd") or entry.one("CdtDbtInd"))


def _counterparty(detail: Element, account: str, *, paid_in: bool) -> tuple[str, str]:
    """Name and account of the other side: the debtor of what was paid in, the creditor of what was paid out.

    A payment that comes back may keep its own parties, so our own account, where it is given, decides.
    """
    parties = detail.maybe("RltdPties")
    if parties is None:
        return "", ""
    numbers = {}
    for side in ("Dbtr", "Cdtr"):
        place = parties.maybe(f"{side}Acct")
        numbers[side] = _account_number(place) if place else ""
    other = "Dbtr" if paid_in else "Cdtr"
    if numbers[other] == account:
        other = "Cdtr" if paid_in else "Dbtr"
    # The party moved one level down in version 001.07.
    name = parties.words_at(140, other, "Pty", "Nm") or parties.words_at(140, other, "Nm")
    return name, numbers[other]


def _reference(detail: Element) -> str:
    remittance = detail.maybe("RmtInf")
    if remittance is None:
        return ""
    structured = [place.words_at(35, "CdtrRefInf", "Ref") for place in remittance.all("Strd")]
    free = [place.words_at(140) for place in remittance.all("Ustrd")]
    return " ".join(filter(None, structured)) or " ".join(filter(None, free))


def _bank_code(place: Element) -> str:
    domain = place.maybe("BkTxCd", "Domn")
    if domain is None:
        return place.words_at(35, "BkTxCd", "Prtry", "Cd")
    family = domain.one("Fmly")
    return "-".join(part.words(4) for part in (domain.one("Cd"), family.one("Cd"), family.one("SubFmlyCd")))


def _code_or_own(place: Element | None) -> str:
    return place.words_at(4, "Cd") or place.words_at(35, "Prtry") if place else ""


def _given(reference: str) -> str:
    return "" if reference.upper() in _NO_REFERENCE else reference


def _signed(place: Element, currency: str) -> int:
    return _minor_units(place.one("Amt"), currency) * _sign(place.one("CdtDbtInd"))


def _sign(place: Element) -> int:
    sign = _SIGNS.get(place.words(4))
    if sign is None:
        place.refuse("neither CRDT nor DBIT")
    return sign


def _minor_units(place: Element, currency: str) -> int:
    if place.node.attributes.get("Ccy") != currency:
        place.refuse(f"an amount in {currency}, the account's currency, was expected")
    match = _AMOUNT.fullmatch(place.words(24))
    places = exponent(currency)
    if match is None or len(match[2] or "") > places:
        place.refuse(f"a plain decimal of at most {places} places was expected")
    amount = int(match[1] + (match[2] or "").ljust(places, "0"))
    if amount > MAX_AMOUNT:
        place.refuse(f"an amount over {MAX_AMOUNT} minor units")
    return amount


def _yes(place: Element | None) -> bool:
    if place is None:
        return False
    word = place.words(5)
    if word not in {"true", "false", "1", "0"}:
        place.refuse("neither true nor false")
    return word in {"true", "1"}


def _sequence(place: Element | None) -> int | None:
    if place is None:
        return None
    digits = place.words(18)
    if not (digits.isascii() and digits.isdigit()):
        place.refuse("a whole number was expected")
    return int(digits)


def _day(place: Element) -> str:
    """The day of a choice between a date and a time, as the bank's calendar has it."""
    day = place.maybe("Dt")
    if day is None:
        return _day_of_time(place.one("DtTm"))
    match = _DAY.fullmatch(day.words(16))
    try:
        return date.fromisoformat(match[1] if match else "").isoformat()
    except ValueError:
        day.refuse("a date (YYYY-MM-DD) was expected")


def _day_of_time(place: Element) -> str:
    return _time(place)[0].date().isoformat()


def _instant(place: Element) -> int:
    moment, microseconds = _time(place)
    return (moment - _EPOCH) // timedelta(microseconds=1) + microseconds


def _time(place: Element) -> tuple[datetime, int]:
    """Whole seconds, aware, and the microseconds beyond."""
    match = _TIME.fullmatch(place.words(35))
    try:
        moment = datetime.fromisoformat(f"{match[1]}{match[3] or 'Z'}" if match else "")
    except ValueError:
        place.refuse("a time (YYYY-MM-DDThh:mm:ss) was expected")
    return moment, int(((match[2] if match else None) or "")[:6].ljust(6, "0"))


def _refuse_repeated_keys(report: Element, statements: tuple[Statement, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for statement in statements:
        for number, line in enumerate(statement.lines, 1):
            if (statement.account, line.line_key) in seen:
                raise Invalid(
                    "statement_malformed",
                    f"line {number} of statement {statement.statement_id} repeats the bank's reference of another line",
                    report.path,
                )
            seen.add((statement.account, line.line_key))
