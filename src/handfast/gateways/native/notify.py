"""Notifications in Handfast's own protocol: Standard Webhooks, signed with the endpoint's secrets, on wall time."""

from collections.abc import Awaitable, Callable

from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND, Clock
from handfast.core.ids import Id
from handfast.domain.notifications import Endpoint, Notice, Parcel, open_secrets, signed_headers
from handfast.domain.parties import Vault
from handfast.store.reader import Reader
from handfast.store.rows import Event

PAUSES = (5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR, 12 * HOUR, DAY, DAY)
"""How long to wait after the first, second … failed try; the tenth try, on the third day, is the last."""

Render = Callable[[Event, Id], Awaitable[bytes]]
"""Makes an event's body as a party may see it. Raises Unavailable."""


class Webhooks:
    """Sends every event that an endpoint wants to its URL, until any 2xx."""

    pauses = PAUSES

    def __init__(self, vault: Vault, wall: Clock, render: Render) -> None:
        self._vault = vault
        self._wall = wall
        self._render = render

    def address(self, _reader: Reader, endpoint: Endpoint, _event: Event) -> str:
        """The endpoint's own."""
        return endpoint.url

    async def notice(self, parcel: Parcel) -> Notice:
        """The event as the API shows it, signed. Raises Unavailable."""
        endpoint, at = parcel.endpoint, self._wall()
        secrets = open_secrets(self._vault, parcel.wrapped_key, endpoint, at)
        if not secrets:
            return Notice({}, b"", "party_erased")
        body = await self._render(parcel.event, endpoint.party)
        return Notice({"content-type": "application/json", **signed_headers(secrets, parcel.event.id, at, body)}, body)

    def is_receipt(self, status: int, _body: bytes) -> bool:
        """Any success (RFC 9110, section 15.3) is one."""
        return 200 <= status < 300
