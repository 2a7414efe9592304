"""What `check_key` says about a pasted key is what each SDK does with it, and so is what the lists pin."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.sdk.driver import Driver, SdkError
from tests.sdk.environments import HERE, PYTHON_SDKS
from tests.sdk.pair import Pair

from handfast.core import rsa
from handfast.gateways.alipay.keys import TASTES, check_key

FLAWS: Mapping[str, Callable[[str], str]] = {
    "exact": str.strip,
    "line break after": lambda text: text.strip() + "\n",
    "blanks after": lambda text: text.strip() + "  ",
    "line break before": lambda text: "\n" + text.strip(),
    "CR LF": lambda text: text.strip().replace("\n", "\r\n") + "\r\n",
    "one line": lambda text: text.replace("\n", ""),
    "escaped": lambda text: text.replace("\n", "\\n"),
}
PRIVATE = [("PKCS#1", True), ("PKCS#1", False), ("PKCS#8", True), ("PKCS#8", False)]
PUBLIC = [("SPKI", True), ("SPKI", False), ("PKCS#1", True), ("PKCS#1", False)]
PINNED = re.compile(r"[a-z0-9.-]+==[0-9][^\s;]*( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@pytest.fixture(scope="module")
def drivers(official: Driver, community: Driver, antom: Driver, npm: Driver) -> dict[str, Driver]:
    return dict(zip(TASTES, (official, community, antom, npm), strict=True))


def signs(sdk: str, driver: Driver, app: Pair, text: str) -> bool:
    """Whether the SDK signs with that private key."""
    plans: dict[str, dict[str, Any]] = {
        "alipay-sdk-python": {"private_key": text, "text": "x"},
        "python-alipay-sdk": {"private_key": text, "text": "x", "public_key": app.public_pem},
        "global-open-sdk-python": {"private_key": text, "text": "x"},
        "alipay-sdk (npm)": {"config": {"appId": "1", "privateKey": text}, "method": "a.b", "params": {}},
    }
    try:
        return bool(driver.do("string" if "npm" in sdk else "sign", **plans[sdk]))
    except SdkError:
        return False


def verifies(sdk: str, driver: Driver, app: Pair, text: str) -> bool:
    """Whether the SDK verifies with that public key."""
    signed = {"public_key": text, "text": "x", "signature": rsa.sign(app.private, b"x")}
    ours = {"public_key": text, "text": "x", "signature": rsa.sign(app.private, b"POST /\n1.1.x").replace("+", "%2B")}
    notice = {"a": "b", "sign": rsa.sign(app.private, b"a=b"), "sign_type": "RSA2"}
    plans: dict[str, dict[str, Any]] = {
        "alipay-sdk-python": signed,
        "python-alipay-sdk": {**signed, "private_key": app.pem},
        "global-open-sdk-python": ours,
        "alipay-sdk (npm)": {
            "config": {"appId": "1", "privateKey": app.pem, "alipayPublicKey": text},
            "params": notice,
            "raw": True,
        },
    }
    try:
        return bool(driver.do("notice" if "npm" in sdk else "verify", **plans[sdk]))
    except SdkError:
        return False


@pytest.mark.parametrize("flaw", FLAWS)
def test_private_keys(drivers: dict[str, Driver], app: Pair, flaw: str) -> None:
    for form, pem in PRIVATE:
        text = FLAWS[flaw](app.private_text(form, pem=pem))
        report = check_key(text, app.public)
        assert (report.kind, report.form, report.bits, report.whose) == ("private key", form, 2048, "app")
        said = {sdk: not why for sdk, why in report.taken_by.items()}
        done = {sdk: signs(sdk, driver, app, text) for sdk, driver in drivers.items()}
        assert said == done, (form, pem)


@pytest.mark.parametrize("flaw", FLAWS)
def test_public_keys(drivers: dict[str, Driver], app: Pair, server: Pair, flaw: str) -> None:
    for form, pem in PUBLIC:
        text = FLAWS[flaw](app.public_text(form, pem=pem))
        report = check_key(text, server.public, app.public)
        assert (report.kind, report.form, report.whose) == ("public key", form, "server")
        said = {sdk: not why for sdk, why in report.taken_by.items()}
        done = {sdk: verifies(sdk, driver, app, text) for sdk, driver in drivers.items()}
        assert said == done, (form, pem)


def test_pkcs_1_as_pem_is_what_all_take(app: Pair) -> None:
    assert set(check_key(app.pem, app.public).taken_by.values()) == {""}
    assert set(check_key(app.public_pem, app.public).taken_by.values()) == {""}


def test_the_lists_pin_and_hash_everything_and_name_no_address() -> None:
    lists = {path.stem: path.read_text() for path in HERE.glob("*.txt")}
    assert set(lists) == set(PYTHON_SDKS)
    assert {name: PINNED.sub("", text) for name, text in lists.items()} == dict.fromkeys(PYTHON_SDKS, "")
    lock = (HERE / "npm" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
