"""The table of all routes of /v1: it drives the dispatch, the scopes, the OpenAPI document and the tests."""

from handfast.domain import (
    disputes,
    exchange,
    notifications,
    parties,
    payments,
    payouts,
    receivables,
    topups,
    trades,
    transfers,
)
from handfast.domain.claims import CLAIMS
from handfast.domain.disputes import DISPUTES
from handfast.domain.exchange import DEALS, QUOTES
from handfast.domain.notifications import ENDPOINTS
from handfast.domain.parties import PARTIES
from handfast.domain.payments import CONSENTS, PAYMENTS
from handfast.domain.payouts import PAYOUT_FILES, PAYOUT_PLANS, PAYOUTS
from handfast.domain.policies import Book, read_book
from handfast.domain.receivables import WRITE_OFFS
from handfast.domain.topups import TOPUPS
from handfast.domain.trades import TRADES
from handfast.domain.transfers import TRANSFERS
from handfast.gateways.native import (
    batching,
    claiming,
    disputing,
    evidence,
    house,
    operations,
    outlook,
    owing,
    paying_out,
    people,
    policies,
    proofs,
    quarrels,
    reports,
    selling,
    trading,
    wallets,
    webhooks,
    wire,
    wire_trades,
)
from handfast.gateways.native.calls import act, route, see
from handfast.gateways.native.house import JournalQuery, nobody
from handfast.gateways.native.lists import (
    EntryPage,
    EventPage,
    Page,
    PartyPage,
    PaymentPage,
    PayoutPage,
    QuarrelPage,
    RefundPage,
    StatePage,
    TradePage,
    listing,
    pages,
)
from handfast.gateways.native.operations import OperationQuery
from handfast.gateways.native.selling import Expand
from handfast.gateways.native.webhooks import DeliveryPage
from handfast.gateways.native.wire import Nothing
from handfast.store.rows import EVENTS

BUYER, SELLER, EITHER = "transfers", "payments", "payments transfers"
"""The scopes of what a buyer does, what a seller does, and what both do."""

QUARREL = {"trade": "trade", "seller": "party", "buyer": "party"}

ROUTES = (
    # Parties and keys
    route("POST", "/v1/parties", "operate", people.create_party, body=wire.NewParty),
    pages("/v1/parties", "party", PARTIES, (), PartyPage, scope="operate"),
    route("GET", "/v1/parties/{id}", "read", people.see_party, "party"),
    act("/v1/parties/{id}/suspend", "operate", Nothing, parties.move_party, people.suspend_party, "party"),
    act("/v1/parties/{id}/resume", "operate", Nothing, parties.move_party, people.resume_party, "party"),
    act("/v1/parties/{id}/erase", "operate", Nothing, parties.move_party, people.erase_party, "party"),
    route("POST", "/v1/parties/{id}/details", "payouts", people.change_details, "party", wire.NewDetails),
    act(
        "/v1/parties/{id}/accept_payee",
        "operate",
        wire.Reasons,
        parties.accept_payee,
        people.accept_payee,
        "party",
    ),
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
    route("POST", "/v1/payments/batch", "payments", batching.create, body=wire.PaymentBatch, reads=batching.read_batch),
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
    see("/v1/trades/{id}", "trade", TRADES, trading.owners),
    route("GET", "/v1/trades/{id}/timeline", "read", trading.see_timeline, "trade"),
    act("/v1/trades/{id}/ship", SELLER, wire.Shipment, trades.ship, trading.ship, "trade"),
    act("/v1/trades/{id}/deliver", SELLER, wire_trades.DeliveryProof, trades.deliver, trading.deliver, "trade"),
    act("/v1/trades/{id}/confirm", BUYER, Nothing, trades.confirm, trading.confirm, "trade"),
    act("/v1/trades/{id}/release", BUYER, wire_trades.ReleaseOf, trades.release, trading.release, "trade"),
    act("/v1/trades/{id}/extend", EITHER, Nothing, trades.extend, trading.extend, "trade"),
    act("/v1/trades/{id}/propose", EITHER, wire_trades.NewProposal, trades.propose, trading.propose, "trade"),
    act("/v1/trades/{id}/agree", EITHER, wire_trades.NewProposal, payments.agree, trading.agree, "trade"),
    act("/v1/trades/{id}/drop", EITHER, Nothing, trades.drop, trading.drop, "trade"),
    act("/v1/quotes", "payments transfers", wire.NewQuote, exchange.create, selling.create_quote),
    pages("/v1/quotes", "quote", QUOTES, ("owner",)),
    see("/v1/quotes/{id}", "quote", QUOTES, lambda row: (row.owner,)),
    # Claims and disputes
    route("POST", "/v1/claims", BUYER, claiming.ask, body=wire_trades.NewClaim),
    pages("/v1/claims", "claim", CLAIMS, ("seller", "buyer"), QuarrelPage, QUARREL, through=("trade", "merchant")),
    route("GET", "/v1/claims/{id}", "read", claiming.see, "claim"),
    route("POST", "/v1/claims/{id}/change", BUYER, claiming.change, "claim", wire_trades.ClaimChange),
    route("POST", "/v1/claims/{id}/agree", SELLER, claiming.agree, "claim", Nothing),
    route("POST", "/v1/claims/{id}/offer", SELLER, claiming.offer, "claim", wire_trades.NewOffer),
    route("POST", "/v1/claims/{id}/accept", BUYER, claiming.accept, "claim", Nothing),
    route("POST", "/v1/claims/{id}/refuse", SELLER, claiming.refuse, "claim", wire_trades.ClaimAnswer),
    route("POST", "/v1/claims/{id}/withdraw", BUYER, claiming.withdraw, "claim", Nothing),
    route("POST", "/v1/claims/{id}/send_back", BUYER, claiming.send_back, "claim", wire_trades.SentBack),
    route("POST", "/v1/claims/{id}/receive", SELLER, claiming.receive, "claim", Nothing),
    act("/v1/disputes", EITHER, wire_trades.NewDispute, disputes.open_dispute, disputing.open_dispute),
    pages(
        "/v1/disputes", "dispute", DISPUTES, ("seller", "buyer"), QuarrelPage, QUARREL, through=("trade", "merchant")
    ),
    listing("/v1/disputes/queue", "operate", disputing.list_queue, quarrels.Dispute, disputing.QueuePage),
    see("/v1/disputes/{id}", "dispute", DISPUTES, evidence.sides),
    route(
        "POST",
        "/v1/disputes/{id}/evidence",
        EITHER,
        evidence.add,
        "dispute",
        wire_trades.NewEvidence,
        longest=evidence.LONGEST,
    ),
    route("GET", "/v1/disputes/{id}/evidence", "read", evidence.list_shown, "dispute"),
    act("/v1/disputes/{id}/rest", EITHER, Nothing, disputes.rest, disputing.rest, "dispute"),
    act("/v1/disputes/{id}/concede", SELLER, Nothing, disputes.concede, disputing.concede, "dispute"),
    act("/v1/disputes/{id}/withdraw", BUYER, Nothing, disputes.withdraw, disputing.withdraw, "dispute"),
    act("/v1/disputes/{id}/decide", "operate", wire_trades.NewDecision, disputes.decide, disputing.decide, "dispute"),
    act("/v1/disputes/{id}/approve", "operate", Nothing, disputes.approve, disputing.approve, "dispute"),
    act("/v1/disputes/{id}/reject", "operate", Nothing, disputes.reject, disputing.reject, "dispute"),
    route("POST", "/v1/disputes/{id}/appeal", EITHER, disputing.appeal, "dispute", wire_trades.NewAppeal),
    act("/v1/disputes/{id}/accept", EITHER, Nothing, disputes.accept, disputing.accept, "dispute"),
    route("GET", "/v1/evidence/{id}", "read", evidence.see, "evidence"),
    route("GET", "/v1/evidence/{id}/content", "read", evidence.see_content, "evidence"),
    # Policies
    route("POST", "/v1/policies", "operate", policies.publish, body=Book, reads=read_book),
    listing("/v1/policies", "read", policies.list_policies, reports.PublishedPolicy, policies.PolicyPage),
    route("GET", "/v1/policies/{id}", "read", policies.see_policy, "policy"),
    route("GET", "/v1/policy_book", "read", policies.see_book),
    # Money in, money out, money there
    act("/v1/topups", "payouts", wire.NewTopup, topups.create, wallets.create_topup),
    pages("/v1/topups", "topup", TOPUPS, ("party",), StatePage),
    see("/v1/topups/{id}", "topup", TOPUPS, lambda row: (row.party,)),
    act("/v1/payouts", "payouts", wire.NewPayout, payouts.request, paying_out.create_payout),
    pages("/v1/payouts", "payout", PAYOUTS, ("party",), PayoutPage, {"file": "file"}),
    listing("/v1/payouts/preview", "read", paying_out.see_preview, outlook.PayoutPreview, paying_out.PreviewPage),
    see("/v1/payouts/{id}", "payout", PAYOUTS, lambda row: (row.party,)),
    act("/v1/payouts/{id}/cancel", "payouts", Nothing, payouts.cancel, paying_out.cancel_payout, "payout"),
    act("/v1/payouts/{id}/reject", "operate", wire.Reasons, payouts.reject, paying_out.reject_payout, "payout"),
    act("/v1/payout_plans", "payouts", wire.NewPlan, payouts.set_plan, paying_out.set_plan),
    pages("/v1/payout_plans", "plan", PAYOUT_PLANS, ("party",)),
    see("/v1/payout_plans/{id}", "plan", PAYOUT_PLANS, lambda row: (row.party,)),
    route("GET", "/v1/balances", "read", wallets.see_balances),
    route("GET", "/v1/entries", "read", wallets.list_entries, query=EntryPage),
    listing("/v1/receivables", "read", owing.list_receivables, reports.Receivable, Page),
    route("POST", "/v1/receivables/net", "operate", owing.net, body=wire_trades.NewNetting),
    act("/v1/write_offs", "operate", wire_trades.NewWriteOff, receivables.write_off, owing.write_off),
    pages("/v1/write_offs", "write_off", WRITE_OFFS, ("party",)),
    see("/v1/write_offs/{id}", "write_off", WRITE_OFFS, owing.owner),
    # The house
    route("GET", "/v1/balances/snapshot", "operate", house.see_snapshot),
    route("GET", "/v1/journal", "operate", house.list_journal, query=JournalQuery),
    route("GET", "/v1/custody", "operate", house.see_custody),
    route("POST", "/v1/statements", "operate", house.import_statement, media_type="application/xml"),
    act("/v1/deals", "operate", wire.NewDeal, exchange.agree_deal, house.agree_deal),
    see("/v1/deals/{id}", "deal", DEALS, nobody),
    act("/v1/sweeps", "operate", wire.NewSweep, payouts.sweep, paying_out.sweep),
    route("POST", "/v1/payout_files", "operate", paying_out.prepare_file, body=wire.NewFile),
    pages("/v1/payout_files", "file", PAYOUT_FILES, (), StatePage, scope="operate"),
    see("/v1/payout_files/{id}", "file", PAYOUT_FILES, nobody),
    route("POST", "/v1/payout_files/{id}/approve", "operate", paying_out.approve_file, "file", Nothing),
    route("POST", "/v1/payout_files/{id}/reject", "operate", paying_out.reject_file, "file", wire.Reasons),
    route("GET", "/v1/payout_files/{id}/content", "operate", paying_out.see_file_content, "file"),
    # Events and webhooks
    pages("/v1/events", "event", EVENTS, (), EventPage, by="seq", own=notifications.owed_to),
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
    # What anybody can check
    route("GET", "/v1/keys", None, proofs.see_keys),
    route("GET", "/v1/heads", None, proofs.list_heads, query=proofs.HeadQuery),
    route("GET", "/v1/heads/{id}", None, proofs.see_head, "head"),
    route("GET", "/v1/heads/{id}/consistency", None, proofs.see_consistency, "head", query=proofs.SpanQuery),
    route("GET", "/v1/receipts/{id}", "read", proofs.see_receipt, proofs.PROVED),
    # What became of a request
    route("GET", "/v1/operations", "read", operations.find_operation, query=OperationQuery),
    route("GET", "/v1/operations/{id}", "read", operations.see_operation, "operation"),
)
"""Method, path, scope, what does it, and what goes in and comes out."""
