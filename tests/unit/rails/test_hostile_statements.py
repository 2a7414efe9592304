"""Statements that somebody made to hurt: refused with a code, without reading, fetching or remembering too much."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rails.documents import ACCOUNTS, document, entry, statement, transaction

from handfast.core.errors import Refusal
from handfast.rails import read_statement
from handfast.rails.iso20022.markup import MAX_DEPTH

WHOLE = document(
    statement(
        entry("12.30", details=transaction(remittance="<Ustrd>Top-up 4711 &amp; more</Ustrd>")),
        entry("3.00", "DBIT", reference="B2", details=transaction("1.00", "DBIT") + transaction("2.00", "DBIT")),
        closing="109.30",
    )
)


def refusal_of(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read_statement(data, ACCOUNTS)
    return refusal.value


def with_type(declaration: str) -> bytes:
    """The whole statement with a document type, and a text that uses its entity."""
    return WHOLE.replace(b"<Document", f"<!DOCTYPE Document {declaration}>\n<Document".encode(), 1).replace(
        b"4711", b"&e;"
    )


def test_an_entity_bomb_is_refused_before_it_is_lit() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    assert refusal_of(with_type(f'[<!ENTITY e0 "ha">{bomb}<!ENTITY e "&e11;">]')).code == "statement_malformed"


def test_an_external_entity_neither_reads_a_file_nor_opens_a_connection(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/e"
        declarations = [
            f'[<!ENTITY e SYSTEM "{secret.as_uri()}">]',
            f'[<!ENTITY e SYSTEM "{address}">]',
            f'SYSTEM "{address}"',
            f'PUBLIC "-//E//E//EN" "{address}"',
            f'[<!ENTITY % p SYSTEM "{address}"> %p;]',
        ]
        for declaration in declarations:
            refusal = refusal_of(with_type(declaration))
            assert refusal.code == "statement_malformed"
            assert "the-secret" not in str(refusal)
        included = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}"/>'
        assert read_statement(WHOLE.replace(b"<Stmt>", f"{included}<Stmt>".encode()), ACCOUNTS)
        listener.setblocking(False)  # a connection would be waiting here: the parser works in this thread
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert threading.active_count() == 1


def test_a_document_type_without_entities_is_refused_too() -> None:
    data = WHOLE.replace(b"<Document", b"<!DOCTYPE Document>\n<Document", 1)
    assert refusal_of(data).code == "statement_malformed"


def test_an_entity_that_nobody_declared_is_refused() -> None:
    assert refusal_of(WHOLE.replace(b"4711", b"&e;")).code == "statement_malformed"


def test_a_file_cut_off_anywhere_is_refused() -> None:
    assert read_statement(WHOLE, ACCOUNTS)
    codes = {refusal_of(WHOLE[:cut]).code for cut in range(len(WHOLE))}
    assert codes == {"statement_malformed"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not xml",
        b"{}",
        WHOLE + WHOLE,
        WHOLE.decode().encode("utf-16"),
        WHOLE.replace(b"UTF-8", b"UTF-16"),
        WHOLE.replace(b"UTF-8", b"ISO-8859-1"),
        WHOLE.replace(b"UTF-8", b"zlib"),
        WHOLE.replace(b"4711", b"\xff"),
        WHOLE.replace(b"4711", b"\xed\xa0\x80"),
        WHOLE.replace(b"4711", b"\x01"),
        WHOLE.replace(b"4711", b"&#0;"),
        WHOLE.replace(b"4711", b"&#xD800;"),
    ],
)
def test_what_is_not_xml_in_utf8_is_malformed(data: bytes) -> None:
    assert refusal_of(data).code == "statement_malformed"


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_statement(b"\xef\xbb\xbf" + WHOLE, ACCOUNTS)


@settings(deadline=None)
@given(st.integers(0, len(WHOLE.decode()) - 1), st.text(max_size=3), st.integers(0, 3))
def test_no_change_of_a_few_characters_causes_anything_but_a_refusal(place: int, put: str, gone: int) -> None:
    text = WHOLE.decode()
    data = (text[:place] + put + text[place + gone :]).encode(errors="surrogatepass")
    try:
        (found,) = read_statement(data, ACCOUNTS)
    except Refusal:
        return
    assert found.opening + sum(line.amount for line in found.lines) == found.closing


def test_nesting_has_a_bound() -> None:
    depth = MAX_DEPTH - 3  # below Document, BkToCstmrStmt and Stmt
    for levels in (depth, depth + 1):
        nested = "<b>" * levels + "</b>" * levels
        data = WHOLE.replace(b"</Stmt>", f"{nested}</Stmt>".encode())
        if levels == depth:
            assert read_statement(data, ACCOUNTS)
        else:
            assert "nested" in refusal_of(data).message


# Each in a process that the kernel allows 512 MiB of address space, interpreter and libraries included.
HEAVY = {
    "bytes(17 * 2**20)": "statement_too_large",
    'NS + b"<a>" * 100_000': "statement_malformed",
    'NS + b"<a>" * 100_000 + b"</a>" * 100_000 + END': "statement_malformed",
    'NS + b"<b/>" * 999_990 + END': "statement_malformed",
    'NS + b"<b/>" * 4_000_000 + END': "statement_too_large",
    'NS + b"".join(b"<b>%d</b>" % n for n in range(499_990)) + END': "statement_malformed",
    'NS + b"".join(b"<n%d/>" % n for n in range(900_000)) + END': "statement_malformed",
    'NS + b"<b " + b" ".join(b"a%d=\'\'" % n for n in range(199_000)) + b"/>" + END': "statement_malformed",
    'NS + b"<b " + b" ".join(b"a%d=\'\'" % n for n in range(900_000)) + b"/>" + END': "statement_too_large",
    'NS + b"<b " + b"x" * 15 * 2**20': "statement_malformed",
    'NS + b"&#65;" * 3 * 2**20 + END': "statement_malformed",
    'NS + b"<![CDATA[" + b"]]" * 7 * 2**20': "statement_malformed",
}
CHILD = """
import resource, sys
from handfast.core.errors import Refusal
from handfast.rails import read_statement
NS = b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
END = b"</Document>"
resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))
data = {expression}
try:
    read_statement(data, {{}})
except Refusal as refusal:
    print(refusal.code)
"""


@pytest.mark.parametrize(("expression", "code"), HEAVY.items())
def test_a_heavy_file_is_refused_within_bounded_memory(expression: str, code: str) -> None:
    child = [sys.executable, "-c", CHILD.format(expression=expression)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.stderr) == (code, "")
