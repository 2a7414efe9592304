"""Bank statements read: what a line is made of, and every disagreement refused with a code and a place."""

import pytest
from tests.unit.rails.documents import (
    ACCOUNTS,
    OURS,
    THEIRS,
    VERSIONS,
    assert_valid,
    balance,
    document,
    entry,
    statement,
    transaction,
)

from handfast.core.errors import Invalid
from handfast.core.money import MAX_AMOUNT
from handfast.rails import Statement, StatementLine, read_statement


def read(*statements: str) -> tuple[Statement, ...]:
    data = document(*statements)
    assert_valid("camt.053.001.08", data)
    return read_statement(data, ACCOUNTS)


def refused(data: bytes) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        read_statement(data, ACCOUNTS)
    return refusal.value


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_says_the_same(version: str) -> None:
    later = int(version) >= 7  # where status became a choice and the party moved one level down
    name = "<Pty><Nm>Ann Buyer</Nm></Pty>" if later else "<Nm>Ann Buyer</Nm>"
    amount = '<Amt Ccy="EUR">12.30</Amt>'
    own_amount = (
        f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>" if version == "02" else f"{amount}<CdtDbtInd>CRDT</CdtDbtInd>"
    )
    details = (
        f"<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{own_amount}<RltdPties><Dbtr>{name}</Dbtr><DbtrAcct><Id>"
        f"<IBAN>{THEIRS}</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>Top-up 4711</Ustrd></RmtInf></TxDtls>"
    )
    booked = entry("12.30", status="<Cd>BOOK</Cd>" if later else "BOOK", details=details)
    two = entry("24.60", reference="B2", status="<Cd>BOOK</Cd>" if later else "BOOK", details=details + details)
    data = document(statement(booked, two, opening="100.00", closing="136.90"), version=version)
    assert_valid(f"camt.053.001.{version}", data)

    (read_back,) = read_statement(data, ACCOUNTS)

    line = StatementLine(
        line_key="bank:B1",
        booked_on="2014-10-28",
        amount=1230,
        reference="Top-up 4711",
        end_to_end_id="E1",
        counterparty_name="Ann Buyer",
        counterparty_account=THEIRS,
        reversal=False,
        return_reason="",
        bank_transaction_code="PMNT-RCDT-ESCT",
    )
    assert read_back.lines[0] == line
    assert [(part.line_key, part.amount) for part in read_back.lines[1:]] == [("bank:B2/1", 1230), ("bank:B2/2", 1230)]
    assert (read_back.opening, read_back.closing) == (10000, 13690)


def test_a_statement_says_whose_when_and_which() -> None:
    (found,) = read(statement())
    assert found == Statement(
        account=OURS,
        currency="EUR",
        statement_id="S1",
        sequence=7,
        created=1_414_522_800_250_000,
        from_date="2014-10-28",
        to_date="2014-10-28",
        opening=10000,
        closing=10000,
        lines=(),
    )
    days = "<FrToDt><FrDtTm>2014-10-27T00:00:00</FrDtTm><ToDtTm>2014-10-28T23:59:59+08:00</ToDtTm></FrToDt>"
    (found,) = read(statement(before=days))
    assert (found.from_date, found.to_date) == ("2014-10-27", "2014-10-28")


def test_several_statements_come_in_the_files_order() -> None:
    first = statement(entry(), opening="0.00", closing="12.30", statement_id="S1")
    second = statement(entry(reference="B2", sign="DBIT"), opening="12.30", closing="0.00", statement_id="S2")
    assert [(found.statement_id, found.closing) for found in read(first, second)] == [("S1", 1230), ("S2", 0)]


def test_an_account_in_debit_has_a_negative_balance() -> None:
    (found,) = read(statement(entry("12.30", "DBIT"), opening="5.00", closing="-7.30"))
    assert (found.closing, found.lines[0].amount) == (-730, -1230)


def test_the_previous_closing_balance_stands_in_for_the_opening_one() -> None:
    balances = balance("PRCD", "1.00", day="2014-10-27") + balance("CLAV", "9.99") + balance("CLBD", "13.30")
    (found,) = read(statement(entry(), balances=balances))
    assert (found.opening, found.from_date) == (100, "2014-10-28")


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_what_is_not_booked_is_left_out(status: str) -> None:
    (found,) = read(statement(entry(status=f"<Cd>{status}</Cd>"), entry("0.00", reference="B2")))
    assert found.lines == ()


def test_a_reversal_has_the_banks_sign_and_keeps_its_parties() -> None:
    parties = f"<Dbtr><Pty><Nm>Ann Buyer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></DbtrAcct>"
    back = entry("12.30", "DBIT", reversal="true", details=transaction(parties=parties))
    (found,) = read(statement(back, opening="12.30", closing="0.00"))
    (line,) = found.lines
    assert (line.amount, line.reversal, line.counterparty_name) == (-1230, True, "Ann Buyer")


def test_a_returned_payment_names_its_reason_and_the_other_side_not_us() -> None:
    parties = (
        f"<Dbtr><Pty><Nm>Handfast</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{OURS}</IBAN></Id></DbtrAcct>"
        "<Cdtr><Pty><Nm>Shop Inc.</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>123456789</Id></Othr></Id></CdtrAcct>"
    )
    details = transaction(parties=parties, more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", end_to_end_id="po-1")
    (found,) = read(statement(entry("12.30", details=details), opening="0.00", closing="12.30"))
    (line,) = found.lines
    assert (line.end_to_end_id, line.return_reason) == ("po-1", "AC04")
    assert (line.counterparty_name, line.counterparty_account) == ("Shop Inc.", "123456789")


def test_a_batch_becomes_a_line_for_each_transaction() -> None:
    parts = transaction("10.00", end_to_end_id="E1") + transaction("5.00", end_to_end_id="E2")
    taken_back = transaction("2.70", "DBIT", end_to_end_id="E3")
    batch = entry("12.30", reference="B7", details=parts + taken_back)
    (found,) = read(statement(batch, opening="0.00", closing="12.30"))
    assert [(line.line_key, line.end_to_end_id, line.amount) for line in found.lines] == [
        ("bank:B7/1", "E1", 1000),
        ("bank:B7/2", "E2", 500),
        ("bank:B7/3", "E3", -270),
    ]


def test_a_single_transaction_is_booked_with_the_entrys_amount() -> None:
    details = transaction("12.50")  # 0.20 were the bank's charges
    (found,) = read(statement(entry("12.30", details=details), opening="0.00", closing="12.30"))
    assert found.lines[0].amount == 1230


def test_a_key_is_the_banks_reference_else_the_entrys_else_the_position() -> None:
    entries = [
        entry("1.00", reference="B1", entry_reference="1"),
        entry("1.00", reference="", entry_reference="2"),
        entry("1.00", reference="NONREF"),
        entry("1.00", reference="", details="<TxDtls><Refs><AcctSvcrRef>T4</AcctSvcrRef></Refs>"
              '<Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>'),
    ]  # fmt: skip
    (found,) = read(statement(*entries, opening="0.00", closing="4.00"))
    assert [line.line_key for line in found.lines] == ["bank:B1", "entry:S1:2", "line:S1:3", "bank:T4"]


def test_a_creditor_reference_comes_before_free_text() -> None:
    strd = "<Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd>"
    both = entry("1.00", reference="B1", details=transaction(remittance=f"<Ustrd>hello</Ustrd>{strd}"))
    free = entry("1.00", reference="B2", details=transaction(remittance="<Ustrd>two </Ustrd><Ustrd>parts</Ustrd>"))
    (found,) = read(statement(both, free, opening="0.00", closing="2.00"))
    assert [line.reference for line in found.lines] == ["RF18539007547034", "two parts"]


def test_a_banks_own_transaction_code_is_kept() -> None:
    own = entry(code="<Prtry><Cd>N193</Cd><Issr>the bank</Issr></Prtry>")
    (found,) = read(statement(own, opening="0.00", closing="12.30"))
    assert found.lines[0].bank_transaction_code == "N193"


def test_a_transactions_own_code_says_more_than_its_entrys() -> None:
    own = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RDDT</Cd><SubFmlyCd>ESDD</SubFmlyCd></Fmly></Domn></BkTxCd>"
    (found,) = read(statement(entry(details=transaction(more=own)), opening="0.00", closing="12.30"))
    assert found.lines[0].bank_transaction_code == "PMNT-RDDT-ESDD"


@pytest.mark.parametrize(
    ("wrong", "code", "place"),
    [
        (statement(account="<Id><IBAN>FR1420041010050500013M02606</IBAN></Id>"), "foreign_account", "/Stmt[1]/Acct"),
        (statement(account=f"<Id><IBAN>{OURS}</IBAN></Id><Ccy>USD</Ccy>"), "foreign_account", "/Stmt[1]/Acct"),
        (statement(account="<Ccy>EUR</Ccy>"), "malformed", "/Stmt[1]/Acct"),
        (statement(entry()), "unbalanced", "/Stmt[1]"),
        (statement(entry(), closing="112.31"), "unbalanced", "/Stmt[1]"),
        (statement(entry("12.30", "DBIT"), closing="112.30"), "unbalanced", "/Stmt[1]"),
        (statement(balances=balance("OPBD", "1.00")), "malformed", "/Stmt[1]"),
        (statement(balances=balance("CLBD", "1.00")), "malformed", "/Stmt[1]"),
        (
            statement(balances="".join(map(balance, ("PRCD", "OPBD", "CLBD"), ("2.00", "1.00", "1.00")))),
            "unbalanced",
            "/Stmt[1]",
        ),
        (statement(balances=balance("OPBD", "1.00") * 2 + balance("CLBD", "1.00")), "malformed", "/Bal[2]"),
        (statement(entry(), entry(), closing="124.60"), "malformed", "/BkToCstmrStmt"),
        (statement(entry(status="")), "malformed", "/Ntry[1]/Sts"),
        (statement(entry(status="<Cd>DONE</Cd>")), "unsupported", "/Ntry[1]/Sts"),
        (statement(entry(sign="BOTH"), closing="112.30"), "malformed", "/Ntry[1]/CdtDbtInd"),
        (statement(entry(reversal="perhaps"), closing="112.30"), "malformed", "/Ntry[1]/RvslInd"),
        (
            statement(before="<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"),
            "unsupported",
            "/StmtPgntn",
        ),
        (
            statement(before="<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"),
            "unsupported",
            "/StmtPgntn",
        ),
        (statement(statement_id="x" * 36), "malformed", "/Stmt[1]/Id"),
        (statement(statement_id=""), "malformed", "/Stmt[1]/Id"),
        (statement(statement_id="<b>S1</b>"), "malformed", "/Stmt[1]/Id"),
        (statement(statement_id="S<b/>1"), "malformed", "/Stmt[1]/Id"),
        (statement(before="<Id>S2</Id>"), "malformed", "/Stmt[1]"),
        (
            statement(entry("3.00", details=transaction("1.00") + transaction("1.99")), closing="103.00"),
            "unbalanced",
            "/Ntry[1]",
        ),
        (
            statement(entry("3.00", details=transaction("1.00") + transaction()), closing="103.00"),
            "malformed",
            "/NtryDtls[1]/TxDtls[2]",
        ),
        ("", "malformed", "/BkToCstmrStmt"),
    ],
)
def test_what_does_not_agree_is_refused_where_it_stands(wrong: str, code: str, place: str) -> None:
    refusal = refused(document(wrong))
    assert refusal.code == f"statement_{code}"
    assert refusal.param is not None
    assert refusal.param.endswith(place)
    assert refusal.param in refusal.message or "repeats" in refusal.message


@pytest.mark.parametrize(
    "part", ["GrpHdr", "CreDtTm", "Id", "Acct", "IBAN", "Bal", "Amt", "CdtDbtInd", "Sts", "BookgDt", "Dt", "Stmt"]
)
def test_no_part_that_money_depends_on_may_be_missing(part: str) -> None:
    whole = document(statement(entry(), closing="112.30")).decode()
    refusal = refused(
        whole.replace(f"<{part}>", "<Other>").replace(f"<{part} ", "<Other ").replace(f"</{part}>", "</Other>").encode()
    )
    assert refusal.code == "statement_malformed"


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "-12.30",
        "+12.30",
        "1e3",
        "1E3",
        "NaN",
        "sNaN",
        "INF",
        "0x10",
        "1_000",
        "1,000.00",
        "12,30",
        "12.",
        ".30",
        "12.345",
        "12.300",
        "1²",
        "１２",
        "12 30",
        "1" * 5000,
        f"{MAX_AMOUNT // 100}.01",
        "<b>12</b>",
    ],
)
def test_an_amount_is_a_plain_decimal_of_the_currencys_places(amount: str) -> None:
    refusal = refused(document(statement(entry(amount), closing="112.30")))
    assert (refusal.code, refusal.param) == ("statement_malformed", "/Document/BkToCstmrStmt/Stmt[1]/Ntry[1]/Amt")
    assert len(refusal.message) < 200


@pytest.mark.parametrize(
    ("amount", "units"), [("12", 1200), ("12.3", 1230), ("000000000000012.30", 1230), (" 12.30\n", 1230)]
)
def test_fewer_decimals_and_leading_zeros_are_plain_enough(amount: str, units: int) -> None:
    closing = f"{100 + units // 100}.{units % 100:02d}"
    (found,) = read(statement(entry(amount), closing=closing))
    assert found.lines[0].amount == units


def test_decimals_follow_the_accounts_currency() -> None:
    yen = document(statement(entry("12"), opening="100", closing="112")).replace(b"EUR", b"JPY")
    (found,) = read_statement(yen, {OURS: "JPY"})
    assert found.lines[0].amount == 12
    with pytest.raises(Invalid, match="at most 0 places"):
        read_statement(yen.replace(b">12<", b">12.0<"), {OURS: "JPY"})


@pytest.mark.parametrize("part", ['Ccy="USD">12.30', 'Ccy="eur">12.30', ">12.30"])
def test_an_amount_in_another_currency_is_refused(part: str) -> None:
    data = document(statement(entry("12.30"), closing="112.30")).decode()
    assert (
        refused(data.replace('Ccy="EUR">12.30', part).replace("<Amt>", "<Amt >").encode()).code == "statement_malformed"
    )


@pytest.mark.parametrize(
    "day", ["2014-02-29", "28.10.2014", "20141028", "2014-W44-2", "2014-10-28T00:00:00", "２０14-10-28"]
)
def test_a_day_is_a_day_of_the_calendar(day: str) -> None:
    data = document(statement(entry(), closing="112.30")).decode()
    refusal = refused(data.replace("<BookgDt><Dt>2014-10-28", f"<BookgDt><Dt>{day}").encode())
    assert (refusal.code, refusal.param) == (
        "statement_malformed",
        "/Document/BkToCstmrStmt/Stmt[1]/Ntry[1]/BookgDt/Dt",
    )


def test_a_day_may_be_given_as_a_time_or_with_an_offset() -> None:
    data = document(statement(entry(), closing="112.30")).decode()
    for day in ("<DtTm>2014-10-28T23:30:00-05:00</DtTm>", "<Dt>2014-10-28+01:00</Dt>"):
        (found,) = read_statement(data.replace("<BookgDt><Dt>2014-10-28</Dt>", f"<BookgDt>{day}").encode(), ACCOUNTS)
        assert found.lines[0].booked_on == "2014-10-28"


@pytest.mark.parametrize(
    "time", ["2014-10-28", "2014-10-28 19:00:00", "2014-10-28T25:00:00", "0000-10-28T19:00:00", "now"]
)
def test_a_time_is_a_time_of_the_calendar(time: str) -> None:
    data = document(statement()).decode().replace("2014-10-28T19:00:00.25Z", time)
    assert refused(data.encode()).param == "/Document/BkToCstmrStmt/Stmt[1]/CreDtTm"


@pytest.mark.parametrize(
    "namespace",
    [
        "urn:iso:std:iso:20022:tech:xsd:camt.052.001.08",
        "urn:iso:std:iso:20022:tech:xsd:camt.053.001.01",
        "urn:iso:std:iso:20022:tech:xsd:camt.053.001.15",
        "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08 ",
        "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09",
        "",
    ],
)
def test_another_message_or_version_is_unsupported(namespace: str) -> None:
    data = document(statement()).replace(b"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", namespace.encode())
    assert refused(data).code == "statement_unsupported"


def test_another_root_is_unsupported() -> None:
    assert refused(document(statement()).replace(b"Document", b"Documents")).code == "statement_unsupported"


def test_elements_of_another_namespace_do_not_count() -> None:
    entry_of_theirs = entry().replace("<Ntry>", '<Ntry xmlns="urn:their:own">')
    (found,) = read_statement(document(statement(entry_of_theirs)), ACCOUNTS)
    assert found.lines == ()


def test_the_message_never_shows_a_foreign_account_whole() -> None:
    refusal = refused(document(statement(account=f"<Id><IBAN>{THEIRS}</IBAN></Id>")))
    assert THEIRS not in str(refusal)
    assert THEIRS[-4:] in str(refusal)
