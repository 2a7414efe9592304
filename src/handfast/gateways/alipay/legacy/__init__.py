"""The guaranteed trade of Alipay's first interface (service=…), for shops that were never moved to the OpenAPI."""

from handfast.gateways.alipay.legacy.cashier import LegacyCashier
from handfast.gateways.alipay.legacy.partners import GATEWAY
from handfast.gateways.alipay.legacy.protocol import Legacy, is_legacy

__all__ = ["GATEWAY", "Legacy", "LegacyCashier", "is_legacy"]
