"""The first schema: the ledger, the desk's own tables, and a table for each kind of object of the domain."""

import re

from alembic import op

revision = "0001"
down_revision = None

# Written in PostgreSQL's words; SQLite has its own for the three types. A narrow table lives in its key's tree there
# (WITHOUT ROWID: updates cost 10 to 30 % less). A wide one does not, since whole rows would fill the inner pages and a
# digest as key would scatter them: that made inserting operations 2.6 times as dear.
_SQLITE = (("bytea", "BLOB"), ("bigint", "INTEGER"), ("text", "TEXT"))
_WIDE = frozenset(
    {
        "bank_lines",
        "claims",
        "deliveries",
        "desk",
        "disputes",
        "endpoints",
        "entries",
        "events",
        "evidence",
        "new_events",
        "operations",
        "parties",
        "payments",
        "payout_files",
        "payouts",
        "policies",
        "policy_books",
        "transfers",
        "write_offs",
    }
)

_LEDGER = {
    "accounts": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        debits_pending bigint NOT NULL CHECK (debits_pending >= 0),
        debits_posted bigint NOT NULL CHECK (debits_posted >= 0),
        credits_pending bigint NOT NULL CHECK (credits_pending >= 0),
        credits_posted bigint NOT NULL CHECK (credits_posted >= 0),
        newest bytea NOT NULL CHECK (length(newest) % 8 = 0)""",
    "statements": """
        account bytea NOT NULL CHECK (length(account) = 16),
        first bigint NOT NULL CHECK (first > 0),
        places bytea NOT NULL CHECK (length(places) > 0 AND length(places) % 8 = 0),
        PRIMARY KEY (account, first)""",
    "entries": """
        id bytea NOT NULL UNIQUE CHECK (length(id) = 16),
        seq bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
        kind text NOT NULL,
        at bigint NOT NULL,
        postings bytea NOT NULL""",
    "pendings": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        debit bytea NOT NULL CHECK (length(debit) = 16),
        credit bytea NOT NULL CHECK (length(credit) = 16),
        amount bigint NOT NULL CHECK (amount > 0),
        state text NOT NULL CHECK (state IN ('pending', 'posted', 'voided'))""",
    "refused_entries": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16)""",
}

_DESK = {
    "desk": """
        id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
        epoch bigint NOT NULL,
        commits bigint NOT NULL""",
    "operations": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        verb text NOT NULL,
        actor text NOT NULL,
        request bytea NOT NULL,
        object bytea,
        fingerprint bytea NOT NULL,
        outcome text NOT NULL,
        body bytea NOT NULL,
        told bytea,
        at bigint NOT NULL""",
    "events": """
        id bytea NOT NULL UNIQUE CHECK (length(id) = 16),
        seq bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
        type text NOT NULL,
        owner bytea NOT NULL,
        operation bytea NOT NULL,
        at bigint NOT NULL,
        body bytea NOT NULL""",
}

# On SQLite operations lie in order of time and are found by `operation_keys`, which the desk fills later, a slice of
# keys at a time; its own row tells how far it is (store/filing.py). Events are found by owner in the same way
# (store/owed.py).
_SQLITE_DESK = {
    "desk": """
        id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
        epoch bigint NOT NULL,
        commits bigint NOT NULL,
        hand bigint NOT NULL DEFAULT 0,
        lap bigint NOT NULL DEFAULT 0,
        filed bigint NOT NULL DEFAULT 0""",
    "operations": "place bigint NOT NULL PRIMARY KEY CHECK (place > 0),"
    + _DESK["operations"].replace(" PRIMARY KEY", ""),
    "operation_keys": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        place bigint NOT NULL CHECK (place > 0)""",
    "new_events": """
        seq bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
        owner bytea NOT NULL""",
    "due_events": """
        owner bytea NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (owner, seq)""",
    "event_owners": """
        owner bytea NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (owner, seq)""",
}
_COLUMNS = "id, verb, actor, request, object, fingerprint, outcome, body, told, at"
_KNOWN = f"CREATE VIEW known_operations AS SELECT {_COLUMNS} FROM operations"
_SQLITE_KNOWN = f"""
    CREATE VIEW known_operations AS
    SELECT {_COLUMNS.replace("id,", "operation_keys.id AS id,", 1)}
    FROM operation_keys JOIN operations ON operations.place = operation_keys.place
    UNION ALL
    SELECT {_COLUMNS} FROM operations
    WHERE place > (SELECT filed FROM desk)
    AND NOT EXISTS (SELECT 1 FROM operation_keys WHERE operation_keys.id = operations.id)"""

_EVENT = "id, seq, type, owner, operation, at, body"
_OWED = f"CREATE VIEW owed_events AS SELECT {_EVENT} FROM events"
_SQLITE_OWED = "CREATE VIEW owed_events AS " + " UNION ALL ".join(
    f"""
    SELECT events.id AS id, {owners}.seq AS seq, type, {owners}.owner AS owner, operation, at, body
    FROM {owners} JOIN events ON events.seq = {owners}.seq"""
    for owners in ("event_owners", "due_events", "new_events")
)

_DOMAIN = {
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
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), party bytea NOT NULL, url text NOT NULL,
        types text NOT NULL, secret bytea NOT NULL, former_secret bytea NOT NULL, former_until bigint NOT NULL,
        state text NOT NULL, version bigint NOT NULL, created bigint NOT NULL""",
    "deliveries": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), endpoint bytea NOT NULL, event bytea NOT NULL,
        object bytea NOT NULL, seq bigint NOT NULL, place bigint NOT NULL, state text NOT NULL, tries bigint NOT NULL,
        due bigint, last_try bigint, last_status bigint NOT NULL, last_error text NOT NULL, created bigint NOT NULL""",
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
    "parties": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), kind text NOT NULL, state text NOT NULL,
        country text NOT NULL, settle_currency text NOT NULL, commission_bps bigint NOT NULL,
        commission_minimum bigint NOT NULL, commission_cap bigint NOT NULL, listing_fee bigint NOT NULL,
        commission_currency text NOT NULL, details bytea NOT NULL, payee_check text NOT NULL,
        payee_reason text NOT NULL, payee_by bytea, payee_handler bytea, version bigint NOT NULL,
        created bigint NOT NULL""",
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
        refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND captured), tax bigint NOT NULL,
        commission bigint NOT NULL, pay_currency text NOT NULL, pay_amount bigint NOT NULL,
        pay_position bigint NOT NULL, settle_currency text NOT NULL, settle_amount bigint NOT NULL,
        settle_position bigint NOT NULL, quote bytea, reference text NOT NULL, description text NOT NULL,
        metadata bytea NOT NULL, lines bytea NOT NULL, pending bytea, attempt bigint NOT NULL, due bigint,
        version bigint NOT NULL, created bigint NOT NULL""",
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

_INDEXES = (
    ("operations", "object", "outcome <> ''"),
    ("bank_statements", "account, to_date, id", ""),
    ("bank_lines", "state, id", "state = 'suspense'"),
    ("bank_lines", "object", "object IS NOT NULL"),
    ("quotes", "owner, id", ""),
    ("deals", "reference", ""),
    ("endpoints", "party, id", ""),
    ("deliveries", "endpoint, due, seq", "due IS NOT NULL"),
    ("deliveries", "endpoint, seq", ""),
    ("deliveries", "event", ""),
    ("parties", "kind, id", ""),
    ("api_clients", "party, id", ""),
    ("payments", "due, id", "due IS NOT NULL"),
    ("refunds", "payment, id", ""),
    ("refunds", "merchant, id", ""),
    ("consents", "payer", ""),
    ("payouts", "party, id", ""),
    ("payouts", "currency, id", "state = 'requested'"),
    ("payouts", "end_to_end", ""),
    ("payouts", "file", "file IS NOT NULL"),
    ("payout_plans", "due, id", "due IS NOT NULL"),
    ("payout_plans", "party, id", ""),
    ("topups", "party, id", ""),
    ("policies", "name, number", ""),
    ("claims", "due, id", "due IS NOT NULL"),
    ("claims", "trade, id", ""),
    ("claims", "seller, id", ""),
    ("claims", "buyer, id", ""),
    ("disputes", "due, id", "due IS NOT NULL"),
    ("disputes", "state, id", "state NOT IN ('final', 'withdrawn')"),
    ("disputes", "trade, id", ""),
    ("disputes", "seller, id", ""),
    ("disputes", "buyer, id", ""),
    ("evidence", "dispute, id", ""),
    ("write_offs", "party, id", ""),
    ("trades", "due, id", "due IS NOT NULL"),
    ("trades", "payment", ""),
    ("trades", "seller, currency", "refunded + released < amount + reserved"),
    ("trades", "seller, id", ""),
    ("trades", "buyer, id", ""),
    ("transfers", "payer, id", ""),
    ("transfers", "payee, id", ""),
)
_POSTGRES_INDEXES = (("events", "owner, seq", ""),)

_APPEND_ONLY = ("entries", "statements", "refused_entries", "events", "operations", "policies", "policy_names")
_SQLITE_APPEND_ONLY = (*_APPEND_ONLY, "operation_keys", "event_owners")
_NEVER_DELETED = ("accounts", "pendings")

_REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% refuses %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""


def upgrade() -> None:
    """Create everything."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    desk = _DESK | _SQLITE_DESK if sqlite else _DESK
    for name, columns in (_LEDGER | desk | _DOMAIN).items():
        op.execute(f"CREATE TABLE {name} ({_in_sqlite(columns) if sqlite else columns}\n)" + _options(name, sqlite))
    for table, columns, where in _INDEXES if sqlite else (*_INDEXES, *_POSTGRES_INDEXES):
        name = f"{table}_by_{columns.replace(', ', '_')}"
        op.execute(f"CREATE INDEX {name} ON {table} ({columns})" + (f" WHERE {where}" if where else ""))
    op.execute(_SQLITE_KNOWN if sqlite else _KNOWN)
    op.execute(_SQLITE_OWED if sqlite else _OWED)
    op.execute("INSERT INTO desk (id, epoch, commits) VALUES (1, 0, 0)")
    if not sqlite:
        op.execute(_REFUSE_CHANGE)
    for name in _SQLITE_APPEND_ONLY if sqlite else _APPEND_ONLY:
        _refuse(name, ("UPDATE", "DELETE"), sqlite=sqlite)
    for name in _NEVER_DELETED:
        _refuse(name, ("DELETE",), sqlite=sqlite)


def _in_sqlite(columns: str) -> str:
    for ours, theirs in _SQLITE:
        columns = re.sub(rf"\b{ours}\b", theirs, columns)
    return columns


def _options(table: str, sqlite: bool) -> str:
    if not sqlite:
        return ""
    return " STRICT" if table in _WIDE else " STRICT, WITHOUT ROWID"


def _refuse(table: str, changes: tuple[str, ...], *, sqlite: bool) -> None:
    """Have the database itself refuse these changes of a table."""
    if not sqlite:
        what = " OR ".join((*changes, "TRUNCATE"))
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE {what} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in changes:
        op.execute(
            f"CREATE TRIGGER {table}_keeps_{change.lower()} BEFORE {change} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} refuses {change}'); END"
        )
