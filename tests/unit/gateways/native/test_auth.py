"""API keys: how they are presented, how long they are trusted, and what they open."""

from base64 import b64encode

import pytest
from tests.unit.gateways.native.street import Street, error

from handfast.domain.parties import HOUSE, MoveParty


def test_a_key_comes_as_bearer_or_as_basic_user(street: Street) -> None:
    key = street.keys["shop"]
    basic = b64encode(f"{key}:".encode()).decode()
    for header in (f"Bearer {key}", f"bearer  {key} ", f"Basic {basic}", f"basic {basic}"):
        assert street.api.send("GET", "/v1/balances", headers={"authorization": header}).status_code == 200


def test_what_is_no_key_opens_nothing(street: Street) -> None:
    key, other = street.keys["shop"], street.keys["other"]
    client = key.split("_")[1]
    secret = key.split("_", 2)[2]
    for header in (
        "Bearer",
        "Bearer x",
        f"Bearer {key}x",
        f"Bearer {key[:-1]}",
        f"Bearer {key.upper()}",
        f"Bearer hf_{client}_{other.split('_', 2)[2]}",
        f"Bearer hf_{'0' * 26}_{secret}",
        f"Bearer hf_{client}_{'é' * 40}",
        f"Digest {key}",
        key,
        "Basic x",
        "Basic " + b64encode(b"x").decode(),
        "Basic " + b64encode(b"\xff:").decode(),
    ):
        answer = street.api.send_with("GET", "/v1/balances", [(b"authorization", header.encode())])
        assert error(answer) == (401, "key_invalid", None), header


def test_two_keys_in_one_request_are_refused(street: Street) -> None:
    headers = [(b"authorization", f"Bearer {street.keys[who]}".encode()) for who in ("shop", "other")]
    answer = street.api.send_with("GET", "/v1/balances", headers)
    assert error(answer) == (400, "field_invalid", "Authorization")


def test_a_revoked_key_opens_nothing_within_a_second(street: Street) -> None:
    api, key = street.api, street.keys["shop"]
    api.get("shop", "/v1/balances")
    ended = api.post("house", f"/v1/api_keys/key_{key.split('_')[1]}/revoke")
    assert (ended["state"], ended["secret"]) == ("revoked", None)
    street.later(1)
    assert error(api.send("GET", "/v1/balances", "shop")) == (401, "key_invalid", None)


def test_an_erased_party_keeps_no_key(street: Street) -> None:
    api = street.api
    erased = api.post("house", f"/v1/parties/{street.id('shop')}/erase")
    assert (erased["state"], erased["details"]) == ("erased", None)
    assert api.get("house", f"/v1/parties/{street.id('shop')}")["details"] is None
    assert error(api.send("GET", "/v1/balances", "shop")) == (401, "key_invalid", None)


def test_a_suspended_party_sees_but_does_nothing(street: Street) -> None:
    api = street.api
    assert api.post("house", f"/v1/parties/{street.id('shop')}/suspend")["state"] == "suspended"
    assert api.get("shop", "/v1/balances")["object"] == "balances"
    refused = api.try_post("shop", "/v1/payments", {"currency": "USD", "amount": 1})
    assert error(refused) == (403, "party_suspended", "merchant")
    assert api.post("house", f"/v1/parties/{street.id('shop')}/resume")["state"] == "active"
    assert api.post("shop", "/v1/payments", {"currency": "USD", "amount": 1})["state"] == "open"


def test_a_key_of_the_house_that_does_not_operate_only_reads(street: Street) -> None:
    api, key = street.api, street.key(HOUSE, "read payments transfers payouts webhooks")
    payment = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 1})
    assert api.get(key, "/v1/balances")["object"] == "balances"
    assert error(api.send("GET", f"/v1/payments/{payment['id']}", key))[0] == 404
    assert error(api.try_post(key, f"/v1/payments/{payment['id']}/cancel")) == (403, "scope_missing", None)
    assert error(api.send("GET", "/v1/journal", key)) == (403, "scope_missing", None)


def test_the_house_acts_on_everybodys_objects(street: Street) -> None:
    api = street.api
    payment = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 1})
    assert api.post("house", f"/v1/payments/{payment['id']}/cancel")["state"] == "cancelled"


def test_parties_are_taken_in_with_sealed_details(street: Street) -> None:
    api = street.api
    iban = "DE89 3704 0044 0532 0130 00"
    new = {"kind": "merchant", "country": "DE", "name": "Bäckerei", "email": "b@example.com", "iban": iban}
    made = api.post("house", "/v1/parties", new, "k")
    assert made["details"]["iban"] == "DE89370400440532013000"
    assert api.post("house", "/v1/parties", new, "k") == made
    key = street.key(bytes.fromhex(made["id"][4:]).ljust(16, b"\0"), "read")
    assert api.get(key, f"/v1/parties/{made['id']}") == made
    everything = [row for table in ("parties", "events", "operations") for row in street.rows(table)]
    assert "Bäckerei".encode() not in b"".join(value for row in everything for value in row if isinstance(value, bytes))
    assert {party["details"] for party in api.get("house", "/v1/parties")["data"]} == {None}


@pytest.mark.parametrize(
    ("details", "code", "param"),
    [
        ({"iban": "DE89370400440532013001"}, "iban_invalid", "iban"),
        ({"routing": "123456789", "account": "1"}, "field_invalid", "routing"),
        ({"routing": "021000021", "account": "!"}, "field_invalid", "account"),
        ({"routing": "021000021"}, "field_invalid", "account"),
        ({"routing": "021000021", "account": "1", "iban": "DE89370400440532013000"}, "field_invalid", "iban"),
        ({"country": "Germany"}, "field_invalid", "country"),
        ({"kind": "operator"}, "field_invalid", "kind"),
        ({"commission_bps": 10_001}, "field_invalid", "commission_bps"),
    ],
)
def test_details_are_checked(street: Street, details: dict[str, object], code: str, param: str) -> None:
    new = {"kind": "merchant", "country": "DE", "name": "x", **details}
    assert error(street.api.try_post("house", "/v1/parties", new)) == (400, code, param)


@pytest.mark.parametrize("step", ["suspend", "erase"])
def test_the_house_stays(street: Street, step: str) -> None:
    assert street.do_refused(MoveParty(HOUSE, step)) == "state_conflict"
