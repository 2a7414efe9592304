"""The sandbox: a market, its people and its bank, played on one machine."""
