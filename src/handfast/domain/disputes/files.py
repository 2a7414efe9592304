"""Files of evidence: checked by their content, kept sealed outside the database and any web root, by their digest."""

import os
import re
from hashlib import sha256
from pathlib import Path

from handfast.core.errors import Invalid, NotFound, TooLarge, Unavailable

MOST_BYTES = 5 * 1024 * 1024
"""How long a file may be, before it is sealed."""

_SEALING = 1024
"""What sealing may add to a file's length."""

_OPENINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "application/pdf": b"%PDF-",
}
_WEBP, _TEXT = "image/webp", "text/plain"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

MEDIA_TYPES = (*_OPENINGS, _WEBP, _TEXT)
"""What is taken: pictures, documents, and plain UTF-8 text without control characters beyond tabs and line ends."""


def check_file(content: bytes, declared: str) -> str:
    """The declared media type, if the content's first bytes are of that type.

    Raises Invalid(evidence_invalid), TooLarge(evidence_too_large).
    """
    if len(content) > MOST_BYTES:
        raise TooLarge("evidence_too_large", f"a file is at most {MOST_BYTES} bytes", "file")
    found = _media_type(content)
    if found is None:
        raise Invalid("evidence_invalid", f"a file is one of {', '.join(MEDIA_TYPES)}", "file")
    if found != declared:
        raise Invalid("evidence_invalid", f"the content is {found}, not what was declared", "media_type")
    return found


def _media_type(content: bytes) -> str | None:
    for media_type, opening in _OPENINGS.items():
        if content.startswith(opening):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _WEBP
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return _TEXT if text and _CONTROL.search(text) is None else None


class EvidenceFiles:
    """Sealed files in a folder of their own, which only the service's user may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sealed: bytes) -> bytes:
        """Store the sealed bytes durably and return their SHA-256. The same bytes may be stored again.

        Raises TooLarge(evidence_too_large), Unavailable(store_unavailable) where the disk fails or is full.
        """
        if len(sealed) > MOST_BYTES + _SEALING:
            raise TooLarge("evidence_too_large", f"a file is at most {MOST_BYTES} bytes", "file")
        digest = sha256(sealed).digest()
        try:
            self._write(self._path(digest), sealed)
        except OSError as error:
            raise Unavailable("store_unavailable", f"the file could not be stored: {error.strerror}") from error
        return digest

    def _write(self, path: Path, sealed: bytes) -> None:
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        for folder in (path.parent, self._folder, self._folder.parent):
            _sync(folder)

    def read(self, digest: bytes) -> bytes:
        """The sealed bytes. Raises NotFound where there are none, Invalid(evidence_invalid) where they were changed."""
        try:
            sealed = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound("object_not_found", "no such file", "digest") from None
        if sha256(sealed).digest() != digest:
            raise Invalid("evidence_invalid", "the stored file is no longer the one that was shown", "digest")
        return sealed

    def forget(self, digest: bytes) -> None:
        """Delete bytes that came to be no evidence."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name


def _sync(folder: Path) -> None:
    """Make a folder's new names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
