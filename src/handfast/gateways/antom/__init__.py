"""Antom's protocol (AMS): JSON over POST under /ams, signed in headers both ways."""

from handfast.gateways.antom.cashier import AntomCashier
from handfast.gateways.antom.gateway import PATH, Antom
from handfast.gateways.antom.notify import Notifications

__all__ = ["PATH", "Antom", "AntomCashier", "Notifications"]
