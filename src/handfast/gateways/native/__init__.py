"""The native API /v1, in Stripe's conventions: JSON, idempotency keys, cursors, scoped keys, signed events."""

from handfast.gateways.native.gateway import Native
from handfast.gateways.native.house import IMPORT_STATEMENT
from handfast.gateways.native.notify import Webhooks
from handfast.gateways.native.paying_out import PREPARE_PAYOUT_FILE
from handfast.gateways.native.showing import render_event

__all__ = ["IMPORT_STATEMENT", "PREPARE_PAYOUT_FILE", "Native", "Webhooks", "render_event"]
