"""The local front for code that cannot be changed: it answers for the vendors' hosts and passes on to Handfast."""

from handfast.gateways.intercept.authority import open_authority
from handfast.gateways.intercept.dialling import Outside, Upstream, parse_upstream
from handfast.gateways.intercept.front import Door, Front
from handfast.gateways.intercept.trust import export_lines, hosts_lines, roots_files, variables, write_bundle

__all__ = [
    "Door",
    "Front",
    "Outside",
    "Upstream",
    "export_lines",
    "hosts_lines",
    "open_authority",
    "parse_upstream",
    "roots_files",
    "variables",
    "write_bundle",
]
