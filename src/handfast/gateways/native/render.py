"""From a row of the domain to the object that clients see: one function for each type of row."""

from msgspec import Raw

from handfast.domain import custody, exchange, notifications, parties, payments, payouts, topups, trades, transfers
from handfast.gateways.native import objects, reports
from handfast.gateways.native.prefixes import show, show_some
from handfast.ledger import Purpose

SECOND = 1_000_000


def party(row: parties.Party, details: parties.Details | None = None) -> objects.Party:
    """A party; with its details where they were opened for the caller."""
    return objects.Party(
        id=show("party", row.id),
        object="party",
        kind=row.kind,
        state=row.state,
        country=row.country,
        settle_currency=row.settle_currency or None,
        commission_bps=row.commission_bps,
        commission_cap=row.commission_cap,
        commission_currency=row.commission_currency or None,
        details=None if details is None else _details(details),
        version=row.version,
        created=row.created // SECOND,
    )


def _details(details: parties.Details) -> objects.PartyDetails:
    return objects.PartyDetails(
        details.name, details.email, details.iban, details.routing, details.account, details.bic
    )


def api_key(row: parties.ApiClient, secret: str | None = None) -> objects.ApiKey:
    """An API key; with its secret where it was made just now."""
    return objects.ApiKey(
        id=show("client", row.id),
        object="api_key",
        party=show("party", row.party),
        name=row.name,
        scopes=row.scopes.split(),
        state=row.state,
        secret=secret,
        version=row.version,
        created=row.created // SECOND,
    )


def consent(row: payments.Consent) -> objects.Consent:
    """A consent."""
    return objects.Consent(
        id=show("consent", row.id),
        object="consent",
        payer=show("party", row.payer),
        merchant=show("party", row.merchant),
        state=row.state,
        currency=row.currency,
        ceiling=row.ceiling,
        version=row.version,
        created=row.created // SECOND,
    )


def transfer(row: transfers.Transfer) -> objects.Transfer:
    """A transfer."""
    return objects.Transfer(
        id=show("transfer", row.id),
        object="transfer",
        payer=show("party", row.payer),
        payee=show("party", row.payee),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        reference=row.reference,
        metadata=Raw(row.metadata),
        version=row.version,
        created=row.created // SECOND,
    )


def payment(row: payments.Payment, *, inner: bool = True) -> objects.Payment:
    """A payment; `inner` with what is between the merchant and the operator."""
    return objects.Payment(
        id=show("payment", row.id),
        object="payment",
        merchant=show("party", row.merchant),
        payer=show_some("party", row.payer),
        state=row.state,
        capture=row.capture,
        currency=row.currency,
        amount=row.amount,
        captured=row.captured,
        refunded=row.refunded,
        tax=row.tax,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        commission=row.commission if inner else None,
        settle_currency=row.settle_currency if inner else None,
        settle_amount=row.settle_amount if inner else None,
        quote=show_some("quote", row.quote),
        reference=row.reference,
        description=row.description,
        metadata=Raw(row.metadata),
        lines=[_line(line, inner=inner) for line in payments.lines_of(row)],
        due=None if row.due is None else row.due // SECOND,
        version=row.version,
        created=row.created // SECOND,
    )


def _line(line: payments.Line, *, inner: bool) -> objects.PaymentLine:
    return objects.PaymentLine(
        trade=show("trade", line.trade),
        seller=show("party", line.seller),
        title=line.title,
        category=line.category,
        delivery=line.delivery,
        amount=line.amount,
        tax=line.tax,
        captured=line.captured,
        pay_amount=line.pay_amount,
        commission=line.commission if inner else None,
        settle_currency=line.settle_currency if inner else None,
        settle_amount=line.settle_amount if inner else None,
    )


def trade(row: trades.Trade, *, inner: bool = True) -> objects.Trade:
    """A trade; `inner` with what is between the seller and the operator."""
    return objects.Trade(
        id=show("trade", row.id),
        object="trade",
        payment=show("payment", row.payment),
        merchant=show("party", row.merchant),
        seller=show("party", row.seller),
        buyer=show("party", row.buyer),
        state=row.state,
        title=row.title,
        category=row.category,
        delivery=row.delivery,
        currency=row.currency,
        amount=row.amount,
        tax=row.tax,
        refunded=row.refunded,
        released=row.released,
        returned=row.returned,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        commission=row.commission if inner else None,
        settle_currency=row.settle_currency if inner else None,
        settle_amount=row.settle_amount if inner else None,
        tracking=row.tracking,
        due=None if row.due is None else row.due // SECOND,
        version=row.version,
        created=row.created // SECOND,
    )


def refund(row: payments.Refund) -> objects.Refund:
    """A refund."""
    return objects.Refund(
        id=show("refund", row.id),
        object="refund",
        payment=show("payment", row.payment),
        trade=show_some("trade", row.trade),
        merchant=show("party", row.merchant),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        reason=row.reason,
        version=row.version,
        created=row.created // SECOND,
    )


def quote(row: exchange.Quote) -> objects.Quote:
    """A quote."""
    return objects.Quote(
        id=show("quote", row.id),
        object="quote",
        owner=show("party", row.owner),
        state=row.state,
        price_currency=row.price_currency,
        pay_currency=row.pay_currency,
        rate=objects.Rate(row.numerator, row.denominator),
        source=row.source,
        expires=row.expires // SECOND,
        version=row.version,
        created=row.created // SECOND,
    )


def deal(row: exchange.Deal) -> reports.Deal:
    """A deal."""
    return reports.Deal(
        id=show("deal", row.id),
        object="deal",
        state=row.state,
        sell_currency=row.sell_currency,
        sell_amount=row.sell_amount,
        buy_currency=row.buy_currency,
        buy_amount=row.buy_amount,
        sold=row.sold,
        bought=row.bought,
        reference=row.reference,
        version=row.version,
        created=row.created // SECOND,
    )


def topup(row: topups.Topup) -> objects.Topup:
    """A top-up."""
    return objects.Topup(
        id=show("topup", row.id),
        object="topup",
        party=show("party", row.party),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        credited=row.credited,
        reference=row.reference,
        version=row.version,
        created=row.created // SECOND,
    )


def payout(row: payouts.Payout) -> objects.Payout:
    """A payout."""
    return objects.Payout(
        id=show("payout", row.id),
        object="payout",
        party=show("party", row.party),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        source=Purpose(row.source).name.lower(),
        file=show_some("file", row.file),
        end_to_end=row.end_to_end,
        version=row.version,
        created=row.created // SECOND,
    )


def payout_file(row: payouts.PayoutFile) -> reports.PayoutFile:
    """A bank file, without its content."""
    return reports.PayoutFile(
        id=show("file", row.id),
        object="payout_file",
        state=row.state,
        currency=row.currency,
        count=row.count,
        total=row.total,
        digest=row.digest.hex(),
        version=row.version,
        created=row.created // SECOND,
    )


def custody_account(row: custody.CustodyAccount) -> reports.CustodyAccount:
    """A custody account."""
    return reports.CustodyAccount(
        id=show("custody_account", row.id),
        object="custody_account",
        iban=row.iban,
        routing=row.routing,
        bic=row.bic,
        name=row.name,
        currency=row.currency,
        mode=row.mode,
        version=row.version,
        created=row.created // SECOND,
    )


def bank_statement(row: custody.BankStatement) -> reports.BankStatement:
    """A bank statement."""
    return reports.BankStatement(
        id=show("statement", row.id),
        object="statement",
        account=show("custody_account", row.account),
        currency=row.currency,
        number=row.number,
        from_date=row.from_date,
        to_date=row.to_date,
        opening=row.opening,
        closing=row.closing,
        lines=row.lines,
        version=row.version,
        created=row.created // SECOND,
    )


def bank_line(row: custody.BankLine) -> reports.BankLine:
    """A bank line, without what it tells of persons."""
    return reports.BankLine(
        id=show("line", row.id),
        object="bank_line",
        statement=show("statement", row.statement),
        account=show("custody_account", row.account),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        booked_on=row.booked_on,
        reason=row.reason,
        version=row.version,
        created=row.created // SECOND,
    )


def endpoint(row: notifications.Endpoint, secret: str | None = None) -> objects.Endpoint:
    """A webhook endpoint; with its secret where it was made just now."""
    return objects.Endpoint(
        id=show("endpoint", row.id),
        object="webhook_endpoint",
        party=show("party", row.party),
        url=row.url,
        types=row.types.split(),
        state=row.state,
        secret=secret,
        former_secret_until=row.former_until // SECOND or None,
        version=row.version,
        created=row.created // SECOND,
    )


def delivery(row: notifications.Delivery) -> objects.Delivery:
    """A delivery."""
    return objects.Delivery(
        id=show("delivery", row.id),
        object="delivery",
        endpoint=show("endpoint", row.endpoint),
        event=show("event", row.event),
        state=row.state,
        tries=row.tries,
        due=None if row.due is None else row.due // SECOND,
        last_try=None if row.last_try is None else row.last_try // SECOND,
        last_status=row.last_status or None,
        last_error=row.last_error or None,
        created=row.created // SECOND,
    )
