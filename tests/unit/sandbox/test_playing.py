"""The sandbox by its commands, in processes of their own: made, served, played along with, and left alone again."""

import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

HANDFAST = Path(sys.executable).with_name("handfast")


def handfast(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HANDFAST, *words], capture_output=True, text=True, check=False)


def told(*words: str | Path) -> Any:
    done = handfast("sandbox", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    directory = tmp_path_factory.mktemp("sandbox") / "data"
    done = handfast("sandbox", "init", directory, "--port", str(port))
    assert (done.returncode, done.stderr) == (0, "")
    return directory


@pytest.fixture(scope="module")
def keys(data: Path) -> Any:
    return json.loads((data / "sandbox.json").read_bytes())


@pytest.fixture(scope="module")
def api(data: Path, keys: Any) -> Iterator[httpx.Client]:
    """The API of the running server, as the merchant."""
    with subprocess.Popen([HANDFAST, "serve", "--data", data], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == f"handfast is ready at {keys['base_url']}\n"
        headers = {"Authorization": f"Bearer {keys['merchant']['api_key']}"}
        with httpx.Client(base_url=keys["base_url"], headers=headers) as client:
            yield client
        server.terminate()


def do(api: httpx.Client, path: str, body: dict[str, Any], key: str, bearer: str = "") -> Any:
    headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    answer = api.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


def order(api: httpx.Client, keys: Any, key: str) -> Any:
    line = {"seller": keys["sellers"][0], "amount": 100_00, "title": "scarf", "delivery": "express"}
    return do(api, "/v1/payments", {"currency": "USD", "amount": 100_00, "lines": [line]}, key)


def test_the_keys_are_for_their_owner_alone(data: Path, keys: Any) -> None:
    assert stat.S_IMODE((data / "sandbox.json").stat().st_mode) == 0o600
    assert keys.keys() == {
        "base_url",
        "merchant",
        "other_merchant",
        "operator",
        "approver",
        "buyers",
        "sellers",
        "webhook",
        "webhook_secret",
        "custody_accounts",
        "pins",
        "alipay",
        "antom",
    }
    assert (len(keys["buyers"]), len(keys["sellers"])) == (5, 5)
    assert keys["custody_accounts"].keys() == {"CNY", "EUR", "GBP", "USD"}


def test_a_directory_with_anything_in_it_is_left_alone(data: Path) -> None:
    done = handfast("sandbox", "init", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"settings_invalid: {data} is not empty: begin with an empty directory (data)\n"


def test_a_database_in_use_is_refused_and_leaves_the_directory_empty(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes((data / "handfast.db").read_bytes())
    done = handfast("sandbox", "init", tmp_path / "other", "--database", f"sqlite:///{copy}")
    assert done.returncode == 1
    assert done.stderr.startswith("object_exists: ")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_directory_without_a_sandbox_is_not_played_in(tmp_path: Path) -> None:
    done = handfast("sandbox", "clock", "--data", tmp_path / "nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("settings_invalid: ")
    assert not (tmp_path / "nothing").exists()


def test_without_a_server_a_command_is_its_own_desk(data: Path) -> None:
    assert told("buyer", "topup", "12.50", "USD", "--data", data)["matched"] == {"topup": 1}
    assert told("clock", "--data", data)["time_outs_fired"] == 0


def test_a_buyer_pays_abroad_and_confirms(data: Path, keys: Any, api: httpx.Client) -> None:
    asked = order(api, keys, "abroad")
    paid = told("buyer", "pay", asked["id"], "--currency", "CNY", "--buyer", keys["buyers"][1], "--data", data)
    assert (paid["state"], paid["payer"], paid["pay_amount"]) == ("captured", keys["buyers"][1], 611_36)
    trade = paid["lines"][0]["trade"]
    assert do(api, f"/v1/trades/{trade}/ship", {"tracking": "US1"}, "ship")["state"] == "shipped"
    released = told("buyer", "confirm", trade, "--data", data)
    assert (released["state"], released["released"]) == ("released", 100_00)


def test_the_clock_moves_through_what_is_due(data: Path, keys: Any, api: httpx.Client) -> None:
    asked = order(api, keys, "silence")
    told("buyer", "pay", asked["id"], "--data", data)
    before = told("clock", "--data", data)["market_time"]
    moved = told("clock", "--advance", "6d", "--data", data)
    assert moved["market_time"] >= before + 6 * 86_400
    assert moved["time_outs_fired"] == 1
    assert api.get(f"/v1/payments/{asked['id']}").json()["refunded"] == 100_00


def test_a_buyer_claims_and_settles(data: Path, keys: Any, api: httpx.Client) -> None:
    """Of two scarves that came, the money for one is offered and taken, and the other goes back."""
    asked = order(api, keys, "claims")
    trade = told("buyer", "pay", asked["id"], "--data", data)["lines"][0]["trade"]
    do(api, f"/v1/trades/{trade}/ship", {}, "claims-ship")
    claim = told("buyer", "claim", trade, "--amount", "40.00", "--words", "It is torn.", "--data", data)
    assert (claim["state"], claim["amount"], claim["words"]) == ("asked", 40_00, None)
    assert api.get(f"/v1/claims/{claim['id']}").json()["words"] == "It is torn."
    do(api, f"/v1/claims/{claim['id']}/offer", {"amount": 15_00}, "claims-offer")
    assert told("buyer", "accept", claim["id"], "--data", data)["state"] == "refunded"
    claim = told("buyer", "claim", trade, "--data", data)
    assert told("buyer", "withdraw", claim["id"], "--data", data)["state"] == "withdrawn"
    claim = told("buyer", "claim", trade, "--reason", "no_reason", "--goods", "return", "--data", data)
    do(api, f"/v1/claims/{claim['id']}/agree", {}, "claims-agree")
    sent = told("buyer", "send-back", claim["id"], "SF2", "--data", data)
    assert (sent["state"], sent["tracking"]) == ("sent_back", "SF2")
    dispute = told("buyer", "dispute", trade, "--data", data)
    assert (dispute["state"], dispute["asked"]) == ("open", 85_00)


def test_a_consent_lets_a_stranger_charge(data: Path, keys: Any, api: httpx.Client) -> None:
    stranger = keys["other_merchant"]
    body = {"currency": "USD", "amount": 50_00, "payer": keys["buyers"][4]}
    headers = {"Authorization": f"Bearer {stranger['api_key']}", "Idempotency-Key": "early"}
    refused = api.post("/v1/payments", json=body, headers=headers)
    assert refused.json()["error"]["code"] == "consent_missing"
    words = ("--currency", "USD", "--ceiling", "60.00", "--buyer", keys["buyers"][4], "--data", data)
    assert told("buyer", "consent", stranger["id"], *words)["ceiling"] == 60_00
    assert do(api, "/v1/payments", body, "now", stranger["api_key"])["state"] == "captured"


def test_the_bank_executes_a_payout_file(data: Path, keys: Any, api: httpx.Client, tmp_path: Path) -> None:
    operator = keys["operator"]["api_key"]
    body = {"currency": "USD", "amount": 40_00, "payer": keys["buyers"][0]}
    do(api, "/v1/payments", body, "earn")
    payout = do(api, "/v1/payouts", {"currency": "USD", "amount": 40_00}, "payout")
    written = do(api, "/v1/payout_files", {"currency": "USD"}, "file", operator)
    assert (written["count"], written["state"]) == (1, "prepared")
    do(api, f"/v1/payout_files/{written['file']}/approve", {}, "approve", keys["approver"]["api_key"])
    content = api.get(f"/v1/payout_files/{written['file']}/content", headers={"Authorization": f"Bearer {operator}"})
    (tmp_path / "payouts.xml").write_bytes(content.content)
    (read,) = told("bank", "execute", tmp_path / "payouts.xml", "--data", data)
    assert read["matched"] == {"payout": 1}
    assert api.get(f"/v1/payouts/{payout['id']}").json()["state"] == "paid"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("buyer", "topup", "1e3", "USD"), "amount_invalid"),
        (("buyer", "topup", "10.00", "XXX"), "currency_unknown"),
        (("buyer", "topup", "10", "JPY"), "currency_unknown"),
        (("buyer", "pay", "pay_00"), "object_not_found"),
        (("buyer", "confirm", "trd_"), "object_not_found"),
        (("buyer", "claim", "trd_00"), "object_not_found"),
        (("buyer", "withdraw", "clm_00"), "object_not_found"),
        (("buyer", "send-back", "clm_00", "SF2"), "object_not_found"),
        (("buyer", "dispute", "trd_00"), "object_not_found"),
        (("clock", "--advance", "soon"), "field_invalid"),
        (("clock", "--advance", "-3d"), "field_invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(data: Path, words: tuple[str, ...], code: str) -> None:
    done = handfast("sandbox", *words, "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{code}: ")
