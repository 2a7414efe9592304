"""Signatures of webhooks by the Standard Webhooks specification (version 1.0): symmetric, with secrets `whsec_…`."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

from handfast.core.clocks import SECOND
from handfast.core.ids import Id, entropy, text
from handfast.domain.notifications.model import Endpoint
from handfast.domain.parties import Vault

_PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh secret of 256 random bits, as its bearer gets to see it, once."""
    return _PREFIX + b64encode(entropy(32)).decode()


def open_secrets(vault: Vault, wrapped_key: bytes, endpoint: Endpoint, at: int) -> list[str]:
    """The secrets that sign what is sent at that wall time: the endpoint's own and, for a while, its former one.

    None where the party was erased, since that destroyed the key (`wrapped_key`, see PersonKey) that sealed them.
    """
    sealed = [endpoint.secret, *([endpoint.former_secret] if at < endpoint.former_until else [])]
    opened = (vault.open(wrapped_key, endpoint.party, secret, str) for secret in sealed)
    return [secret for secret in opened if secret is not None]


def signed_headers(secrets: Sequence[str], event: Id, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a message: its id is the event's, so it is the same whenever the event is sent again."""
    message, timestamp = text("evt", event), str(at // SECOND)
    signed = b".".join((message.encode(), timestamp.encode(), body))
    signatures = (hmac.digest(b64decode(secret.removeprefix(_PREFIX)), signed, "sha256") for secret in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{b64encode(signature).decode()}" for signature in signatures),
    }
