"""The endpoint table: every call that this gateway knows, by its path, and those that it knows and does not offer."""

from collections.abc import Mapping

from handfast.gateways.antom import declaring, disputing, following, paying, quoting
from handfast.gateways.antom.calls import Endpoint

ENDPOINTS: Mapping[str, Endpoint] = {
    line.path: line for file in (paying, following, quoting, disputing, declaring) for line in file.ENDPOINTS
}

UNSUPPORTED: Mapping[str, str] = {
    "authorizations": "a buyer's standing permission for agreement payments",
    "subscriptions": "payments that repeat",
    "vaults": "stored cards",
}
"""The families of calls that are answered with BUSINESS_NOT_SUPPORT, and what they would be for."""
