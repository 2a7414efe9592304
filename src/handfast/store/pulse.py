"""The desk's sign of life at a PostgreSQL server, and how a desk that stands by deposes one that gives none.

A desk holds its database by an advisory lock of its connection, and holds it on when its process is stopped or its
machine has vanished. So it shows its life on a second connection: that one's application name says for which process at
the server, and when it last asked something the server knows by its own clock.
"""

from collections.abc import Callable
from threading import Event, Thread

import psycopg

EVERY = 1.0
"""Seconds between two signs of life, and between two looks of who stands by."""

LEASE = 6.0
"""Seconds of silence after which a desk is taken for dead. A mistake costs a restart, never money: see the epoch."""

_NAME = "handfast pulse "
_SILENT = f"""
SELECT holder.pid,
    coalesce(max(pulse.query_start), holder.backend_start) < clock_timestamp() - make_interval(secs => %s)
FROM pg_locks held JOIN pg_stat_activity holder ON holder.pid = held.pid
LEFT JOIN pg_stat_activity pulse ON pulse.application_name = '{_NAME}' || held.pid
WHERE held.locktype = 'advisory' AND held.classid = 0 AND held.objid = %s AND held.granted
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY holder.pid, holder.backend_start
"""


class Pulse:
    """Beats for the connection whose process at the server `backend` tells, from `with` to its end."""

    def __init__(self, url: str, backend: Callable[[], int]) -> None:
        self._url = url
        self._backend = backend
        self._ended = Event()
        self._thread = Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._beat()
            except psycopg.Error:
                self._ended.wait(EVERY)

    def _beat(self) -> None:
        """Beat until the server is gone, or the desk has another connection to it."""
        backend = self._backend()
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3, application_name=f"{_NAME}{backend}") as db:
            while backend == self._backend():
                db.execute("SELECT 1")
                if self._ended.wait(EVERY):
                    return


def depose(url: str, lock: int) -> bool:
    """End the connection that holds the lock if it was silent for LEASE; whether nobody is left who holds it.

    Raises psycopg.Error while the server is away.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as db:
        holders = db.execute(_SILENT, (LEASE, lock)).fetchall()
        for holder, silent in holders:
            if not silent:
                return False
            db.execute("SELECT pg_terminate_backend(%s, 5000)", (holder,))
    return True
