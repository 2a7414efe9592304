"""The native API /v1, in Stripe's conventions: JSON, idempotency keys, cursors, scoped keys, signed events."""

from handfast.gateways.native.gateway import Native
from handfast.gateways.native.showing import render_event

__all__ = ["Native", "render_event"]
