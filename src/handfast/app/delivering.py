"""How merchants are told: the delivery loop over each gateway's own rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from handfast.core.keyring import signing_key
from handfast.gateways import alipay, antom
from handfast.gateways.native import Webhooks, render_event
from handfast.services import Services
from handfast.timers.deliver import Deliverer, Notifier
from handfast.timers.sender import Sender


@contextmanager
def delivering(services: Services) -> Iterator[Deliverer]:
    """The loop, yet to run. Raises Invalid(settings_invalid) where the key of the gateways cannot be read."""
    key = signing_key(services.settings.signing_key_file)
    notifiers: dict[str, Notifier] = {
        "native": Webhooks(services.vault, services.wall, partial(render_event, services.read)),
        "alipay": alipay.Notifications(services, key),
        "antom": antom.Notifications(services.read, services.market, key),
    }
    sender = Sender(private=services.settings.allow_private_webhooks)
    try:
        yield Deliverer(services, notifiers, sender)
    finally:
        sender.close()
