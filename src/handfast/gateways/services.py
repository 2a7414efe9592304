"""A name for the services until the native gateway imports them from their own floor."""

from handfast.services import Hand, Readers, Services

__all__ = ["Hand", "Readers", "Services"]
