"""Alipay's protocols: the gateway of protocol 1.0, OpenAPI v3, and the notifications that they promise."""
