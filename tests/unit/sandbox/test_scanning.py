"""The buyer at a gateway's merchant, by command: what each code and address leads to, and what leads nowhere."""

import json
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.sdk.served import served

from handfast.app import reading
from handfast.core.errors import Refusal
from handfast.core.ids import Id, account_id
from handfast.core.settings import load
from handfast.domain.apps import ALIASES
from handfast.gateways.alipay.numbers import number_of, thing_of
from handfast.gateways.alipay.users import user_key
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of
from handfast.sandbox import scanning
from handfast.store.reader import Reader, get

HANDFAST = Path(sys.executable).with_name("handfast")
KEY: Id = bytes.fromhex("014955fd5dc7d03bf41ff26138000000")


def test_what_leads_to_a_checkout() -> None:
    digits = KEY[:13].hex()
    for code in (digits, f"/checkout/{digits}", f"https://pay.example/checkout/{digits}", f" {digits}\n"):
        assert scanning.checkout_of(code) == KEY
    assert scanning.trade_of(number_of(KEY)) == KEY


@pytest.mark.parametrize("code", ["", "x", "https://pay.example/", "https://pay.example/a/014955fd5dc7d03bf41ff26138"])
def test_what_leads_to_none(code: str) -> None:
    with pytest.raises(Refusal, match="field_invalid"):
        scanning.checkout_of(code)


def test_what_is_no_trade_no() -> None:
    for number in ("", "1", number_of(KEY) + "1", "99999999" + "0" * 25, "20141028" + "9" * 25):
        with pytest.raises(Refusal, match="field_invalid"):
            scanning.trade_of(number)


def test_every_number_leads_back() -> None:
    for key in (bytes(16), KEY, bytes(6) + b"\xff" * 7 + bytes(3), b"\x03" + bytes(15)):
        assert thing_of(number_of(key)) == key


def owned(reader: Reader, number: str) -> int:
    """What the user of that number can spend, in fen."""
    alias = get(reader, ALIASES, user_key(number))
    assert alias is not None
    wallet = account_id(alias.object, Purpose.WALLET, "CNY")
    return next((balance.available for balance in balances_of(reader, alias.object) if balance.account == wallet), 0)


def test_the_commands(tmp_path: Path) -> None:
    with served(tmp_path / "data") as box:
        with closing(reading(load(data=box.data))) as reader:
            assert owned(reader, box.alipay["buyer_id"]) >= 50_000_00
            assert owned(reader, box.alipay["payee_id"]) > 0
            assert owned(reader, box.alipay["seller_id"]) >= 1_000_00
        key = Path(box.alipay["app_private_key"])
        assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600

        def said(*words: str) -> subprocess.CompletedProcess[str]:
            command: list[str | Path] = [HANDFAST, "sandbox", "buyer", *words, "--data", box.data]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        code = said("auth-code").stdout.strip()
        assert (len(code), code[:2]) == (18, "28")
        code = said("oauth-code", box.alipay["app_id"], "auth_user,auth_base").stdout.strip()
        assert (len(code), set(code) <= set("0123456789abcdef")) == (32, True)
        no = said("oauth-code", box.alipay["app_id"], "id_verify")
        assert (no.returncode, no.stderr) == (1, "field_invalid: scopes are of auth_base, auth_user (scope)\n")
        no = said("oauth-code", "2021", "auth_user")
        assert (no.returncode, no.stderr) == (1, "object_not_found: no such app (app_id)\n")
        no = said("pay-url", "https://openapi.alipay.com/gateway.do?method=alipay.trade.page.pay&charset=utf-8")
        assert (no.returncode, "isv.missing-app-id" in no.stderr) == (1, True)
        no = said("pay-qr", f"https://pay.example/checkout/{KEY[:13].hex()}")
        assert (no.returncode, no.stderr) == (1, "object_not_found: no such checkout (checkout)\n")
        merchant = json.loads((box.data / "sandbox.json").read_bytes())["merchant"]["id"]
        command = [HANDFAST, "alipay", "add-app", merchant, box.alipay["server_public_key"], "--data", box.data]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = json.loads(done.stdout)
        assert told["app_id"] != box.alipay["app_id"]
        assert {path.name for path in Path(told["cert_dir"]).iterdir()} == {
            "appCert.crt",
            "rootCert.crt",
            "serverCert.crt",
            "server_public_key.pem",
        }
