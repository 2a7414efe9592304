"""The commands `handfast alipay …`: registering an app, and help for somebody whose SDK does not like its keys."""

from contextlib import closing
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import json
from msgspec.structs import replace
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from handfast.app import asking, reading
from handfast.core import rsa
from handfast.core.clocks import wall_clock
from handfast.core.errors import Invalid, NotFound
from handfast.core.ids import entropy, random_ids
from handfast.core.settings import load, read_master_key
from handfast.domain.apps import NameObject, RegisterApp, name, register
from handfast.domain.parties import PERSON_KEYS, Vault
from handfast.gateways.alipay import LEGACY
from handfast.gateways.alipay.house import FOLDER
from handfast.gateways.alipay.keys import KeyReport, check_key
from handfast.gateways.alipay.onboarding import app_number, prepare
from handfast.gateways.alipay.users import known_user, user_key
from handfast.gateways.native.prefixes import read
from handfast.store.reader import get
from handfast.store.verb import Request

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def alipay() -> None:
    """Apps that speak Alipay's protocols, and help with their keys."""


@alipay.command("check-key")
@click.argument("file", type=_FILE)
@click.option("--app", type=_FILE, help="The public key that is registered for the app.")
@click.option("--server", type=_FILE, help="Handfast's public key, as an SDK has it for Alipay's.")
def check_key_command(file: Path, app: Path | None, server: Path | None) -> None:
    """Say what the key in FILE is, whose it is, and which SDK takes it as it is written.

    Exit code 1 where no SDK takes it.
    """
    keys = [None if path is None else rsa.public_key(_text(path), path.name) for path in (app, server)]
    report = check_key(_text(file), *keys)
    _show(report, Console(highlight=False))
    if all(report.taken_by.values()):
        raise SystemExit(1)


@alipay.command("add-app", short_help="Register an app.")
@click.argument("party")
@click.argument("public_key", type=_FILE)
@click.option("--notify-url", default="", help="Where it is notified when a request says nothing.")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
def add_app(party: str, public_key: Path, notify_url: str, data: Path | None) -> None:
    """Register an app that signs with the private key of PUBLIC_KEY for the merchant PARTY, and print what it is told.

    Certificates for certificate mode, and Handfast's public key, are written to a folder in the data directory.
    """
    settings = load(data=data)
    owner, key = read("party", party), rsa.public_key(_text(public_key), public_key.name)
    with asking(settings) as desk, closing(reading(settings)) as reader:
        wrapped = get(reader, PERSON_KEYS, owner)
        if wrapped is None:
            raise NotFound("object_not_found", "no such party", "party")
        number = app_number(entropy(8))
        folder = settings.data.resolve() / FOLDER / number
        vault = Vault(read_master_key(settings))
        papers = prepare(settings, vault, owner, wrapped.wrapped, number, key, folder, wall_clock())
        request = random_ids()(wall_clock())
        command = replace(papers.register, notify_url=notify_url)
        desk.call(Request(register.name, command, "operator", request, request)).unwrap()
    told = {
        "app_id": number,
        "server_public_key": str(papers.server_public_key),
        "aes_key": papers.aes_key,
        "cert_dir": str(papers.cert_dir),
    }
    click.echo(json.encode(told).decode())


@alipay.command("add-partner", short_help="Register a shop of the first interface.")
@click.argument("party")
@click.option("--public-key", type=_FILE, help="With which the shop's RSA signatures are verified.")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
def add_partner(party: str, public_key: Path | None, data: Path | None) -> None:
    """Let the merchant PARTY use Alipay's first interface (service=…), and print its partner number and its MD5 key."""
    settings = load(data=data)
    owner = read("party", party)
    key = None if public_key is None else rsa.public_key(_text(public_key), public_key.name)
    with asking(settings) as desk, closing(reading(settings)) as reader:
        wrapped = get(reader, PERSON_KEYS, owner)
        if wrapped is None:
            raise NotFound("object_not_found", "no such party", "party")
        number, secret = known_user(reader, owner), entropy(16).hex()
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if key else b""
        sealed = Vault(read_master_key(settings)).seal(wrapped.wrapped, owner, secret)
        for verb, command in (
            (name, NameObject(user_key(number), owner)),
            (register, RegisterApp(LEGACY, number, owner, der, secret=sealed)),
        ):
            request = random_ids()(wall_clock())
            desk.call(Request(verb.name, command, "operator", request, request)).unwrap()
    click.echo(json.encode({"partner": number, "md5_key": secret}).decode())


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise Invalid("field_invalid", "this is not text: a key is given as PEM or in base64", path.name) from None


def _show(report: KeyReport, console: Console) -> None:
    console.print(Text(f"{report.kind}, {report.form}, {report.bits} bits", style="bold"))
    for finding in report.findings:
        console.print(Padding(Text(finding), (0, 0, 0, 2)))
    for sdk, why in report.taken_by.items():
        says = Text("takes it as it is", style="green") if not why else Text(why, style="yellow")
        console.print(Padding(Text.assemble(f"{sdk}: ", says), (0, 0, 0, 2)))
