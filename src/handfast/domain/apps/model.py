"""Apps: what speaks for a merchant through a gateway, with its keys; and the numbers that merchants give to things."""

from msgspec import Struct

from handfast.core.ids import Id

APP_STATES = {"active": {"disable": "disabled"}, "disabled": {"enable": "active"}}


class App(Struct, frozen=True, gc=False):
    """A merchant's software as a gateway knows it, by a `number` of that gateway (an app_id, a client id).

    `id` derives from gateway and number. `public_key` is DER (SPKI) and verifies what the app signs; `certificate`, in
    PEM, is empty where it signs with a bare key. `secret` is a key shared with the app for encryption, sealed under the
    party's own key, or empty. `permissions` are the gateway's products that it may use (space-separated).
    """

    id: Id
    gateway: str
    number: str
    party: Id
    state: str
    public_key: bytes
    certificate: bytes
    secret: bytes
    sign_type: str
    notify_url: str
    permissions: str
    version: int
    created: int


class Alias(Struct, frozen=True, gc=False):
    """What a merchant's number names: `id` derives from app, kind of number and number (see `alias_id`).

    `digest` is of the request that gave the number, so that another one under the same number is told from a repeat.
    """

    id: Id
    object: Id
    digest: bytes
