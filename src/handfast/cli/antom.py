"""The command `handfast antom add-client`: a merchant's client at the Antom gateway."""

from contextlib import closing
from pathlib import Path

import click
from msgspec import json

from handfast.app import asking, reading
from handfast.core import rsa
from handfast.core.clocks import wall_clock
from handfast.core.errors import Invalid, NotFound
from handfast.core.ids import entropy, random_ids
from handfast.core.keyring import public_pem, signing_key
from handfast.core.settings import load
from handfast.domain.apps import register
from handfast.domain.parties import PARTIES
from handfast.gateways.antom.onboarding import client_number, prepare
from handfast.gateways.native.prefixes import read
from handfast.store.reader import get
from handfast.store.verb import Request

FOLDER, PUBLIC_KEY = "antom", "server_public_key.pem"


@click.group()
def antom() -> None:
    """Clients that speak Antom's protocol."""


@antom.command("add-client", short_help="Register a client.")
@click.argument("party")
@click.argument("public_key", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--notify-url", default="", help="Where it is notified when a request says nothing.")
@click.option("--guaranteed", is_flag=True, help="All that it sells is a guaranteed trade.")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
def add_client(party: str, public_key: Path, notify_url: str, data: Path | None, *, guaranteed: bool) -> None:
    """Register a client that signs with the private key of PUBLIC_KEY for the merchant PARTY, and print its ids.

    The second id, which begins with SANDBOX_, is for SDKs that then call the sandbox's paths. Handfast's public key is
    written to a folder in the data directory.
    """
    settings = load(data=data)
    owner = read("party", party)
    try:
        key = rsa.public_key(public_key.read_text("utf-8"), public_key.name)
    except UnicodeDecodeError:
        raise Invalid(
            "field_invalid", "this is not text: a key is given as PEM or in base64", public_key.name
        ) from None
    number = client_number(entropy(8))
    with asking(settings) as desk, closing(reading(settings)) as reader:
        if get(reader, PARTIES, owner) is None:
            raise NotFound("object_not_found", "no such party", "party")
        for name in (number, f"SANDBOX_{number}"):
            request = random_ids()(wall_clock())
            command = prepare(owner, name, key, notify_url, guaranteed=guaranteed)
            desk.call(Request(register.name, command, "operator", request, request)).unwrap()
    folder = settings.data.resolve() / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / PUBLIC_KEY).write_text(public_pem(signing_key(settings.signing_key_file)))
    told = {
        "client_id": number,
        "sandbox_client_id": f"SANDBOX_{number}",
        "server_public_key": str(folder / PUBLIC_KEY),
    }
    click.echo(json.encode(told).decode())
