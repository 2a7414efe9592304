"""Rows of declarations and reports."""

from handfast.domain.declarations.model import Declaration, Report
from handfast.store.table import Table

DECLARATIONS = Table("declarations", Declaration)
REPORTS = Table("reports", Report)
