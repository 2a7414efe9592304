"""The cashier: where a buyer pays what a merchant asked for, and shows a payment code to a till."""

from handfast.pages.checkout.cashier import Cashier
from handfast.pages.checkout.entry import sandbox_pin
from handfast.pages.checkout.orders import Kept

__all__ = ["Cashier", "Kept", "sandbox_pin"]
