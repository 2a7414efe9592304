"""The door of the ISO 20022 rail: bank statements read, payment files written."""

from handfast.rails.iso20022.camt053 import read_statement
from handfast.rails.iso20022.pain001 import write_payments

__all__ = ["read_statement", "write_payments"]
