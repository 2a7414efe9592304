"""The hosts that a front answers for, a row for each vendor."""

from collections.abc import Mapping

from msgspec import Struct


class Vendor(Struct, frozen=True):
    """A vendor and the hosts that its merchants' code has built in."""

    name: str
    hosts: tuple[str, ...]


VENDORS = (
    Vendor(
        "Alipay",
        (
            "openapi.alipay.com",
            "globalopenapi.alipay.com",
            "openapi-sandbox.dl.alipaydev.com",  # the sandbox since 2023
            "openapi.alipaydev.com",  # the sandbox before
            "mapi.alipay.com",  # the interface of `service=`, with the old guaranteed trade
            "mapi.alipaydev.com",
        ),
    ),
    Vendor(
        "Antom",  # its sandbox is a path on the same hosts
        (
            "open-na-global.alipay.com",
            "open-na.alipay.com",
            "open.antglobal-us.com",
            "open-sea-global.alipay.com",
            "open-sea.alipay.com",
            "open-de-global.alipay.com",
            "open-eu.alipay.com",
        ),
    ),
)
"""Every host, lower case. A new row makes a new authority (see authority.py), which clients must be told to trust."""

HOSTS: Mapping[str, str] = {host: vendor.name for vendor in VENDORS for host in vendor.hosts}
"""The vendor by host."""


def plain(host: str) -> str:
    """A host as the table has it: lower case, without the root's dot."""
    return host.lower().removesuffix(".")
