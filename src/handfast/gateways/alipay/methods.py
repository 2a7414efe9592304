"""The method table: every method that this gateway speaks, by name."""

from collections.abc import Mapping

from handfast.gateways.alipay import (
    auths,
    billing,
    charging,
    declaring,
    escrow,
    following,
    granting,
    paying,
    royalty,
    transferring,
)
from handfast.gateways.alipay.calls import Method

_FILES = (paying, charging, following, transferring, granting, billing, declaring, escrow, auths, royalty)

METHODS: Mapping[str, Method] = {line.name: line for file in _FILES for line in file.METHODS}
