"""Personal words and files: sealed under their author's key on the way in, opened on the way out."""

from typing import Any, TypeVar

from handfast.core.ids import Id
from handfast.domain.claims import Claim
from handfast.domain.disputes import Evidence
from handfast.domain.parties import PERSON_KEYS, Vault
from handfast.gateways.native.calls import Call
from handfast.gateways.native.people import wrapped_key
from handfast.gateways.native.render_quarrels import Said
from handfast.store.reader import Reader, get

Value = TypeVar("Value")


async def sealed(call: Call[Any], author: Id, words: str) -> bytes:
    """The words under their author's key, nothing for none. Raises NotFound where the author has no key any more."""
    if not words:
        return b""
    return call.services.vault.seal(await wrapped_key(call, author), author, words)


class Opener:
    """Opens what was sealed, each author's key read once; None where the key was destroyed."""

    def __init__(self, reader: Reader, vault: Vault) -> None:
        self._reader = reader
        self._vault = vault
        self._keys: dict[Id, bytes] = {}

    def said(self, row: Claim) -> Said:
        """What buyer and seller said in a claim."""
        return Said(self._words(row.buyer, row.words), self._words(row.seller, row.answer))

    def text(self, row: Evidence) -> str | None:
        """A message, a tracking number, or a file's name."""
        return self._words(row.party, row.sealed)

    def open(self, author: Id, sealed: bytes, type_: type[Value]) -> Value | None:
        """What an author sealed."""
        if author not in self._keys:
            key = get(self._reader, PERSON_KEYS, author)
            self._keys[author] = key.wrapped if key else b""
        return self._vault.open(self._keys[author], author, sealed, type_)

    def _words(self, author: Id, sealed: bytes) -> str | None:
        return self.open(author, sealed, str) if sealed else ""
