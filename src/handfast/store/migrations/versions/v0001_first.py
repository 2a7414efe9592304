"""The first schema: the ledger, the desk's own tables, and a table for each kind of object of the domain."""

import re

from alembic import op

from handfast.store.migrations.first_domain import DOMAIN

revision = "0001"
down_revision = None

# Written in PostgreSQL's words; SQLite has its own for the three types. A narrow table lives in its key's tree there
# (WITHOUT ROWID: updates cost 10 to 30 % less). A wide one does not, since whole rows would fill the inner pages and a
# digest as key would scatter them: that made inserting operations 2.6 times as dear.
_SQLITE = (("bytea", "BLOB"), ("bigint", "INTEGER"), ("text", "TEXT"))
_WIDE = frozenset(
    {
        "attempts",
        "apps",
        "bank_lines",
        "checkouts",
        "claims",
        "deliveries",
        "desk",
        "disputes",
        "endpoints",
        "entries",
        "events",
        "evidence",
        "new_events",
        "intentions",
        "head_slices",
        "heads",
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
    "intentions": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        books bigint NOT NULL CHECK (books > 0),
        body bytea NOT NULL""",
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
    "heads": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), number bigint NOT NULL CHECK (number > 0),
        before bigint NOT NULL CHECK (before >= 0), size bigint NOT NULL UNIQUE CHECK (size > before),
        root bytea NOT NULL CHECK (length(root) = 32), entries bigint NOT NULL, entries_to bigint NOT NULL,
        events bigint NOT NULL, events_to bigint NOT NULL, terms bytea NOT NULL CHECK (length(terms) % 16 = 0),
        key bytea NOT NULL CHECK (length(key) = 32), signature bytea NOT NULL CHECK (length(signature) = 64),
        version bigint NOT NULL, created bigint NOT NULL""",
    "head_slices": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        leaves bytea NOT NULL CHECK (length(leaves) > 0 AND length(leaves) % 32 = 0)""",
    "head_nodes": """
        id bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16), hash bytea NOT NULL CHECK (length(hash) = 32)""",
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
    ("attempts", "delivery, number", ""),
    ("heads", "entries_to", ""),
    ("heads", "events_to", ""),
    ("apps", "party, id", ""),
    ("checkouts", "due, id", "due IS NOT NULL"),
    ("checkouts", "payment", "payment <> id"),
    ("checkout_parts", "checkout, id", ""),
    ("receivers", "merchant, created, id", ""),
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

_APPEND_ONLY = (
    *("entries", "statements", "refused_entries", "events", "operations", "policies", "policy_names"),
    *("heads", "head_slices", "head_nodes"),
)
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
    for name, columns in (_LEDGER | desk | DOMAIN).items():
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
