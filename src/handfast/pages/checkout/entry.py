"""Who a visitor is: signed sessions in a cookie, the token that each form carries, and the sandbox's PINs.

A session is what is in the cookie, so a process keeps nothing: 16 random bytes, the buyer's id or zeros, when it ends
(wall time, µs), and an HMAC of these. It starts anew, with fresh random bytes, when somebody signs in or out.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from handfast.core.clocks import MINUTE, Clock
from handfast.core.ids import Id, entropy
from handfast.domain.parties import Vault

LASTS = 15 * MINUTE
"""How long a session lasts after the last page."""

TRIES, WINDOW = 5, 5 * MINUTE
"""How often a buyer may be tried to sign in as, within how long."""

MOST_WATCHED = 10_000

_NOBODY = bytes(16)
_MAC = 32


class Visitor(Struct, frozen=True):
    """Whoever looks: `buyer` if it signed in. `nonce` names the session."""

    nonce: bytes
    buyer: Id | None = None


class Entry:
    """Reads and writes sessions; `secure` keeps the cookie off plain http."""

    def __init__(self, vault: Vault, wall: Clock, *, secure: bool) -> None:
        self._key = vault.subkey("sessions")
        self._wall = wall
        self._secure = secure
        self._name = "__Host-handfast" if secure else "handfast"

    def visitor(self, request: Request) -> Visitor:
        """Who asks; a new visitor where there is no session, or one that is over or not ours."""
        try:
            raw = urlsafe_b64decode(request.cookies.get(self._name, ""))
        except ValueError:
            raw = b""
        content, mac = raw[:-_MAC], raw[-_MAC:]
        if len(content) != 40 or not hmac.compare_digest(mac, self._mac(b"session", content)):
            return Visitor(entropy(16))
        if int.from_bytes(content[32:], "big") <= self._wall():
            return Visitor(entropy(16))
        return Visitor(content[:16], None if content[16:32] == _NOBODY else content[16:32])

    def remember(self, answer: Response, visitor: Visitor) -> Response:
        """The answer with the session's cookie, which lasts from now."""
        until = self._wall() + LASTS
        content = visitor.nonce + (visitor.buyer or _NOBODY) + until.to_bytes(8, "big")
        value = urlsafe_b64encode(content + self._mac(b"session", content)).decode()
        answer.set_cookie(self._name, value, httponly=True, samesite="lax", secure=self._secure)
        return answer

    def token(self, visitor: Visitor) -> str:
        """What this visitor's forms carry, and nobody else's."""
        return self._mac(b"form", visitor.nonce).hex()

    def is_own(self, visitor: Visitor, token: str) -> bool:
        """Whether a form came from a page that was shown to this visitor."""
        return hmac.compare_digest(token.encode(), self.token(visitor).encode())

    def _mac(self, purpose: bytes, content: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + content, "sha256")


class Patience:
    """Counts tries by whom they are about, for one process."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._tries: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def allows(self, key: bytes) -> bool:
        """Whether one more try may be made; counts it."""
        now = self._wall()
        began, count = self._tries.pop(key, (now, 0))
        if now >= began + WINDOW:
            began, count = now, 0
        self._tries[key] = (began, count + 1)
        while len(self._tries) > MOST_WATCHED:
            self._tries.popitem(last=False)
        return count < TRIES

    def forget(self, key: bytes) -> None:
        """Begin anew: the right one has come."""
        self._tries.pop(key, None)


def sandbox_pin(vault: Vault, buyer: Id) -> str:
    """The six digits by which a buyer signs in to a sandbox, which its operator can tell and nobody can guess."""
    digest = hmac.digest(vault.subkey("sandbox pin"), buyer, "sha256")
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"
