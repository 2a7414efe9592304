"""Protocols that other people's software speaks: one room for each, and none knows of another."""
