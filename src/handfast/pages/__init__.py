"""What people see: pages rendered on the server, which work without scripts."""

from handfast.pages.checkout import Cashier, Kept, sandbox_pin
from handfast.pages.selftest import Examine, selftest_routes
from handfast.pages.shell import static_routes

__all__ = ["Cashier", "Examine", "Kept", "sandbox_pin", "selftest_routes", "static_routes"]
