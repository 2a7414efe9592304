"""A desk that stands by: waits until the database has no living desk, and lets the service be opened then."""

import asyncio
from contextlib import suppress

import structlog

from handfast.app import Database, database
from handfast.core.errors import Conflict, Refusal
from handfast.core.settings import Settings

EVERY = 1.0
"""Seconds between two looks."""

_log = structlog.get_logger("handfast")


async def stand_by(settings: Settings, stop: asyncio.Event) -> bool:
    """Wait until nobody is the desk of the database; False if `stop` was set before."""
    chosen = database(settings.database_url)
    while not await asyncio.to_thread(_is_free, chosen):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)
        if stop.is_set():
            return False
    return True


def _is_free(chosen: Database) -> bool:
    try:
        store, _ = chosen.own()
    except Conflict:
        pass
    except Refusal:
        raise
    except Exception as fault:
        return _away(chosen, fault)
    else:
        store.close()
        return True
    try:
        return chosen.depose()
    except Exception as fault:
        return _away(chosen, fault)


def _away(chosen: Database, fault: Exception) -> bool:
    """A database that is away is waited for, too; anything else is a fault."""
    if chosen.unavailable(fault) is None:
        raise fault
    _log.warning("standby waits", error=type(fault).__name__)
    return False
