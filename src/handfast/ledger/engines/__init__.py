"""The engines behind the Ledger port, one file each; only app chooses among them."""
