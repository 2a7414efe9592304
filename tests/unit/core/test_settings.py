"""Settings: file, environment and command line in that order, and nothing that is not a setting."""

import stat
from pathlib import Path
from typing import Any

import pytest

from handfast.core.errors import Invalid
from handfast.core.settings import Settings, dump, load, make_master_key, read_master_key, restore


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "handfast.toml").write_text('port = 1\nbatch = 2\nhost = "::1"\n')
    settings = load({"HANDFAST_PORT": "3", "HANDFAST_BATCH": "4", "HOME": "/nowhere"}, data=tmp_path, port=5, host=None)
    assert (settings.port, settings.batch, settings.host, settings.queue) == (5, 4, "::1", 10_000)


def test_the_data_directory_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "handfast.toml").write_text('market = "sandbox"\nallow_private_webhooks = true')
    settings = load({"HANDFAST_DATA": str(tmp_path)})
    assert settings == Settings(data=tmp_path, market="sandbox", allow_private_webhooks=True)
    assert settings.database_url == f"sqlite:///{tmp_path}/handfast.db"
    assert settings.socket == tmp_path / "desk.sock"


def test_without_any_source_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}) == Settings()


@pytest.mark.parametrize(
    ("file", "environment", "given", "param"),
    [
        ("prot = 1", {}, {}, "prot"),
        ("", {"HANDFAST_PROT": "1"}, {}, "prot"),
        ("port = '1'", {}, {}, "port"),
        ("port = 65536", {}, {}, "port"),
        ("port = 1.0", {}, {}, "port"),
        ("port = true", {}, {}, "port"),
        ("", {"HANDFAST_PORT": "http"}, {}, "port"),
        ("", {"HANDFAST_PORT": ""}, {}, "port"),
        ("", {}, {"port": -1}, "port"),
        ("batch = 0", {}, {}, "batch"),
        ("market = 'fake'", {}, {}, "market"),
        ("allow_private_webhooks = 'yes please'", {}, {}, "allow_private_webhooks"),
        ("", {"HANDFAST_ALLOW_PRIVATE_WEBHOOKS": "yes please"}, {}, "allow_private_webhooks"),
        ("data = 'elsewhere'", {}, {}, "data"),
        ("port =", {}, {}, "handfast.toml"),
        ("port = 1\nport = 2", {}, {}, "handfast.toml"),
    ],
)
def test_what_is_no_setting_is_refused(
    tmp_path: Path, file: str, environment: dict[str, str], given: dict[str, Any], param: str
) -> None:
    (tmp_path / "handfast.toml").write_text(file)
    with pytest.raises(Invalid) as no:
        load(environment, data=tmp_path, **given)
    assert (no.value.code, no.value.param) == ("settings_invalid", param)


def test_settings_go_to_another_process_and_are_the_same() -> None:
    settings = Settings(data=Path("/srv/a b"), fronts=2, database="postgresql://a:b@c/d", market="sandbox")
    line = dump(settings)
    assert b"\n" not in line
    assert restore(line) == settings


def test_a_master_key_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    settings = load({}, data=tmp_path / "new")
    with pytest.raises(Invalid, match="cannot be read"):
        read_master_key(settings)
    make_master_key(settings)
    key = read_master_key(settings)
    assert len(key) == 32
    assert stat.S_IMODE(settings.master_key_file.stat().st_mode) == 0o600
    assert list(settings.data.iterdir()) == [settings.master_key_file]
    make_master_key(settings)
    assert read_master_key(settings) == key


def test_a_master_key_that_is_none_or_is_open_to_others_is_refused(tmp_path: Path) -> None:
    settings = load({}, data=tmp_path, master_key=str(tmp_path / "key"))
    settings.master_key_file.write_text("00" * 31)
    settings.master_key_file.chmod(0o600)
    with pytest.raises(Invalid, match="64 hexadecimal digits"):
        read_master_key(settings)
    settings.master_key_file.write_text("zz" * 32)
    with pytest.raises(Invalid, match="64 hexadecimal digits"):
        read_master_key(settings)
    settings.master_key_file.write_text("00" * 32)
    settings.master_key_file.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        read_master_key(settings)
