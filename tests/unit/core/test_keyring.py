"""The service's own key: made once, for its owner's eyes, and never overwritten."""

import stat
from pathlib import Path

import pytest

from handfast.core.errors import Invalid
from handfast.core.keyring import public_pem, signing_key, write_private
from handfast.core.rsa import read_key


def test_a_key_is_made_once_and_read_after(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    made = signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (read_key(path.read_text()).form, made.key_size) == ("PKCS#1", 2048)
    signing_key.cache_clear()
    assert signing_key(path).public_key() == made.public_key()
    write_private(path, signing_key(tmp_path / "other.key"))
    signing_key.cache_clear()
    assert public_pem(signing_key(path)) == public_pem(made)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.key", "signing.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    signing_key(path)
    signing_key.cache_clear()
    path.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        signing_key(path)


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text("hello\n")
    path.chmod(0o600)
    with pytest.raises(Invalid, match="does not hold a private key"):
        signing_key(path)
    with pytest.raises(Invalid, match="cannot be read"):
        signing_key(tmp_path / "nowhere" / "signing.key")
