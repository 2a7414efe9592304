"""The table of all routes of /v1: it drives the dispatch, the scopes, the OpenAPI document and the tests."""

from handfast.domain import exchange, notifications, parties, payments, payouts, topups, trades, transfers
from handfast.domain.exchange import DEALS, QUOTES
from handfast.domain.notifications import ENDPOINTS
from handfast.domain.parties import PARTIES
from handfast.domain.payments import CONSENTS, PAYMENTS
from handfast.domain.payouts import PAYOUT_FILES, PAYOUTS
from handfast.domain.topups import TOPUPS
from handfast.domain.trades import TRADES
from handfast.domain.transfers import TRANSFERS
from handfast.gateways.native import house, operations, people, selling, wallets, webhooks, wire
from handfast.gateways.native.calls import act, route, see
from handfast.gateways.native.house import JournalQuery, nobody
from handfast.gateways.native.lists import (
    EntryPage,
    EventPage,
    PartyPage,
    PaymentPage,
    RefundPage,
    StatePage,
    TradePage,
    pages,
)
from handfast.gateways.native.operations import OperationQuery
from handfast.gateways.native.selling import Expand
from handfast.gateways.native.webhooks import DeliveryPage
from handfast.gateways.native.wire import Nothing
from handfast.store.rows import EVENTS

ROUTES = (
    # Parties and keys
    route("POST", "/v1/parties", "operate", people.create_party, body=wire.NewParty),
    pages("/v1/parties", "party", PARTIES, (), PartyPage, scope="operate"),
    route("GET", "/v1/parties/{id}", "read", people.see_party, "party"),
    act("/v1/parties/{id}/suspend", "operate", Nothing, parties.move_party, people.suspend_party, "party"),
    act("/v1/parties/{id}/resume", "operate", Nothing, parties.move_party, people.resume_party, "party"),
    act("/v1/parties/{id}/erase", "operate", Nothing, parties.move_party, people.erase_party, "party"),
    route("POST", "/v1/api_keys", "operate", people.create_api_key, body=wire.NewClient),
    act("/v1/api_keys/{id}/revoke", "operate", Nothing, parties.revoke_client, people.revoke_api_key, "client"),
    act("/v1/consents", "transfers", wire.NewConsent, payments.give, selling.give_consent),
    see("/v1/consents/{id}", "consent", CONSENTS, lambda row: (row.payer, row.merchant)),
    route("POST", "/v1/consents/{id}/withdraw", "transfers", selling.withdraw_consent, "consent", Nothing),
    # Wallet to wallet
    act("/v1/transfers", "transfers", wire.NewTransfer, transfers.create, wallets.create_transfer),
    pages("/v1/transfers", "transfer", TRANSFERS, ("payer", "payee")),
    see("/v1/transfers/{id}", "transfer", TRANSFERS, lambda row: (row.payer, row.payee)),
    # Payments
    act("/v1/payments", "payments", wire.NewPayment, payments.create, selling.create_payment),
    route("POST", "/v1/payments/batch", "payments", selling.create_batch, body=wire.PaymentBatch),
    pages("/v1/payments", "payment", PAYMENTS, (), PaymentPage, own=selling.own_payments),
    route("GET", "/v1/payments/{id}", "read", selling.see_payment, "payment", query=Expand),
    act("/v1/payments/{id}/pay", "transfers", wire.Pay, payments.pay, selling.pay_payment, "payment"),
    act("/v1/payments/{id}/capture", "payments", wire.Capture, payments.capture, selling.capture_payment, "payment"),
    act("/v1/payments/{id}/void", "payments", Nothing, payments.void, selling.void_payment, "payment"),
    act("/v1/payments/{id}/cancel", "payments", Nothing, payments.cancel, selling.cancel_payment, "payment"),
    act("/v1/payments/{id}/refund", "payments", wire.RefundOf, payments.refund, selling.refund_payment, "payment"),
    act("/v1/refunds", "payments", wire.NewRefund, payments.refund, selling.create_refund),
    route("GET", "/v1/refunds", "read", selling.list_refunds, query=RefundPage),
    route("GET", "/v1/refunds/{id}", "read", selling.see_refund, "refund"),
    # Trades and quotes
    pages(
        "/v1/trades",
        "trade",
        TRADES,
        ("seller", "buyer"),
        TradePage,
        {"payment": "payment"},
        through=("payment", "merchant"),
    ),
    see("/v1/trades/{id}", "trade", TRADES, lambda row: (row.seller, row.merchant, row.buyer)),
    act("/v1/trades/{id}/ship", "payments", wire.Shipment, trades.ship, selling.ship_trade, "trade"),
    act("/v1/trades/{id}/confirm", "transfers", Nothing, trades.confirm, selling.confirm_trade, "trade"),
    act("/v1/quotes", "payments transfers", wire.NewQuote, exchange.create, selling.create_quote),
    pages("/v1/quotes", "quote", QUOTES, ("owner",)),
    see("/v1/quotes/{id}", "quote", QUOTES, lambda row: (row.owner,)),
    # Money in, money out, money there
    act("/v1/topups", "payouts", wire.NewTopup, topups.create, wallets.create_topup),
    pages("/v1/topups", "topup", TOPUPS, ("party",), StatePage),
    see("/v1/topups/{id}", "topup", TOPUPS, lambda row: (row.party,)),
    act("/v1/payouts", "payouts", wire.NewPayout, payouts.request, wallets.create_payout),
    pages("/v1/payouts", "payout", PAYOUTS, ("party",), StatePage),
    see("/v1/payouts/{id}", "payout", PAYOUTS, lambda row: (row.party,)),
    act("/v1/payouts/{id}/cancel", "payouts", Nothing, payouts.cancel, wallets.cancel_payout, "payout"),
    route("GET", "/v1/balances", "read", wallets.see_balances),
    route("GET", "/v1/entries", "read", wallets.list_entries, query=EntryPage),
    # The house
    route("GET", "/v1/balances/snapshot", "operate", house.see_snapshot),
    route("GET", "/v1/journal", "operate", house.list_journal, query=JournalQuery),
    route("GET", "/v1/custody", "operate", house.see_custody),
    route("POST", "/v1/statements", "operate", house.import_statement, media_type="application/xml"),
    act("/v1/deals", "operate", wire.NewDeal, exchange.agree_deal, house.agree_deal),
    see("/v1/deals/{id}", "deal", DEALS, nobody),
    act("/v1/sweeps", "operate", wire.NewSweep, payouts.sweep, house.sweep),
    route("POST", "/v1/payout_files", "operate", house.write_payout_file, body=wire.NewFile),
    see("/v1/payout_files/{id}", "file", PAYOUT_FILES, nobody),
    route("GET", "/v1/payout_files/{id}/content", "operate", house.see_payout_file_content, "file"),
    # Events and webhooks
    pages("/v1/events", "event", EVENTS, ("owner",), EventPage, by="seq"),
    see("/v1/events/{id}", "event", EVENTS, lambda row: (row.owner,)),
    route("POST", "/v1/webhook_endpoints", "webhooks", webhooks.create_endpoint, body=wire.NewEndpoint),
    pages("/v1/webhook_endpoints", "endpoint", ENDPOINTS, ("party",), StatePage, scope="webhooks"),
    see("/v1/webhook_endpoints/{id}", "endpoint", ENDPOINTS, webhooks.party_of),
    act(
        "/v1/webhook_endpoints/{id}/disable",
        "webhooks",
        Nothing,
        notifications.move_endpoint,
        webhooks.disable_endpoint,
        "endpoint",
    ),
    act(
        "/v1/webhook_endpoints/{id}/enable",
        "webhooks",
        Nothing,
        notifications.move_endpoint,
        webhooks.enable_endpoint,
        "endpoint",
    ),
    route("POST", "/v1/webhook_endpoints/{id}/rotate_secret", "webhooks", webhooks.rotate_secret, "endpoint", Nothing),
    route("POST", "/v1/webhook_endpoints/{id}/replay", "webhooks", webhooks.replay_events, "endpoint", wire.ReplayOf),
    route(
        "GET",
        "/v1/webhook_endpoints/{id}/deliveries",
        "webhooks",
        webhooks.list_deliveries,
        "endpoint",
        query=DeliveryPage,
    ),
    route("GET", "/v1/deliveries/{id}", "webhooks", webhooks.see_delivery, "delivery"),
    act("/v1/deliveries/{id}/replay", "webhooks", Nothing, notifications.replay, webhooks.replay_delivery, "delivery"),
    # What became of a request
    route("GET", "/v1/operations", "read", operations.find_operation, query=OperationQuery),
    route("GET", "/v1/operations/{id}", "read", operations.see_operation, "operation"),
)
"""Method, path, scope, what does it, and what goes in and comes out."""
