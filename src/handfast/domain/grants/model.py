"""Grants: what a person lets an app know, in a code that is exchanged once, and the tokens that it is exchanged for."""

from msgspec import Struct

from handfast.core.clocks import DAY
from handfast.core.ids import Id

CODE, ACCESS, REFRESH = "code", "access", "refresh"
KINDS = (CODE, ACCESS, REFRESH)

CODE_LIFE = DAY
ACCESS_LIFE = 15 * DAY
REFRESH_LIFE = 30 * DAY
"""For how long each may be used, on the wall clock: a sandbox's market time ends no session."""


class Grant(Struct, frozen=True, gc=False):
    """A code or a token; `id` is a digest of it, the text itself is kept nowhere.

    `party` lets `app` know what the `scopes` (space-separated) name. `expires` and `used` are wall time (µs): a code
    and a refresh token are used once.
    """

    id: Id
    kind: str
    app: Id
    party: Id
    scopes: str
    expires: int
    used: int | None
    created: int
