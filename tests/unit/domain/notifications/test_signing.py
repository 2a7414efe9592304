"""Signatures are those of Standard Webhooks, as its own library verifies them."""

from base64 import b64decode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handfast.core.clocks import DAY, wall_clock
from handfast.core.ids import event_id, seeded_ids
from handfast.domain.notifications import Endpoint, new_secret, open_secrets, signed_headers
from handfast.domain.parties import Vault

NOW = wall_clock()
PARTY, OBJECT = (seeded_ids(1)(NOW) for _ in range(2))
EVENT = event_id(OBJECT, 3)
BODY = '{"text":"手付"}'.encode()
VAULT = Vault(bytes(range(32)))


def endpoint(key: bytes, secret: str, former: str = "", former_until: int = 0) -> Endpoint:
    sealed = VAULT.seal(key, PARTY, secret)
    sealed_former = VAULT.seal(key, PARTY, former) if former else b""
    url = "https://example.com/"
    return Endpoint(OBJECT, PARTY, "native", url, "*", sealed, sealed_former, former_until, "active", 1, NOW)


def test_a_secret_is_256_random_bits() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}


def test_the_receivers_library_verifies() -> None:
    secret, now = new_secret(), wall_clock()  # the library compares with the machine's clock
    headers = signed_headers([secret], EVENT, now, BODY)
    assert headers["webhook-id"] == f"evt_{EVENT.hex()}"
    assert headers["webhook-timestamp"] == str(now // 1_000_000)
    assert Webhook(secret).verify(BODY, headers) == {"text": "手付"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers | {"webhook-id": f"evt_{event_id(OBJECT, 4).hex()}"})
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


def test_for_a_day_after_a_rotation_either_secret_verifies() -> None:
    key = VAULT.new_key(PARTY)
    new, former, now = new_secret(), new_secret(), wall_clock()
    rotated = endpoint(key, new, former, now + DAY)
    headers = signed_headers(open_secrets(VAULT, key, rotated, now), EVENT, now, BODY)
    assert Webhook(new).verify(BODY, headers) == Webhook(former).verify(BODY, headers)
    assert open_secrets(VAULT, key, rotated, now + DAY) == [new]


def test_an_erased_partys_secrets_are_gone() -> None:
    key = VAULT.new_key(PARTY)
    assert open_secrets(VAULT, b"", endpoint(key, new_secret()), NOW) == []
