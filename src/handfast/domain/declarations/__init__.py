"""Declarations: what a merchant says of an order that was paid, kept for whoever files it."""

from handfast.domain.declarations.model import Declaration, Report
from handfast.domain.declarations.tables import DECLARATIONS, REPORTS
from handfast.domain.declarations.verbs import (
    VERBS,
    DeclareCheckout,
    ReportOrder,
    declaration_number,
    declare,
    report,
)

__all__ = [
    "DECLARATIONS",
    "REPORTS",
    "VERBS",
    "Declaration",
    "DeclareCheckout",
    "Report",
    "ReportOrder",
    "declaration_number",
    "declare",
    "report",
]
