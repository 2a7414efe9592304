"""A refused signature is explained: the string to sign, and the mistake by name, whatever the mistake was."""

import json
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote_plus

import pytest
from tests.unit.gateways.alipay.orders import APP, ORDER, SERVER, STRANGER, right, sent, signed

from handfast.core import rsa
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.envelope import compact, refusal
from handfast.gateways.alipay.explain import MISTAKES, explain
from handfast.gateways.alipay.forms import Form
from handfast.gateways.alipay.signing import verify_request

PATHS = ORDER | {"biz_content": '{"url":"http://a/b","subject":"x"}'}
Params = Mapping[str, str]


def joined(params: Params, value: Callable[[str], str] = str) -> str:
    return "&".join(f"{name}={value(params[name])}" for name in sorted(params))


def body(params: Params, rewrite: Callable[[str], str]) -> str:
    return right({**params, "biz_content": rewrite(params["biz_content"])})


def without(params: Params, name: str) -> str:
    return right({key: value for key, value in params.items() if key != name})


def loaded(**style: object) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text), **style)  # type: ignore[arg-type]


WRONG: list[tuple[str, Params, Callable[[Params], str]]] = [
    ("none", ORDER, right),
    ("sign_type_left_out", ORDER, lambda params: without(params, "sign_type")),
    ("parameter_left_out", ORDER, lambda params: without(params, "notify_url")),
    ("parameter_left_out", ORDER, lambda params: without(params, "biz_content")),
    ("empty_signed", ORDER | {"return_url": ""}, joined),
    ("order_of_arrival", ORDER, lambda params: "&".join(f"{name}={value}" for name, value in params.items())),
    ("order_reversed", ORDER, lambda params: "&".join(f"{n}={params[n]}" for n in sorted(params, reverse=True))),
    (
        "order_ignores_case",
        ORDER | {"Zone": "8"},
        lambda params: "&".join(f"{n}={params[n]}" for n in sorted(params, key=str.lower)),
    ),
    ("values_url_encoded", ORDER, lambda params: joined(params, quote_plus)),
    ("values_html_escaped", ORDER, lambda params: joined(params, escape)),
    ("values_quoted", ORDER, lambda params: joined(params, lambda value: f'"{value}"')),
    ("body_slashes_escaped", PATHS, lambda params: body(params, lambda text: text.replace("/", "\\/"))),
    ("body_quotes_escaped", PATHS, lambda params: body(params, json.dumps)),
    ("body_rewritten", ORDER, lambda params: body(params, loaded())),
    ("body_rewritten", ORDER, lambda params: body(params, loaded(ensure_ascii=False, indent=2))),
    (
        "line_breaks_changed",
        ORDER | {"biz_content": '{\r\n "subject":"x"\r\n}'},
        lambda params: right(params).replace("\r\n", "\n"),
    ),
    ("text_trimmed", ORDER, lambda params: right(params) + "\n"),
    ("string_differs", ORDER, lambda params: right(params).replace("88.88", "0.01")),
]


@pytest.mark.parametrize(("mistake", "params", "build"), WRONG)
def test_the_string_was_built_wrongly(mistake: str, params: Params, build: Callable[[Params], str]) -> None:
    form = signed(params, build(params))
    assert verify_request(form.raw, APP.public, "RSA2") == (mistake == "none")
    found = explain(form, APP.public, "RSA2", SERVER.public)
    assert found.mistake == mistake
    assert found.expected == right(params)
    assert found.expected in found.sub_msg


@pytest.mark.parametrize("codec", ["gbk", "gb18030"])
def test_signed_in_another_charset(codec: str) -> None:
    found = explain(signed(ORDER, right(ORDER).encode(codec)), APP.public, "RSA2")
    assert (found.mistake, found.message) == (
        "charset_differs",
        "the string was signed in gbk, and charset says utf-8",
    )


def test_signed_in_utf_8_and_sent_in_gbk() -> None:
    params = ORDER | {"charset": "gbk"}
    found = explain(signed(params, right(params).encode()), APP.public, "RSA2")
    assert found.message == "the string was signed in utf-8, and charset says gbk"
    assert found.expected == right(params)


def test_two_mistakes_at_once() -> None:
    text = joined({name: value for name, value in ORDER.items() if name != "sign_type"}, quote_plus)
    found = explain(signed(ORDER, text), APP.public, "RSA2")
    assert found.mistake == "values_url_encoded"
    assert MISTAKES["sign_type_left_out"] in found.message


def test_signed_with_the_other_hash() -> None:
    found = explain(signed(ORDER, right(ORDER), algorithm=rsa.SHA1), APP.public, "RSA2")
    assert (found.mistake, found.message) == (
        "sign_type_differs",
        "sign_type says RSA2, and this was signed with RSA",
    )
    params = ORDER | {"sign_type": "RSA"}
    found = explain(signed(params, without(params, "sign_type")), APP.public, "RSA")
    assert found.mistake == "sign_type_differs"
    assert MISTAKES["sign_type_left_out"] in found.message


def test_signed_with_another_key() -> None:
    form = signed(ORDER, right(ORDER), STRANGER)
    assert explain(form, APP.public, "RSA2").mistake == "key_unknown"
    found = explain(form, APP.public, "RSA2", others={"your app 2022": STRANGER.public})
    assert (found.mistake, found.message) == (
        "key_of_another",
        "this was signed with the private key of your app 2022",
    )


def test_the_servers_key_was_registered_for_the_app() -> None:
    found = explain(signed(ORDER, right(ORDER)), SERVER.public, "RSA2", SERVER.public)
    assert found.mistake == "key_is_servers"


def test_the_signature_was_written_wrongly() -> None:
    sign = plus_and_slash()
    for mistake, written in (
        ("signature_plus_lost", sign.replace("+", " ")),
        ("signature_encoded_twice", quote_plus(sign)),
        ("signature_url_safe", sign.replace("+", "-").replace("/", "_")),
        ("signature_malformed", sign[:-20]),
        ("signature_malformed", "x"),
        ("signature_malformed", ""),
    ):
        assert explain(sent(ORDER, written), APP.public, "RSA2").mistake == mistake


def plus_and_slash() -> str:
    """A right signature that has both letters that get lost."""
    for n in range(100):
        sign = rsa.sign(APP.private, right({**ORDER, "n": str(n)}).encode())
        if "+" in sign and "/" in sign:
            return sign
    raise AssertionError


def test_every_mistake_is_shown_here() -> None:
    others = {
        "charset_differs",
        "key_is_servers",
        "key_of_another",
        "key_unknown",
        "sign_type_differs",
        "signature_encoded_twice",
        "signature_malformed",
        "signature_plus_lost",
        "signature_url_safe",
    }
    assert {mistake for mistake, _, _ in WRONG} | others == MISTAKES.keys()


def test_a_long_string_is_cut_in_the_answer_and_tried_only_as_it_is() -> None:
    params = ORDER | {"biz_content": json.dumps({"subject": "长" * 70_000}, ensure_ascii=False)}
    found = explain(signed(params, without(params, "sign_type")), APP.public, "RSA2")
    assert found.mistake == "string_differs"
    assert len(found.sub_msg) < 9_000
    said: Mapping[str, object] = json.loads(compact(refusal(Refused("isv.invalid-signature", found.sub_msg))))
    assert said["sub_msg"] == found.sub_msg


def test_without_anything_signed() -> None:
    form = Form({b"charset": b"utf-8"}, {"charset": "utf-8"}, "utf-8")
    assert explain(form, APP.public, "RSA2").expected == "charset=utf-8"
