"""Alipay's OpenAPI, protocols 1.0 and v3: merchants keep the SDK that they have."""

from handfast.gateways.alipay.cashier import AlipayCashier
from handfast.gateways.alipay.explain import Explanation
from handfast.gateways.alipay.gateway import Alipay
from handfast.gateways.alipay.house import house
from handfast.gateways.alipay.legacy import GATEWAY as LEGACY
from handfast.gateways.alipay.legacy import LegacyCashier
from handfast.gateways.alipay.notify import Notifications
from handfast.gateways.alipay.selftest import examine
from handfast.gateways.alipay.users import party_of

__all__ = [
    "LEGACY",
    "Alipay",
    "AlipayCashier",
    "Explanation",
    "LegacyCashier",
    "Notifications",
    "examine",
    "house",
    "party_of",
]
