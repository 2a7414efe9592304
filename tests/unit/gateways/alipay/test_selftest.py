"""The self-test: given what was sent and a public key, it names the signed string and the mistake; and check-key."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from tests.unit.gateways.alipay.orders import APP, ORDER, SERVER, STRANGER, right

from handfast.cli import main
from handfast.core import rsa
from handfast.core.errors import Invalid
from handfast.gateways.alipay.selftest import examine
from handfast.gateways.alipay.signing import signed_notice

NOTICE = {"trade_no": "2014", "subject": "两个杯子 & +", "trade_status": "TRADE_SUCCESS", "empty": ""}


def asked(text: str) -> str:
    """A request's address, signed over that text."""
    return "https://pay.example/gateway.do?" + urlencode({**ORDER, "sign": rsa.sign(APP.private, text.encode())})


def told(**changes: str) -> str:
    body, _ = signed_notice(NOTICE, SERVER.private)
    fields = dict(part.split("=", 1) for part in body.decode().split("&"))
    return "&".join(f"{name}={value}" for name, value in (fields | changes).items())


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (right(ORDER), "none"),
        (right({name: value for name, value in ORDER.items() if name != "sign_type"}), "sign_type_left_out"),
        (right(ORDER) + "\n", "text_trimmed"),
    ],
)
def test_a_request_is_explained(text: str, mistake: str) -> None:
    found = examine(asked(text), APP.public_pem, notice=False, server_key=SERVER.public)
    assert found.mistake == mistake
    assert found.expected == right(ORDER)


def test_the_gateways_own_key_is_told_from_the_apps() -> None:
    assert examine(asked(right(ORDER)), SERVER.public_pem, notice=False, server_key=SERVER.public).mistake == (
        "key_is_servers"
    )


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({}, "none"),
        ({"trade_status": "TRADE_CLOSED"}, "changed_after_signing"),
        ({"sign_type": "RSA"}, "sign_type_differs"),
        ({"sign": "AAAA"}, "signature_malformed"),
    ],
)
def test_a_notification_is_explained(changes: dict[str, str], mistake: str) -> None:
    found = examine(told(**changes), SERVER.public_pem, notice=True, server_key=SERVER.public)
    assert found.mistake == mistake
    if not changes:
        assert found.expected == "charset=utf-8&subject=两个杯子 & +&trade_no=2014&trade_status=TRADE_SUCCESS"


def test_a_notification_beside_the_wrong_key() -> None:
    assert examine(told(), APP.public_pem, notice=True, server_key=SERVER.public).mistake == "key_is_not_servers"
    assert examine(told(), APP.public_pem, notice=True, server_key=STRANGER.public).mistake == "key_unknown"


@pytest.mark.parametrize("text", ["", "a=1", "sign=x", "a=%zz&sign=x&charset=utf-8", "{}", "\0", "sign=a&sign=b", "é"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        examine(text, APP.public_pem, notice=True)


def test_a_private_key_is_refused() -> None:
    with pytest.raises(Invalid, match="private"):
        examine(told(), APP.pem, notice=True)


def test_check_key_says_what_a_key_is_and_who_takes_it(tmp_path: Path) -> None:
    key, app, server = (tmp_path / name for name in ("key.pem", "app.pem", "server.pem"))
    key.write_text(APP.private_text("PKCS#8", pem=True))
    app.write_text(APP.public_pem)
    server.write_text(SERVER.public_pem)
    words = ["alipay", "check-key", str(key), "--app", str(app), "--server", str(server)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "private key, PKCS#8, 2048 bits" in done.stdout
    assert "it belongs to the public key that is registered for this app" in done.stdout
    assert "alipay-sdk-python: it does not take PKCS#8 as PEM" in done.stdout
    assert "python-alipay-sdk: takes it as it is" in done.stdout
    key.write_bytes(b"\xff\xfe")
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, refused.stderr.partition(":")[0]) == (1, "field_invalid")
    key.write_text("nothing")
    assert CliRunner().invoke(main, words).exit_code == 1
