"""The sandbox's clients at the Antom gateway: an exporter that is paid in USD, its keys, and who pays it."""

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from msgspec import Struct

from handfast.core.ids import digest_id, ids_from_keys
from handfast.core.keyring import BITS, public_pem, signing_key, write_private
from handfast.core.settings import Settings
from handfast.domain.checkouts import Checkout
from handfast.domain.parties import CreateParty, Details, Vault, payee_check
from handfast.domain.payments import Payment
from handfast.gateways.antom.onboarding import client_number, prepare
from handfast.gateways.antom.standing import Sale
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.market import OPENING

FOLDER, PRIVATE_KEY, PUBLIC_KEY = "antom", "client_private_key.pem", "server_public_key.pem"

_DETAILS = Details(name="Elm Street Exports, LLC", email="sales@example.com", routing="021000021", account="4471120016")


class AntomKeys(Struct, frozen=True):
    """What Antom's SDK is told. The keys are files; all clients are one merchant's, with one key.

    What `guaranteed_client_id` sells are guaranteed trades, which its buyers may dispute.
    """

    url: str
    client_id: str
    sandbox_client_id: str
    guaranteed_client_id: str
    private_key: str
    public_key: str


class Paid(Struct, frozen=True, rename="camel"):
    """A payment that the buyer paid, and where its browser returns to."""

    payment_id: str
    payment_request_id: str
    payment_status: str
    payment_redirect_url: str


def told(checkout: Checkout, payment: Payment | None) -> Paid:
    """What is printed of a payment."""
    sale = Sale(checkout, payment, undone=False)
    return Paid(sale.payment_id, checkout.number, sale.status, checkout.return_url)


def hand_out(driver: Driver, settings: Settings, vault: Vault, seed: int, base_url: str) -> AntomKeys:
    """Make the merchant a party, register its clients and write their keys."""
    merchant = ids_from_keys(seed)(digest_id(b"antom merchant"))(OPENING)
    wrapped = vault.new_key(merchant)
    details, check = vault.seal(wrapped, merchant, _DETAILS), payee_check(_DETAILS)
    party = CreateParty(merchant, "merchant", "US", wrapped, details, payee_check=check, settle_currency="USD")
    folder = settings.data.resolve() / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    key = generate_private_key(65537, BITS)
    write_private(folder / PRIVATE_KEY, key)
    (folder / PUBLIC_KEY).write_text(public_pem(signing_key(settings.signing_key_file)))
    number = client_number(digest_id(b"antom client", merchant))
    sandbox, guaranteed = f"SANDBOX_{number}", f"SANDBOX_G{number}"
    driver.done([ask("parties.create", party, "sandbox", "antom/merchant")])
    clients = [
        prepare(merchant, client, key.public_key(), guaranteed=client == guaranteed)
        for client in (number, sandbox, guaranteed)
    ]
    driver.done([ask("apps.register", client, "sandbox", f"antom/{client.number}") for client in clients])
    return AntomKeys(base_url, number, sandbox, guaranteed, str(folder / PRIVATE_KEY), str(folder / PUBLIC_KEY))
