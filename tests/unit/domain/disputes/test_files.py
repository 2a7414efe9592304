"""Files of evidence: what is taken for what it says it is, and what is kept can be relied on."""

import errno
import os
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE

import pytest

from handfast.core.errors import Invalid, NotFound, TooLarge, Unavailable
from handfast.domain.disputes import MOST_BYTES, EvidenceFiles, check_file

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)
PDF = b"%PDF-1.7\n"
WEBP = b"RIFF\x24\0\0\0WEBPVP8 "
TEXT = "Die Tasse ist zerbrochen.\r\n\t杯子碎了。\u3000👩‍🔧".encode()
KINDS = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "application/pdf": PDF,
    "image/webp": WEBP,
    "text/plain": TEXT,
}


@pytest.mark.parametrize("declared", KINDS)
@pytest.mark.parametrize("content", KINDS)
def test_a_file_is_what_its_first_bytes_are(declared: str, content: str) -> None:
    if declared == content:
        assert check_file(KINDS[content], declared) == declared
        return
    with pytest.raises(Invalid, match="evidence_invalid: the content is"):
        check_file(KINDS[content], declared)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"MZ\x90\0",
        b"\x7fELF",
        b"GIF89a\0",
        b"a\0b",
        b"\x1b[2J",
        b"caf\xe9",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\x89PNG",
        b"\xed\xa0\x80",
        "\u0085".encode(),
        "next".encode("utf-16"),
    ],
)
@pytest.mark.parametrize("declared", [*KINDS, "text/html", "image/svg+xml", ""])
def test_nothing_else_is_taken(content: bytes, declared: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_file(content, declared)
    assert caught.value.code == "evidence_invalid"


def test_what_looks_like_a_page_is_text_at_most() -> None:
    with pytest.raises(Invalid):
        check_file(b"<script>alert(1)</script>", "text/html")
    assert check_file(b"<script>alert(1)</script>", "text/plain") == "text/plain"


def test_five_mebibytes_and_not_a_byte_more() -> None:
    assert check_file(PDF.ljust(MOST_BYTES, b" "), "application/pdf") == "application/pdf"
    with pytest.raises(TooLarge, match="evidence_too_large"):
        check_file(PDF.ljust(MOST_BYTES + 1, b" "), "application/pdf")


def test_a_kept_file_is_found_by_its_digest_and_read_by_nobody_else(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path / "data" / "evidence")
    digest = files.keep(b"sealed")
    assert digest == sha256(b"sealed").digest()
    assert files.keep(b"sealed") == digest
    assert files.read(digest) == b"sealed"
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert kept.name == digest.hex()
    assert S_IMODE(kept.stat().st_mode) == 0o600
    assert {S_IMODE(folder.stat().st_mode) for folder in (kept.parent, kept.parent.parent)} == {0o700}


def test_a_changed_or_missing_file_is_never_shown(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)
    digest = files.keep(b"sealed")
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(b"other!")
    with pytest.raises(Invalid, match="evidence_invalid"):
        files.read(digest)
    kept.unlink()
    with pytest.raises(NotFound):
        files.read(digest)


def test_what_cannot_be_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)
    (tmp_path / sha256(b"sealed").hexdigest()[:2]).mkdir()
    (tmp_path / sha256(b"sealed").hexdigest()[:2] / sha256(b"sealed").hexdigest()).mkdir()
    with pytest.raises(Unavailable):
        files.keep(b"sealed")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(TooLarge):
        files.keep(bytes(MOST_BYTES + 1025))


def test_a_full_disk_is_a_refusal_that_may_be_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        EvidenceFiles(tmp_path).keep(b"sealed")
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
