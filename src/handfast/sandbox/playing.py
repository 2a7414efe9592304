"""Playing along in a sandbox: the buyer's acts, the bank's transfers, the market clock, by the running server."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec import MsgspecError, json

from handfast.app import Asking, asking, reading
from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND, wall_clock
from handfast.core.errors import Invalid, NotFound
from handfast.core.ids import Id, entropy, random_ids
from handfast.core.keyring import signing_key
from handfast.core.money import parse_decimal
from handfast.core.settings import Settings, load, read_master_key
from handfast.domain.apps import APPS, app_id
from handfast.domain.checkouts import CHECKOUTS, IssueCode, PayCheckout, PresentCheckout, code_id
from handfast.domain.claims import CLAIMS, AskClaim, Claim, MoveClaim, SendBack
from handfast.domain.custody import equation
from handfast.domain.disputes import Dispute, OpenDispute
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import PERSON_KEYS, Vault
from handfast.domain.payments import PAYMENTS, Consent, GiveConsent, Payment, PayPayment
from handfast.domain.topups import CreateTopup, Topup
from handfast.domain.trades import TRADES, ConfirmTrade, Trade
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.granting import new_grant
from handfast.gateways.alipay.returning import return_address
from handfast.gateways.alipay.standing import Sale
from handfast.gateways.native import IMPORT_STATEMENT
from handfast.gateways.native.prefixes import read, show
from handfast.gateways.native.showing import show_here
from handfast.sandbox.bank import Bank
from handfast.sandbox.keys import FILE, Keys
from handfast.sandbox.opening import ACCOUNTS, day_of
from handfast.store.reader import Reader, get
from handfast.store.verb import Request

_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
_SPAN = re.compile(r"([0-9]{1,6})([dhms])", re.ASCII)
_new_id = random_ids()


class Play:
    """A sandbox's desk and books, for one command; the first buyer acts where nobody is named."""

    def __init__(self, desk: Asking, reader: Reader, settings: Settings, told: Keys, buyer: str | None) -> None:
        self._desk = desk
        self._reader = reader
        self._vault = Vault(read_master_key(settings))
        self._key = signing_key(settings.signing_key_file)
        self._buyer = buyer
        self._first = told.buyers[0]
        self.base_url = told.base_url

    def pay(self, payment: str, currency: str | None) -> Payment:
        """Pay a payment, at a quote of the day where the currency is not the price's. Raises what the verbs refuse."""
        row = get(self._reader, PAYMENTS, read("payment", payment))
        if row is None:
            raise NotFound("object_not_found", "no such payment", "payment")
        buyer = self._party(row.payer)
        quote = None
        if currency not in (None, row.currency):
            quote = self._ask("quotes.create", CreateQuote(buyer, row.currency, currency), buyer).id
        paid: Payment = self._ask("payments.pay", PayPayment(buyer, row.id, quote), buyer)
        return paid

    def pay_checkout(self, key: Id, currency: str | None = None) -> Sale:
        """Look at what a merchant asks through a gateway, and pay it, at a quote of the day in another currency.

        Raises what the verbs refuse.
        """
        row = get(self._reader, CHECKOUTS, key)
        if row is None:
            raise NotFound("object_not_found", "no such checkout", "checkout")
        buyer = self._party(row.buyer)
        self._ask("checkouts.present", PresentCheckout(row.id, buyer), buyer)
        quote = None
        if currency not in (None, row.currency):
            quote = self._ask("quotes.create", CreateQuote(buyer, row.currency, currency), buyer).id
        self._ask("checkouts.pay", PayCheckout(buyer, row.id, quote), buyer)
        checkout, payment = get(self._reader, CHECKOUTS, key), get(self._reader, PAYMENTS, key)
        assert checkout is not None
        assert payment is not None
        return Sale(checkout, payment)

    def return_address(self, sale: Sale) -> str:
        """Where the buyer's browser returns to after paying, signed; nothing where the merchant gave no address."""
        now: int = self._desk.control("status")["market"]
        return return_address(self._reader, self._vault, self._key, sale.checkout, now)

    def payment_code(self, *, confirm: bool) -> str:
        """A payment code that the buyer shows, to be scanned within minutes. Raises what the verb refuses."""
        buyer = self._party(None)
        code = f"28{int.from_bytes(entropy(8), 'big') % 10**16:016}"
        self._ask("checkouts.issue_code", IssueCode(buyer, code_id(code), confirm), buyer)
        return code

    def oauth_code(self, app: str, scope: str) -> str:
        """A code by which an app may learn of the buyer what the scopes name (comma-separated).

        Raises Invalid(field_invalid), NotFound, and what the verb refuses.
        """
        buyer, key = self._party(None), app_id(GATEWAY, app)
        if get(self._reader, APPS, key) is None:
            raise NotFound("object_not_found", "no such app", "app_id")
        code = entropy(16).hex()
        self._ask("grants.issue", new_grant(buyer, key, code, scope, wall_clock()), buyer)
        return code

    def confirm(self, trade: str) -> Trade:
        """Say that the goods have come. Raises what the verb refuses."""
        row = self._trade(trade)
        buyer = self._party(row.buyer)
        confirmed: Trade = self._ask("trades.confirm", ConfirmTrade(buyer, row.id), buyer)
        return confirmed

    def claim(self, trade: str, reason: str, goods: str, amount: str | None, words: str) -> Claim:
        """Ask for money (a decimal, all by default) of a trade back. Raises what the verb refuses."""
        row = self._trade(trade)
        buyer = self._party(row.buyer)
        asked = None if amount is None else parse_decimal(amount, row.currency)
        key = get(self._reader, PERSON_KEYS, row.buyer)
        sealed = self._vault.seal(key.wrapped, row.buyer, words) if words and key else b""
        claim: Claim = self._ask("claims.ask", AskClaim(buyer, row.id, reason, goods, asked, sealed), buyer)
        return claim

    def move_claim(self, claim: str, step: str) -> Claim:
        """Withdraw a claim, or accept what the seller offers. Raises what the verbs refuse."""
        row = self._claim(claim)
        buyer = self._party(row.buyer)
        moved: Claim = self._ask(f"claims.{step}", MoveClaim(buyer, row.id), buyer)
        return moved

    def send_back(self, claim: str, tracking: str) -> Claim:
        """Send the goods of a claim back. Raises what the verb refuses."""
        row = self._claim(claim)
        buyer = self._party(row.buyer)
        sent: Claim = self._ask("claims.send_back", SendBack(buyer, row.id, tracking), buyer)
        return sent

    def dispute(self, trade: str) -> Dispute:
        """Have a case handler decide about a trade, or about its open claim. Raises what the verb refuses."""
        row = self._trade(trade)
        buyer = self._party(row.buyer)
        opened: Dispute = self._ask("disputes.open", OpenDispute(buyer, row.id), buyer)
        return opened

    def show(self, row: Any) -> Any:
        """The row as the API shows it to the operator."""
        return show_here(self._reader, [row])[0]

    def _trade(self, trade: str) -> Trade:
        row = get(self._reader, TRADES, read("trade", trade))
        if row is None:
            raise NotFound("object_not_found", "no such trade", "trade")
        return row

    def _claim(self, claim: str) -> Claim:
        row = get(self._reader, CLAIMS, read("claim", claim))
        if row is None:
            raise NotFound("object_not_found", "no such claim", "claim")
        return row

    def consent(self, merchant: str, currency: str, ceiling: str) -> Consent:
        """Let a merchant charge up to a ceiling (a decimal) a payment. Raises what the verb refuses."""
        buyer = self._party(None)
        command = GiveConsent(buyer, read("party", merchant), currency, parse_decimal(ceiling, currency, "ceiling"))
        given: Consent = self._ask("consents.give", command, buyer)
        return given

    def top_up(self, amount: str, currency: str) -> dict[str, Any]:
        """Send money (a decimal) from the buyer's bank, and have the statement read that tells of it."""
        buyer = self._party(None)
        command = CreateTopup(buyer, currency, parse_decimal(amount, currency))
        topup: Topup = self._ask("topups.create", command, buyer)
        bank, now = self._bank(currency)
        number = ACCOUNTS[currency]
        day = day_of(now)
        bank.deposit(
            number, topup.amount, on=day, remittance=topup.reference, name="Sandbox buyer", account=buyer.hex()[:26]
        )
        return self._statement(bank, number, day, now)

    def execute(self, file: Path) -> list[dict[str, Any]]:
        """Let the bank execute a payout file, and have the statements read that tell of it."""
        data = file.read_bytes()
        bank, now = self._bank()
        before = {number: bank.balance(number) for number in ACCOUNTS.values()}
        day = day_of(now)
        bank.execute(data, on=day)
        moved = [number for number in ACCOUNTS.values() if bank.balance(number) != before[number]]
        return [self._statement(bank, number, day, now) for number in moved]

    def clock(self, advance: str | None) -> dict[str, Any]:
        """The market time, after moving it forward by a span such as 3d; seconds. Raises Invalid(field_invalid)."""
        fired = 0
        if advance is not None:
            now = self._desk.control("status")["market"]
            fired = self._desk.control("clock.advance", now + span(advance))
        return {"market_time": self._desk.control("status")["market"] // SECOND, "time_outs_fired": fired}

    def _party(self, owner: Id | None) -> Id:
        """The buyer that was named; failing that, whom the object belongs to; failing that, the first."""
        if self._buyer is None and owner is not None:
            return owner
        return read("party", self._buyer or self._first)

    def _ask(self, verb: str, command: Any, actor: Id) -> Any:
        request = _new_id(wall_clock())
        return self._desk.call(Request(verb, command, show("party", actor), request, request)).unwrap()

    def _bank(self, *currencies: str) -> tuple[Bank, int]:
        """The sandbox's bank as the books know it: it keeps no memory of its own between two commands."""
        now: int = self._desk.control("status")["market"]
        bank = Bank(_new_id(wall_clock())[:10].hex().upper())
        held = {item.currency: item.bank for item in equation(self._reader)}
        for currency in currencies or tuple(ACCOUNTS):
            if currency not in ACCOUNTS:
                raise Invalid("currency_unknown", "the sandbox's bank keeps no account in this currency", "currency")
            bank.open_account(ACCOUNTS[currency], currency, on=day_of(now), balance=held.get(currency, 0))
        return bank, now

    def _statement(self, bank: Bank, number: str, day: str, now: int) -> dict[str, Any]:
        data = bank.statement(number, day, created=now, mark=f"-{now % DAY:011}")
        told = self._desk.control(IMPORT_STATEMENT, data, "sandbox", _new_id(wall_clock()))
        return {name: told[name] for name in ("lines", "booked_before", "matched", "statements")} | {
            "suspense": len(told["suspense"]),
            "refused": len(told["refused"]),
        }


def span(text: str) -> int:
    """Microseconds of a span such as 3d, 12h, 30m or 45s. Raises Invalid(field_invalid)."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Invalid("field_invalid", "a span is a number and d, h, m or s, as 3d", "advance")
    return int(match[1]) * _UNITS[match[2]]


@contextmanager
def playing(data: Path, buyer: str | None = None) -> Iterator[Play]:
    """The sandbox in a directory, through its running server or as its own desk. Raises Invalid(settings_invalid)."""
    settings = load(data=data)
    try:
        told = json.decode((data / FILE).read_bytes(), type=Keys)
    except (OSError, MsgspecError):
        no = f"{data} holds no sandbox: handfast sandbox init makes one"
        raise Invalid("settings_invalid", no, "data") from None
    with asking(settings) as desk, closing(reading(settings)) as reader:
        yield Play(desk, reader, settings, told, buyer)
