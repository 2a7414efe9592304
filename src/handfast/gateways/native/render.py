"""From a row of the domain to the object that clients see: one function for each type of row."""

from msgspec import Raw

from handfast.domain import (
    custody,
    exchange,
    heads,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    topups,
    transfers,
)
from handfast.gateways.native import objects, receipts, reports
from handfast.gateways.native.prefixes import show, show_some
from handfast.ledger import Purpose

SECOND = 1_000_000


def seconds(moment: int | None) -> objects.Seconds | None:
    """A moment, or a length of time, in whole seconds, if there is one."""
    return None if moment is None else moment // SECOND


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
        commission_minimum=row.commission_minimum,
        commission_cap=row.commission_cap,
        listing_fee=row.listing_fee,
        commission_currency=row.commission_currency or None,
        payee_check=row.payee_check or None,
        payee_reason=row.payee_reason or None,
        payee_by=show_some("client", row.payee_by),
        payee_handler=show_some("client", row.payee_handler),
        details=None if details is None else _details(details),
        version=row.version,
        created=row.created // SECOND,
    )


def _details(details: parties.Details) -> objects.PartyDetails:
    return objects.PartyDetails(
        details.name,
        details.email,
        details.iban,
        details.routing,
        details.account,
        details.bic,
        details.payee if details.iban or details.account else "",
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
        reason=row.reason or None,
        version=row.version,
        created=row.created // SECOND,
    )


def payout_plan(row: payouts.PayoutPlan) -> objects.PayoutPlan:
    """A payout plan."""
    return objects.PayoutPlan(
        id=show("plan", row.id),
        object="payout_plan",
        party=show("party", row.party),
        currency=row.currency,
        every=row.every,
        day=row.day,
        minimum=row.minimum,
        due=seconds(row.due),
        payout=show_some("payout", row.payout),
        outcome=row.outcome or None,
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
        four_eyes=row.prepared_by != row.decided_by,
        prepared_by=show("client", row.prepared_by),
        decided_by=show_some("client", row.decided_by),
        reason=row.reason or None,
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
        gateway=row.gateway,
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
        url=row.url,
        state=row.state,
        tries=row.tries,
        due=seconds(row.due),
        last_try=seconds(row.last_try),
        last_status=row.last_status or None,
        last_error=row.last_error or None,
        created=row.created // SECOND,
    )


def attempt(row: notifications.Attempt) -> objects.Attempt:
    """One try of a delivery."""
    return objects.Attempt(row.number, row.at // SECOND, row.status or None, row.error or None, row.answer)


def policy(row: policies.PolicyRow) -> reports.PublishedPolicy:
    """A published policy."""
    content = policies.policy_of(row)
    return reports.PublishedPolicy(
        show("policy", row.id), "policy", content.name, content.version, content, row.created // SECOND
    )


def policy_book(row: policies.BookRow) -> reports.PolicyBook:
    """The rules in force."""
    return reports.PolicyBook(
        id=show("policy_book", row.id),
        object="policy_book",
        state=row.state,
        rules=[
            reports.PolicyRule(category, delivery, show("policy", policy))
            for category, delivery, policy in policies.rules_of(row)
        ],
        version=row.version,
        created=row.created // SECOND,
    )


def write_off(row: receivables.WriteOff) -> reports.WriteOff:
    """A write-off."""
    return reports.WriteOff(
        id=show("write_off", row.id),
        object="write_off",
        party=show("party", row.party),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        reason=row.reason,
        handler=show("client", row.handler),
        version=row.version,
        created=row.created // SECOND,
    )


def netting(row: receivables.Netting, amount: int | None = None, owed: int | None = None) -> reports.Netting:
    """A netting; with what it moved where the books were asked."""
    party = show("party", row.party)
    return reports.Netting(show("netting", row.id), "netting", party, row.currency, amount, owed, row.created // SECOND)


def head(row: heads.Head) -> receipts.Head:
    """A signed head."""
    return receipts.Head(**heads.published(row))
