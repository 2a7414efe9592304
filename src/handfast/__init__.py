"""Handfast: a payment service that people run themselves, built around the guaranteed trade."""
