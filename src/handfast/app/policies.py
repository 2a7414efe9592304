"""Puts policies in force when the service starts: the settings' file, or in a new database the default preset."""

from pathlib import Path

from handfast.core.errors import Invalid
from handfast.core.settings import Settings
from handfast.domain.policies import BOOK, BOOKS, DEFAULT, PublishBook, preset_text, publish
from handfast.services import Services
from handfast.store.reader import get
from handfast.store.verb import Request

_ACTOR = "settings"


async def put_in_force(services: Services) -> None:
    """Publish the policy file, if there is one; else leave what is in force, and publish the default where nothing is.

    Raises Invalid(settings_invalid) for a file that cannot be read, Invalid(policy_invalid), Unavailable.
    """
    text = _file(services.settings)
    if text is None:
        if await services.read.short(lambda reader: get(reader, BOOKS, BOOK)) is not None:
            return
        text = preset_text(DEFAULT)
    request = Request(publish.name, PublishBook(text), _ACTOR, services.new_id(services.wall()))
    (await services.hand.call(request)).unwrap()


def _file(settings: Settings) -> bytes | None:
    if not settings.policies:
        return None
    try:
        return Path(settings.policies).read_bytes()
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"the policy file cannot be read: {fault}", "policies") from None
