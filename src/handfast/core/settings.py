"""The settings: one frozen struct, read once from the data directory's file and the environment.

Later sources win: defaults, then DATA/handfast.toml, then HANDFAST_* variables, then what the command line says.
docs/settings.md describes each setting.
"""

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from handfast.core.errors import Invalid
from handfast.core.ids import entropy

FILE = "handfast.toml"
PREFIX = "HANDFAST_"
DATA = Path("handfast-data")

_Host = Annotated[str, Meta(min_length=1)]
_Port = Annotated[int, Meta(ge=0, le=65_535)]
_Fronts = Annotated[int, Meta(ge=0, le=64)]
_Batch = Annotated[int, Meta(ge=1, le=4096)]
_Queue = Annotated[int, Meta(ge=1, le=1_000_000)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator decides; see docs/settings.md."""

    data: Path = DATA
    database: str = ""
    ledger: str = ""
    host: _Host = "127.0.0.1"
    port: _Port = 8080
    fronts: _Fronts = 0
    batch: _Batch = 512
    queue: _Queue = 10_000
    market: Literal["live", "sandbox"] = "live"
    policies: str = ""
    four_eyes: bool = True
    evidence_dir: str = ""
    allow_private_webhooks: bool = False
    public_url: str = ""
    alipay_md5: bool = True
    master_key: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @property
    def database_url(self) -> str:
        """The database's URL, or the word `embedded`; by default a SQLite file in the data directory."""
        return self.database or f"sqlite:///{self.data / 'handfast.db'}"

    @property
    def master_key_file(self) -> Path:
        """Where the master key lies."""
        return Path(self.master_key) if self.master_key else self.data / "master.key"

    @property
    def signing_key_file(self) -> Path:
        """Where the RSA key lies that signs what gateways answer and tell."""
        return self.data / "signing.key"

    @property
    def evidence_folder(self) -> Path:
        """Where the files of evidence lie, sealed."""
        return Path(self.evidence_dir) if self.evidence_dir else self.data / "evidence"

    @property
    def seal_key_file(self) -> Path:
        """Where the key lies that signs heads: beside the master key."""
        return self.master_key_file.with_name("seal.key")

    @property
    def heads_file(self) -> Path:
        """Where signed heads are published, a line of JSON each."""
        return self.data / "heads.jsonl"

    @property
    def socket(self) -> Path:
        """Where the running desk listens for fronts and commands."""
        return self.data / "desk.sock"


def load(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings from file, environment (the process's own by default) and what was given, where that is not None.

    Raises Invalid(settings_invalid), naming the guilty setting.
    """
    environment = os.environ if environment is None else environment
    variables = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in _NOT_SETTINGS
    }
    options = {name: value for name, value in given.items() if value is not None}
    data = Path(options.get("data") or variables.get("data") or DATA)
    values: dict[str, Any] = {**_file(data / FILE), **variables, **options, "data": data}
    for name in values:
        if name not in Settings.__struct_fields__:
            raise Invalid("settings_invalid", f"there is no setting {name!r}", name)
    return Settings(**{name: _value(name, value, strict=name not in variables) for name, value in values.items()})


_NOT_SETTINGS = frozenset({"long", "tigerbeetle"})
"""Variables of the tests: HANDFAST_LONG asks for long runs, HANDFAST_TIGERBEETLE names a cluster to test with."""


def _file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"{path} cannot be read: {fault}", FILE) from None
    if "data" in values:
        raise Invalid("settings_invalid", f"{path} lies in the data directory and cannot name another", "data")
    return values


_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def _value(name: str, value: Any, *, strict: bool) -> Any:
    try:
        return msgspec.convert(value, _TYPES[name], strict=strict, dec_hook=_path)
    except msgspec.ValidationError as fault:
        raise Invalid("settings_invalid", f"{name}: {fault}", name) from None


def _path(type_: type, value: Any) -> Any:
    if type_ is Path and isinstance(value, str | Path):
        return Path(value)
    raise msgspec.ValidationError(f"Expected `{type_.__name__}`")


def dump(settings: Settings) -> bytes:
    """The settings as one line of JSON, for another process of the service."""
    return msgspec.json.encode(settings, enc_hook=str)


def restore(line: bytes) -> Settings:
    """The settings that `dump` wrote."""
    return msgspec.json.decode(line, type=Settings, dec_hook=_path)


def make_master_key(settings: Settings) -> None:
    """Write a fresh master key of 32 random bytes, as hexadecimal digits, mode 0600; one that exists is left alone."""
    _make_key(settings.master_key_file)


def seal_key(settings: Settings) -> bytes:
    """The Ed25519 key (its 32 bytes) that signs heads; it is made at its first use, mode 0600.

    Raises Invalid(settings_invalid) where it is open to others, or not a key.
    """
    _make_key(settings.seal_key_file)
    return _read_key(settings.seal_key_file, "the sealing key")


def _make_key(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as out:
        out.write(entropy(32).hex() + "\n")
        out.flush()
        os.fsync(file)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def read_master_key(settings: Settings) -> bytes:
    """The master key. Raises Invalid(settings_invalid) where it is missing, open to others, or not a key."""
    return _read_key(settings.master_key_file, "the master key")


def _read_key(path: Path, name: str) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text().strip()
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"{name} cannot be read: {fault}", "master_key") from None
    if mode & 0o077:
        raise Invalid("settings_invalid", f"{path} can be read by others: chmod 600 it", "master_key")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Invalid("settings_invalid", f"{path} does not hold 64 hexadecimal digits", "master_key")
    return key
