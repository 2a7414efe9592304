"""The commands of a sandbox of one's own: make it, act as its buyer and its bank, move its clock."""

from pathlib import Path
from typing import Any

import click

from handfast.app.telemetry import set_up_logs
from handfast.core.clocks import wall_clock
from handfast.core.settings import Settings, load
from handfast.domain.claims import GOODS
from handfast.domain.policies import REASONS
from handfast.gateways.native.showing import encode
from handfast.sandbox import antom, scanning
from handfast.sandbox.playing import playing
from handfast.sandbox.start import start

_data = click.option("--data", type=click.Path(path_type=Path), required=True, help="The sandbox's data directory.")
_buyer = click.option("--buyer", metavar="ID", help="Who acts; else the object's own buyer, or the first.")


@click.group()
def sandbox() -> None:
    """A small market of one's own, to develop against: its buyer, its bank, its clock."""


@sandbox.command(short_help="Make a sandbox in an empty directory.")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="Where it will be served."
)
@click.option("--database", metavar="URL", default="", help="An empty database; a SQLite file in DIRECTORY by default.")
def init(directory: Path, port: int, database: str) -> None:
    """Make a sandbox in DIRECTORY, which must be empty or not there; `handfast serve --data DIRECTORY` serves it."""
    settings = Settings(data=directory, database=database, port=port, market="sandbox", log_level="error")
    set_up_logs(settings)
    path = start(settings, wall_clock)
    click.echo(f"keys and ids: {path}")
    click.echo(f"serve it:     handfast serve --data {directory}")


@sandbox.group()
def buyer() -> None:
    """Act as a buyer, without login."""


@buyer.command()
@click.argument("payment")
@click.option("--currency", metavar="CODE", help="Pay in another currency, at a quote of the day.")
@_buyer
@_data
def pay(payment: str, currency: str | None, buyer: str | None, data: Path) -> None:
    """Pay a PAYMENT from the wallet."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.pay(payment, currency)))


@buyer.command(short_help="Say that the goods have come.")
@click.argument("trade")
@_buyer
@_data
def confirm(trade: str, buyer: str | None, data: Path) -> None:
    """Say that the goods of a TRADE have come, so that the seller is paid."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.confirm(trade)))


@buyer.command(short_help="Ask for money back.")
@click.argument("trade")
@click.option("--reason", type=click.Choice(REASONS), default="not_as_described", show_default=True)
@click.option("--goods", type=click.Choice(GOODS), default="keep", show_default=True)
@click.option("--amount", metavar="AMOUNT", help="How much, as 40.00; all that is left by default.")
@click.option("--words", default="", help="What to say to it.")
@_buyer
@_data
def claim(trade: str, reason: str, goods: str, amount: str | None, words: str, buyer: str | None, data: Path) -> None:
    """Ask for money of a TRADE back; its clock stops until the seller answers."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.claim(trade, reason, goods, amount, words)))


@buyer.command(short_help="Withdraw a claim.")
@click.argument("claim")
@_buyer
@_data
def withdraw(claim: str, buyer: str | None, data: Path) -> None:
    """Withdraw a CLAIM; the trade goes on."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.move_claim(claim, "withdraw")))


@buyer.command(short_help="Take what the seller offers.")
@click.argument("claim")
@_buyer
@_data
def accept(claim: str, buyer: str | None, data: Path) -> None:
    """Take what the seller offers instead of what a CLAIM asks for."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.move_claim(claim, "accept")))


@buyer.command("send-back", short_help="Send the goods back.")
@click.argument("claim")
@click.argument("tracking")
@_buyer
@_data
def send_back(claim: str, tracking: str, buyer: str | None, data: Path) -> None:
    """Send the goods of a CLAIM back, under the carrier's TRACKING number."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.send_back(claim, tracking)))


@buyer.command(short_help="Open a dispute.")
@click.argument("trade")
@_buyer
@_data
def dispute(trade: str, buyer: str | None, data: Path) -> None:
    """Have a case handler decide about a TRADE, or about its open claim."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.dispute(trade)))


@buyer.command()
@click.argument("merchant")
@click.option("--currency", metavar="CODE", default="USD", show_default=True)
@click.option("--ceiling", metavar="AMOUNT", default="10000.00", show_default=True, help="The most for one payment.")
@_buyer
@_data
def consent(merchant: str, currency: str, ceiling: str, buyer: str | None, data: Path) -> None:
    """Let a MERCHANT charge the wallet."""
    with _playing(data, buyer) as play:
        _tell(play.show(play.consent(merchant, currency, ceiling)))


@buyer.command(short_help="Send money by bank transfer.")
@click.argument("amount")
@click.argument("currency")
@_buyer
@_data
def topup(amount: str, currency: str, buyer: str | None, data: Path) -> None:
    """Send AMOUNT (as 100.00) of CURRENCY by bank transfer; the statement that tells of it is read at once."""
    with _playing(data, buyer) as play:
        _tell(play.top_up(amount, currency))


@buyer.command("pay-qr", short_help="Scan a QR code, and pay.")
@click.argument("code")
@_buyer
@_data
def pay_qr(code: str, buyer: str | None, data: Path) -> None:
    """Scan a QR CODE (the address that it holds), and pay."""
    with _playing(data, buyer) as play:
        _tell(scanning.told(play.pay_checkout(scanning.checkout_of(code))))


@buyer.command("pay-url", short_help="Open a payment page, and pay.")
@click.argument("url")
@_buyer
@_data
def pay_url(url: str, buyer: str | None, data: Path) -> None:
    """Open the payment page at URL, pay, and print the signed address by which the browser returns to the shop."""
    with _playing(data, buyer) as play:
        sale = play.pay_checkout(scanning.opened(play.base_url, url))
        click.echo(play.return_address(sale))


@buyer.command("pay-string", short_help="Pay what an app handed over.")
@click.argument("order")
@_buyer
@_data
def pay_string(order: str, buyer: str | None, data: Path) -> None:
    """Pay the signed ORDER string that a merchant's app hands to the wallet."""
    with _playing(data, buyer) as play:
        _tell(scanning.told(play.pay_checkout(scanning.opened(play.base_url, order))))


@buyer.command("pay-trade", short_help="Pay a trade that waits.")
@click.argument("trade_no")
@_buyer
@_data
def pay_trade(trade_no: str, buyer: str | None, data: Path) -> None:
    """Pay the trade TRADE_NO, which waits for its buyer."""
    with _playing(data, buyer) as play:
        _tell(scanning.told(play.pay_checkout(scanning.trade_of(trade_no))))


@buyer.command("ams-pay", short_help="Open Antom's cashier, and pay.")
@click.argument("url")
@click.option("--currency", metavar="CODE", help="Pay in another currency, at a quote of the day.")
@_buyer
@_data
def ams_pay(url: str, currency: str | None, buyer: str | None, data: Path) -> None:
    """Open the cashier at the URL (normalUrl) of a payment through Antom's gateway, and pay."""
    with _playing(data, buyer) as play:
        sale = play.pay_checkout(scanning.checkout_of(url), currency)
        _tell(antom.told(sale.checkout, sale.payment))


@buyer.command("oauth-code", short_help="Let an app know who you are.")
@click.argument("app_id")
@click.argument("scope")
@_buyer
@_data
def oauth_code(app_id: str, scope: str, buyer: str | None, data: Path) -> None:
    """Let the app APP_ID know of the buyer what SCOPE names (auth_base, auth_user); prints the authorisation code."""
    with _playing(data, buyer) as play:
        click.echo(play.oauth_code(app_id, scope))


@buyer.command("auth-code", short_help="Show a payment code.")
@click.option("--confirm", is_flag=True, help="The buyer wants to be asked before it pays.")
@_buyer
@_data
def auth_code(buyer: str | None, data: Path, *, confirm: bool) -> None:
    """Print a payment code, which a merchant may charge within five minutes."""
    with _playing(data, buyer) as play:
        click.echo(play.payment_code(confirm=confirm))


@sandbox.command()
@click.option("--advance", metavar="SPAN", help="Move it forward, as 3d or 12h, through every time-out on the way.")
@_data
def clock(advance: str | None, data: Path) -> None:
    """Show the market clock, or move it."""
    with _playing(data) as play:
        _tell(play.clock(advance))


@sandbox.group()
def bank() -> None:
    """Act as the bank."""


@bank.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_data
def execute(file: Path, data: Path) -> None:
    """Execute a payout FILE (pain.001); the statements that tell of it are read at once."""
    with _playing(data) as play:
        _tell(play.execute(file))


def _playing(data: Path, buyer: str | None = None) -> Any:
    set_up_logs(load(data=data, log_level="error"))
    return playing(data, buyer)


def _tell(result: Any) -> None:
    """Print the object as the API shows it, on one line."""
    click.echo(encode(result).decode())
