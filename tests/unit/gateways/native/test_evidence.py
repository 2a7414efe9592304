"""Evidence over the API: what is no evidence is refused, what is one is kept sealed and only ever saved, not shown."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

from handfast.core.errors import Unavailable
from handfast.domain.disputes import MOST_BYTES
from handfast.gateways.native.evidence import LONGEST
from handfast.gateways.native.gateway import longest_body

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
PAGE = b"<!doctype html><script>alert(document.domain)</script>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def dispute(street: Street) -> str:
    """The path of a dispute about a trade that was shipped."""
    trade = street.sell()
    street.api.post("shop", f"/v1/trades/{trade}/ship")
    opened = street.api.post("fang", "/v1/disputes", {"trade": trade})
    return f"/v1/disputes/{opened['id']}"


def file(content: bytes = PNG, media_type: str = "image/png", **more: Any) -> dict[str, Any]:
    shown = {"kind": "file", "name": "lamp.png", "media_type": media_type, "file": b64encode(content).decode()}
    return shown | more


def kept(street: Street) -> list[Path]:
    folder = street.api.services.settings.evidence_folder
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"kind": "rumour", "text": "t"}, 400, "field_invalid", "kind"),
        ({"kind": "message"}, 400, "field_missing", "text"),
        ({"kind": "message", "text": ""}, 400, "field_missing", "text"),
        ({"kind": "message", "text": "a\u0000"}, 400, "text_invalid", "text"),
        ({"kind": "message", "text": "\u009b2J"}, 400, "text_invalid", "text"),
        ({"kind": "message", "text": "x" * 2_001}, 400, "text_invalid", "text"),
        ({"kind": "message", "text": "t", "name": "n"}, 400, "field_invalid", "name"),
        ({"kind": "tracking", "text": "SF1", "file": "AAAA"}, 400, "field_invalid", "file"),
        ({"kind": "message", "text": "t", "confidential": "yes"}, 400, "field_invalid", "confidential"),
        ({"kind": "message", "text": "t", "side": "operator"}, 400, "field_unknown", "side"),
        (file(text="t"), 400, "field_invalid", "text"),
        (file(name=""), 400, "field_missing", "name"),
        (file(name="a\nb.png"), 400, "text_invalid", "name"),
        (file(media_type=""), 400, "field_missing", "media_type"),
        (file(b""), 400, "field_missing", "file"),
        (file(file="AAA"), 400, "evidence_invalid", "file"),
        (file(file="AA AA"), 400, "evidence_invalid", "file"),
        (file(file="AAAA\n"), 400, "evidence_invalid", "file"),
        (file(file="é==="), 400, "evidence_invalid", "file"),
        (file(file="_-8="), 400, "evidence_invalid", "file"),
        (file(b"\xff\xd8\xff\xe0"), 400, "evidence_invalid", "media_type"),
        (file(b"GIF89a\0"), 400, "evidence_invalid", "file"),
        (file(b"PK\x03\x04", "application/pdf"), 400, "evidence_invalid", "file"),
        (file(b"%PDF-1.7", "image/png"), 400, "evidence_invalid", "media_type"),
        (file(PAGE, "text/html"), 400, "evidence_invalid", "media_type"),
        (file(DRAWING, "image/svg+xml"), 400, "evidence_invalid", "media_type"),
        (file(b"\x1b[2J", "text/plain"), 400, "evidence_invalid", "file"),
        (file(PNG.ljust(MOST_BYTES + 1, b"\0")), 413, "evidence_too_large", "file"),
        (file(file="A" * 6_990_512), 400, "text_invalid", "file"),
    ],
)
def test_what_is_no_evidence_is_refused(
    street: Street, dispute: str, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    before = street.count("events")
    assert error(street.api.try_post("fang", f"{dispute}/evidence", body)) == (status, code, param)
    assert (street.count("evidence"), street.count("events"), kept(street)) == (0, before, [])


def test_a_lone_surrogate_is_no_text(street: Street, dispute: str) -> None:
    answer = street.api.post_raw("fang", f"{dispute}/evidence", b'{"kind":"message","text":"\\udc80"}')
    assert error(answer) == (400, "body_malformed", None)


def test_a_file_is_kept_sealed_and_saved_by_whoever_may_read_it(street: Street, dispute: str) -> None:
    api = street.api
    shown = api.post("fang", f"{dispute}/evidence", file(name='half "empty" 半.png'))
    assert (shown["media_type"], shown["size"], shown["text"]) == ("image/png", len(PNG), 'half "empty" 半.png')
    (stored,) = kept(street)
    assert stored.name == shown["digest"]
    assert b"PNG" not in stored.read_bytes()
    for who in ("fang", "shop", "market", "house"):
        assert api.get(who, f"/v1/evidence/{shown['id']}") == shown
        answer = api.send("GET", f"/v1/evidence/{shown['id']}/content", who)
        assert (answer.status_code, answer.content) == (200, PNG)
        assert {name: answer.headers[name] for name in answer.headers if name != "request-id"} == {
            "content-type": "image/png",
            "cache-control": "no-store",
            "content-length": str(len(PNG)),
            "content-disposition": "attachment; filename*=UTF-8''half%20%22empty%22%20%E5%8D%8A.png",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "same-origin",
        }
    for who in ("ming", "other"):
        for path in (f"/v1/evidence/{shown['id']}", f"/v1/evidence/{shown['id']}/content"):
            assert error(api.send("GET", path, who)) == (404, "object_not_found", "evidence")
        assert error(api.send("GET", f"{dispute}/evidence", who)) == (404, "object_not_found", "dispute")


def test_a_page_is_taken_as_text_at_most(street: Street, dispute: str) -> None:
    shown = street.api.post("shop", f"{dispute}/evidence", file(PAGE, "text/plain", name="page.txt"))
    answer = street.api.send("GET", f"/v1/evidence/{shown['id']}/content", "fang")
    assert answer.content == PAGE
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_what_is_confidential_the_other_side_knows_of_and_no_more(street: Street, dispute: str) -> None:
    api = street.api
    shown = api.post("fang", f"{dispute}/evidence", file(confidential=True))
    seen = api.get("shop", f"/v1/evidence/{shown['id']}")
    for who in ("shop", "market"):
        assert api.get(who, f"/v1/evidence/{shown['id']}") == seen
        assert (seen["side"], seen["kind"], seen["confidential"], seen["readable"]) == ("buyer", "file", True, False)
        assert [seen[name] for name in ("text", "media_type", "size", "digest")] == [None] * 4
        assert api.get(who, f"{dispute}/evidence")["data"] == [seen]
        answer = api.send("GET", f"/v1/evidence/{shown['id']}/content", who)
        assert error(answer) == (404, "object_not_found", "evidence")
    (told,) = api.get("shop", "/v1/events", type="evidence.added")["data"]
    assert told["data"]["object"] == {**seen, "text": None}
    assert api.get("house", f"{dispute}/evidence")["data"] == [shown]
    mine = api.post("market", f"{dispute}/evidence", {"kind": "message", "text": "Between us.", "confidential": True})
    assert api.get("shop", f"/v1/evidence/{mine['id']}")["text"] == "Between us."
    assert api.get("fang", f"/v1/evidence/{mine['id']}")["text"] is None


def test_a_message_has_no_content_to_save(street: Street, dispute: str) -> None:
    shown = street.api.post("fang", f"{dispute}/evidence", {"kind": "message", "text": "t"})
    answer = street.api.send("GET", f"/v1/evidence/{shown['id']}/content", "fang")
    assert error(answer) == (404, "object_not_found", "evidence")


def test_the_same_key_again_shows_nothing_twice(street: Street, dispute: str) -> None:
    api = street.api
    first = api.post("fang", f"{dispute}/evidence", file(), "photo")
    assert api.post("fang", f"{dispute}/evidence", file(), "photo") == first
    assert (street.count("evidence"), [path.name for path in kept(street)]) == (1, [first["digest"]])
    other = file(PNG + b"\0")
    assert error(api.try_post("fang", f"{dispute}/evidence", other, "photo")) == (409, "idempotency_key_reused", None)
    assert len(kept(street)) == 1


def test_what_the_verb_refuses_leaves_no_file(street: Street, dispute: str) -> None:
    street.api.post("fang", f"{dispute}/rest")
    assert error(street.api.try_post("fang", f"{dispute}/evidence", file())) == (409, "state_conflict", "state")
    assert kept(street) == []


def test_where_the_outcome_is_unknown_the_file_stays(
    street: Street, dispute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_request: Any) -> Any:
        raise Unavailable("desk_unreachable", "away")

    monkeypatch.setattr(street.api.hand, "call", away)
    assert error(street.api.try_post("fang", f"{dispute}/evidence", file()))[:2] == (503, "desk_unreachable")
    assert len(kept(street)) == 1


def test_an_erased_partys_file_cannot_be_opened_any_more(street: Street, dispute: str) -> None:
    api = street.api
    shown = api.post("fang", f"{dispute}/evidence", file())
    api.post("house", f"/v1/parties/{street.id('fang')}/erase")
    assert api.get("house", f"/v1/evidence/{shown['id']}")["text"] is None
    answer = api.send("GET", f"/v1/evidence/{shown['id']}/content", "house")
    assert error(answer) == (404, "object_not_found", "evidence")


def test_a_file_that_was_changed_is_not_shown(street: Street, dispute: str) -> None:
    shown = street.api.post("fang", f"{dispute}/evidence", file())
    kept(street)[0].write_bytes(b"other")
    answer = street.api.send("GET", f"/v1/evidence/{shown['id']}/content", "house")
    assert error(answer) == (400, "evidence_invalid", "digest")


def test_five_mebibytes_come_through_this_route_alone(street: Street, dispute: str) -> None:
    api = street.api
    content = PNG.ljust(MOST_BYTES, b"\0")
    shown = api.post("fang", f"{dispute}/evidence", file(content))
    assert api.send("GET", f"/v1/evidence/{shown['id']}/content", "fang").content == content
    assert longest_body(f"{dispute}/evidence") == LONGEST == 15 * 1024 * 1024 // 2
    too_long = api.post_raw("fang", f"{dispute}/evidence", b" " * (LONGEST + 1))
    assert error(too_long) == (413, "body_too_large", None)
    for path in (f"{dispute}/rest", "/v1/payments", "/v1/disputes"):
        assert longest_body(path) == 1024 * 1024
        assert error(api.post_raw("fang", path, b" " * (1024 * 1024 + 1)))[:2] in {
            (413, "body_too_large"),
            (403, "scope_missing"),
        }
