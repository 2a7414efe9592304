"""The method table: every method that this gateway speaks, by name."""

from collections.abc import Mapping

from handfast.gateways.alipay import charging, following, paying
from handfast.gateways.alipay.calls import Method

METHODS: Mapping[str, Method] = {line.name: line for file in (paying, charging, following) for line in file.METHODS}
