"""Where a webhook may go, and the many ways in which a URL may try to go elsewhere."""

import pytest

from handfast.core.errors import Invalid
from handfast.domain.notifications import Target, is_public, parse_url

HOSTILE = [
    "",
    "https://",
    "https:///hook",
    "https:/example.com/",
    "https:example.com",
    "//example.com/",
    "example.com/hook",
    "http://example.com/",
    "HTTPS://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:70/_x",
    "javascript:alert(1)",
    "https://user@example.com/",
    "https://user:word@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com\\.internal/",
    "https://example.com#@127.0.0.1/",
    "https://example.com/#fragment",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1.:8080/",
    "https://%31%32%37.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://localhost/",
    "https://localhost./",
    "https://intranet/",
    "https://exämple.com/",
    "https://example.com\u202e/",
    "https://ex_ample.com/",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    f"https://{'a' * 64}.com/",
    f"https://{'a.' * 126}com/",
    f"https://example.com/{'a' * 2000}",
    "https://[::1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://[::1/",
    "https://[example.com]/",
    "https://10.0.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://example.com:0/",
    "https://example.com:/",
    "https://example.com:65536/",
    "https://example.com:-1/",
    "https://example.com:443:80/",
    "https://example.com/%zz",
    "https://example.com/\r\nhost: localhost",
    "https://example.com/ HTTP/1.1",
    "https://exa\nmple.com/",
    "https://example.com\t/",
    "https://example.com/\x00",
    " https://example.com/",
    "https://example.com/\n",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_url(url)
    assert caught.value.code == "url_invalid"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("https", "example.com", 443, "/", literal=False)),
        (
            "https://Example.COM:8443/a/b?c=d&e=%2F",
            Target("https", "example.com", 8443, "/a/b?c=d&e=%2F", literal=False),
        ),
        ("https://example.com?hook", Target("https", "example.com", 443, "/?hook", literal=False)),
        ("https://xn--exmple-cua.com/", Target("https", "xn--exmple-cua.com", 443, "/", literal=False)),
        ("https://93.184.215.14/", Target("https", "93.184.215.14", 443, "/", literal=True)),
        ("https://[2606:2800:021F::1]:444/", Target("https", "2606:2800:21f::1", 444, "/", literal=True)),
    ],
)
def test_a_plain_url_is_taken_apart(url: str, target: Target) -> None:
    assert parse_url(url) == target


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/hook", "http://127.0.0.1/", "https://[::1]:8443/", "http://intranet/"]
)
def test_a_setting_opens_the_private_network(url: str) -> None:
    assert parse_url(url, private=True).path in ("/", "/hook")


@pytest.mark.parametrize("url", ["http://user@localhost/", "http://2130706433/", "ftp://localhost/", "http://a/#b"])
def test_the_setting_opens_nothing_else(url: str) -> None:
    with pytest.raises(Invalid):
        parse_url(url, private=True)


def test_the_host_header_names_an_unusual_port_only() -> None:
    assert parse_url("https://example.com:443/").authority == "example.com"
    assert parse_url("https://example.com:444/").authority == "example.com:444"
    assert parse_url("https://[2606:2800:21f::1]/").authority == "[2606:2800:21f::1]"
    assert parse_url("http://localhost:80/", private=True).authority == "localhost"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("100.63.255.255", True),
        ("100.64.0.0", False),
        ("100.127.255.255", False),
        ("100.128.0.0", True),
        ("172.15.255.255", True),
        ("172.32.0.0", True),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("198.17.255.255", True),
        ("198.19.0.1", False),
        ("203.0.113.9", False),
        ("223.255.255.255", True),
        ("239.1.2.3", False),
        ("2606:4700::1", True),
        ("2001:db8::1", False),
        ("2001:200::1", True),
        ("3fff::1", False),
        ("64:ff9b::808:808", False),
        ("64:ff9b:1::1", False),
        ("100::1", False),
        ("::ffff:8.8.8.8", False),
        ("fe80::1%eth0", False),
        ("5f00::1", False),
    ],
)
def test_what_is_public(address: str, *, public: bool) -> None:
    assert is_public(address) is public
