"""Certificate mode: certificates that Handfast issues, in the two SDKs that know the mode."""

import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct
from tests.sdk.driver import Driver, SdkError
from tests.sdk.pair import Pair

from handfast.core import rsa
from handfast.core.clocks import DAY
from handfast.core.errors import Invalid
from handfast.gateways.alipay import certificates, forms
from handfast.gateways.alipay.envelope import answer, success
from handfast.gateways.alipay.signing import verify_request

NOW = time.time_ns() // 1000
TRANSFER = "alipay.fund.trans.uni.transfer"


class Certified(Struct):
    """What `sandbox init` will write down: certificates of root, server and app, and a bundle of two roots."""

    root: x509.Certificate
    other_root: x509.Certificate
    server: x509.Certificate
    app: x509.Certificate

    @property
    def bundle(self) -> str:
        return certificates.pem(self.root, curve_root(), self.other_root)

    @property
    def names(self) -> tuple[str, str, str]:
        roots = certificates.root_sn([self.root, curve_root(), self.other_root])
        return certificates.sn(self.app), certificates.sn(self.server), roots

    def community(self, app: Pair) -> dict[str, str]:
        return {
            "appid": "2021",
            "app_private_key_string": app.pem,
            "app_public_key_cert_string": certificates.pem(self.app),
            "alipay_public_key_cert_string": certificates.pem(self.server),
            "alipay_root_cert_string": self.bundle,
        }

    def npm(self, app: Pair) -> dict[str, str]:
        return {
            "appId": "2021",
            "privateKey": app.pem,
            "appCertContent": certificates.pem(self.app),
            "alipayPublicCertContent": certificates.pem(self.server),
            "alipayRootCertContent": self.bundle,
        }


@pytest.fixture(scope="module")
def certified(app: Pair, server: Pair) -> Certified:
    root, other = Pair(), Pair()
    ours = certificates.issue_root(root.private, "Handfast Sandbox Root", 1, NOW)
    return Certified(
        ours,
        certificates.issue_root(other.private, "Handfast Older Root", 2**158 + 3, NOW),
        certificates.issue(ours, root.private, server.public, "Handfast Gateway", 2**158 - 1, NOW),
        certificates.issue(ours, root.private, app.public, "2021", 42, NOW),
    )


def curve_root() -> x509.Certificate:
    """A root that is not signed with RSA, as the vendor's bundle has two: it is not named."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Curve")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = builder.serial_number(9).not_valid_before(start).not_valid_after(start + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def test_the_sdks_name_certificates_as_we_do(community: Driver, npm: Driver, app: Pair, certified: Certified) -> None:
    app_name, server_name, roots = certified.names
    assert community.do("names", config=certified.community(app)) == [app_name, roots]
    assert npm.do("names", config=certified.npm(app)) == [app_name, server_name, roots]
    assert roots.count("_") == 1


def test_a_transfer_of_the_community_sdk(community: Driver, app: Pair, server: Pair, certified: Certified) -> None:
    plan = {
        "out_biz_no": "7",
        "identity_type": "ALIPAY_USER_ID",
        "identity": "2088",
        "trans_amount": 0.1,
        "name": "张三",
    }
    sent = community.do("transfer", config=certified.community(app), plan=plan)
    form = forms.read(sent["query"].encode(), b"")
    public = forms.public(form.params, NOW)
    assert (public.method, public.app_cert_sn, public.alipay_root_cert_sn) == (
        TRANSFER,
        certified.names[0],
        certified.names[2],
    )
    assert verify_request(form.raw, app.public, "RSA2")
    said = success({"order_id": "{1}"})
    body = answer(TRANSFER, said, server.private, cert_sn=certified.names[1])
    assert community.do("receive", config=certified.community(app), answer=body.decode(), method=TRANSFER) == said


def test_a_transfer_of_the_npm_sdk(npm: Driver, app: Pair, server: Pair, certified: Certified) -> None:
    params: dict[str, Any] = {"bizContent": {"out_biz_no": "7", "trans_amount": "0.10"}}
    sent = npm.do("send", config=certified.npm(app), method=TRANSFER, params=params)
    _, query = forms.origin_form(sent["target"].encode())
    form = forms.read(query, b64decode(sent["body"]), b"application/x-www-form-urlencoded")
    public = forms.public(form.params, NOW)
    assert (public.app_cert_sn, public.alipay_root_cert_sn) == (certified.names[0], certified.names[2])
    assert verify_request(form.raw, app.public, "RSA2")
    said = success({"order_id": "{1}"})
    body = answer(TRANSFER, said, server.private, cert_sn=certified.names[1])
    plan = {"config": certified.npm(app), "method": TRANSFER, "params": params}
    assert npm.do("exchange", body=b64encode(body).decode(), **plan) == said
    forged = answer(TRANSFER, said, app.private, cert_sn=certified.names[1])
    with pytest.raises(SdkError):
        npm.do("exchange", body=b64encode(forged).decode(), **plan)


def test_certificates_chain_to_their_root_and_end(certified: Certified, app: Pair) -> None:
    certified.app.verify_directly_issued_by(certified.root)
    certified.server.verify_directly_issued_by(certified.root)
    with pytest.raises(ValueError, match="does not match"):
        certified.app.verify_directly_issued_by(certified.other_root)
    assert certificates.is_valid_at(certified.app, NOW)
    assert certificates.is_valid_at(certified.app, NOW + 4 * 365 * DAY)
    assert not certificates.is_valid_at(certified.app, NOW + 6 * 365 * DAY)
    assert not certificates.is_valid_at(certified.app, NOW - 2 * DAY)
    read = certificates.read_certificate(certificates.pem(certified.app))
    assert read == certified.app
    assert rsa.public_key(certificates.pem(read)) == app.public


def test_what_is_no_certificate_is_refused(app: Pair) -> None:
    for text in ("", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", app.public_pem):
        with pytest.raises(Invalid):
            certificates.read_certificate(text)
    with pytest.raises(Invalid, match="RSA"):
        certificates.read_certificate(certificates.pem(curve_root()))
