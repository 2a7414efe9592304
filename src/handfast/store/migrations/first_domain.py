"""The first schema's tables of the domain, in PostgreSQL's words: a table for each kind of object."""

DOMAIN = {
    "custody_accounts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), iban text NOT NULL, routing text NOT NULL,
        bic text NOT NULL, name text NOT NULL, currency text NOT NULL, mode text NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "bank_statements": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), account bytea NOT NULL, currency text NOT NULL,
        number text NOT NULL, issued bigint NOT NULL, from_date text NOT NULL, to_date text NOT NULL,
        opening bigint NOT NULL, closing bigint NOT NULL, lines bigint NOT NULL, digest bytea NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "bank_lines": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), statement bytea NOT NULL, account bytea NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL, booked_on text NOT NULL, state text NOT NULL,
        reason text NOT NULL, object bytea, party bytea NOT NULL, details bytea NOT NULL, attempt bigint NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "quotes": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), owner bytea NOT NULL, state text NOT NULL,
        price_currency text NOT NULL, pay_currency text NOT NULL, numerator bigint NOT NULL,
        denominator bigint NOT NULL, source text NOT NULL, expires bigint NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "deals": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), state text NOT NULL, sell_currency text NOT NULL,
        sell_amount bigint NOT NULL, buy_currency text NOT NULL, buy_amount bigint NOT NULL, sold bigint NOT NULL,
        bought bigint NOT NULL, reference text NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "endpoints": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, gateway text NOT NULL,
        url text NOT NULL, types text NOT NULL, secret bytea NOT NULL, former_secret bytea NOT NULL,
        former_until bigint NOT NULL, state text NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "deliveries": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), endpoint bytea NOT NULL, event bytea NOT NULL,
        object bytea NOT NULL, url text NOT NULL, seq bigint NOT NULL, place bigint NOT NULL, state text NOT NULL,
        tries bigint NOT NULL, due bigint, last_try bigint, last_status bigint NOT NULL, last_error text NOT NULL,
        created bigint NOT NULL""",
    "attempts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), delivery bytea NOT NULL, number bigint NOT NULL,
        at bigint NOT NULL, status bigint NOT NULL, error text NOT NULL, answer text NOT NULL""",
    "policies": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), name text NOT NULL, number bigint NOT NULL,
        body bytea NOT NULL, created bigint NOT NULL""",
    "policy_names": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), policy bytea NOT NULL""",
    "policy_books": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), state text NOT NULL, body bytea NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "claims": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), trade bytea NOT NULL, payment bytea NOT NULL,
        merchant bytea NOT NULL, seller bytea NOT NULL, buyer bytea NOT NULL, state text NOT NULL, reason text NOT NULL,
        goods text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
        offered bigint NOT NULL CHECK (offered >= 0), offered_goods text NOT NULL, words bytea NOT NULL,
        answer bytea NOT NULL, tracking text NOT NULL, changes bigint NOT NULL, due bigint, version bigint NOT NULL,
        created bigint NOT NULL""",
    "disputes": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), trade bytea NOT NULL, claim bytea,
        payment bytea NOT NULL, merchant bytea NOT NULL, seller bytea NOT NULL, buyer bytea NOT NULL,
        state text NOT NULL, opened_by text NOT NULL, currency text NOT NULL, asked bigint NOT NULL CHECK (asked >= 0),
        outcome text NOT NULL, amount bigint NOT NULL CHECK (amount >= 0), reasons text NOT NULL, handler bytea,
        second bytea, appealed_by text NOT NULL, first_outcome text NOT NULL,
        first_amount bigint NOT NULL CHECK (first_amount >= 0), first_reasons text NOT NULL, first_handler bytea,
        first_second bytea, rested text NOT NULL, evidence_buyer bigint NOT NULL, evidence_seller bigint NOT NULL,
        evidence_operator bigint NOT NULL, evidence_until bigint NOT NULL, due bigint, version bigint NOT NULL,
        created bigint NOT NULL""",
    "evidence": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), dispute bytea NOT NULL, trade bytea NOT NULL,
        party bytea NOT NULL, side text NOT NULL, kind text NOT NULL, confidential bigint NOT NULL,
        media_type text NOT NULL, size bigint NOT NULL CHECK (size >= 0), digest bytea NOT NULL, sealed bytea NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "write_offs": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, state text NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), reason text NOT NULL,
        handler bytea NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "marks": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), value bigint NOT NULL""",
    "apps": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), gateway text NOT NULL, number text NOT NULL,
        party bytea NOT NULL, state text NOT NULL, public_key bytea NOT NULL, certificate bytea NOT NULL,
        secret bytea NOT NULL, sign_type text NOT NULL, notify_url text NOT NULL, permissions text NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "aliases": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), object bytea NOT NULL, digest bytea NOT NULL""",
    "checkouts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), gateway text NOT NULL, app bytea NOT NULL,
        number text NOT NULL, digest bytea NOT NULL, merchant bytea NOT NULL, buyer bytea, state text NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), capture text NOT NULL, lines bytea NOT NULL,
        notify_url text NOT NULL, return_url text NOT NULL, asked bytea NOT NULL, quote bytea, payment bytea,
        refundable bigint NOT NULL, declared bigint NOT NULL CHECK (declared >= 0), due bigint, version bigint NOT NULL,
        created bigint NOT NULL""",
    "declarations": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), checkout bytea NOT NULL, merchant bytea NOT NULL,
        number text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), customs text NOT NULL,
        order_number text NOT NULL, declared bytea NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "reports": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), checkout bytea NOT NULL, number text NOT NULL,
        kind text NOT NULL, said bytea NOT NULL, digest bytea NOT NULL, created bigint NOT NULL""",
    "refund_numbers": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), number text NOT NULL""",
    "checkout_parts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), checkout bytea NOT NULL, kind text NOT NULL,
        number text NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
        refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND amount), note text NOT NULL, created bigint NOT NULL""",
    "receivers": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), merchant bytea NOT NULL, payee bytea NOT NULL,
        state text NOT NULL, memo bytea NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "royalties": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), checkout bytea NOT NULL, kind text NOT NULL,
        number text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), shares bytea NOT NULL,
        created bigint NOT NULL""",
    "royalty_pots": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), given bytea NOT NULL, version bigint NOT NULL""",
    "payment_codes": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), buyer bytea NOT NULL, confirm bigint NOT NULL,
        expires bigint NOT NULL, used bytea, created bigint NOT NULL""",
    "grants": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), kind text NOT NULL, app bytea NOT NULL,
        party bytea NOT NULL, scopes text NOT NULL, expires bigint NOT NULL, used bigint, created bigint NOT NULL""",
    "parties": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), kind text NOT NULL, state text NOT NULL,
        country text NOT NULL, settle_currency text NOT NULL, commission_bps bigint NOT NULL,
        commission_minimum bigint NOT NULL, commission_cap bigint NOT NULL, listing_fee bigint NOT NULL,
        commission_currency text NOT NULL, details bytea NOT NULL, payee_check text NOT NULL,
        payee_reason text NOT NULL, payee_by bytea, payee_handler bytea, debtor bigint NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "logins": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL""",
    "person_keys": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), wrapped bytea NOT NULL""",
    "api_clients": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, name text NOT NULL,
        secret_hash bytea NOT NULL, scopes text NOT NULL, state text NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "payments": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), merchant bytea NOT NULL, payer bytea,
        state text NOT NULL, capture text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
        captured bigint NOT NULL CHECK (captured BETWEEN 0 AND amount),
        refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND captured),
        freed bigint NOT NULL CHECK (freed BETWEEN 0 AND amount - captured), tax bigint NOT NULL,
        commission bigint NOT NULL, pay_currency text NOT NULL, pay_amount bigint NOT NULL,
        pay_position bigint NOT NULL, settle_currency text NOT NULL, settle_amount bigint NOT NULL,
        settle_position bigint NOT NULL, quote bytea, reference text NOT NULL, description text NOT NULL,
        metadata bytea NOT NULL, lines bytea NOT NULL, pending bytea, attempt bigint NOT NULL, due bigint,
        paid bigint, version bigint NOT NULL, created bigint NOT NULL""",
    "refunds": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), payment bytea NOT NULL, trade bytea,
        merchant bytea NOT NULL, state text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
        pay_currency text NOT NULL, pay_amount bigint NOT NULL, reason text NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "consents": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), payer bytea NOT NULL, merchant bytea NOT NULL,
        currency text NOT NULL, ceiling bigint NOT NULL, state text NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "payouts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, state text NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), source bigint NOT NULL, file bytea,
        end_to_end text NOT NULL, details bytea NOT NULL, reason text NOT NULL, version bigint NOT NULL,
        created bigint NOT NULL""",
    "payout_files": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), state text NOT NULL, currency text NOT NULL,
        account bytea NOT NULL, count bigint NOT NULL, total bigint NOT NULL, digest bytea NOT NULL,
        content bytea NOT NULL, prepared_by bytea NOT NULL, decided_by bytea, reason text NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "payout_plans": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, currency text NOT NULL,
        every text NOT NULL, day bigint NOT NULL, minimum bigint NOT NULL CHECK (minimum >= 0), due bigint,
        payout bytea, outcome text NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "topups": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, state text NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL, credited bigint NOT NULL, reference text NOT NULL,
        version bigint NOT NULL, created bigint NOT NULL""",
    "topup_references": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), topup bytea NOT NULL""",
    "trades": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), payment bytea NOT NULL, merchant bytea NOT NULL,
        seller bytea NOT NULL, buyer bytea NOT NULL, state text NOT NULL, title text NOT NULL, category text NOT NULL,
        delivery text NOT NULL, policy bytea NOT NULL, currency text NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0), tax bigint NOT NULL, commission bigint NOT NULL,
        shares bytea NOT NULL, pay_currency text NOT NULL, pay_amount bigint NOT NULL, pay_position bigint NOT NULL,
        settle_currency text NOT NULL, settle_amount bigint NOT NULL, settle_position bigint NOT NULL,
        reserve_bps bigint NOT NULL, refunded bigint NOT NULL CHECK (refunded >= 0),
        released bigint NOT NULL CHECK (released >= 0),
        returned bigint NOT NULL CHECK (returned BETWEEN 0 AND released),
        reserved bigint NOT NULL CHECK (reserved >= 0),
        milestone bigint NOT NULL, due bigint, paused bigint CHECK (due IS NULL OR paused IS NULL),
        extended_by_buyer bigint NOT NULL, extended_by_seller bigint NOT NULL, extended_by_silence bigint NOT NULL,
        in_vain bigint NOT NULL, claim bytea, dispute bytea, proposal bytea NOT NULL, tracking text NOT NULL,
        shipped_at bigint, delivered_at bigint, released_at bigint, version bigint NOT NULL, created bigint NOT NULL,
        CHECK (refunded + released <= amount)""",
    "transfers": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), payer bytea NOT NULL, payee bytea NOT NULL,
        state text NOT NULL, currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), reference text NOT NULL,
        metadata bytea NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
}
