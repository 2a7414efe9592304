"""The closed tree of refusals: every way in which Handfast says no, each with a stable code.

Refusal                 code, message, param; never a traceback, never a secret
├── Invalid             the request itself is wrong; sending it again will not help
├── Unauthenticated     no valid credential came with it
├── Declined            the request is well formed, but the money rule says no
├── Forbidden           the credential is valid, but not for this
├── NotFound            no such object, or none that this caller may see
├── Conflict            the object's state, or an earlier request, stands against it
├── TooLarge            more than the stated bound
└── Unavailable         not now: ask again with the same idempotency key
"""

from typing import ClassVar


class Refusal(Exception):
    """A named no. `code` is stable and documented, `message` is for people, `param` names the guilty field."""

    codes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        if code not in self.codes:
            raise LookupError(f"{type(self).__name__} has no code {code!r}")
        super().__init__(code, message, param)
        self.code = code
        self.message = message
        self.param = param

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" ({self.param})" if self.param else "")


class Invalid(Refusal):
    """The request itself is wrong."""

    codes = frozenset(
        {
            "amount_invalid",
            "amount_too_large",
            "body_malformed",
            "currency_mismatch",
            "currency_unknown",
            "cursor_invalid",
            "evidence_invalid",
            "field_invalid",
            "field_missing",
            "field_unknown",
            "iban_invalid",
            "idempotency_key_invalid",
            "lines_invalid",
            "payout_file_invalid",
            "policy_invalid",
            "quote_mismatch",
            "rate_unknown",
            "request_malformed",
            "settings_invalid",
            "statement_foreign_account",
            "statement_malformed",
            "statement_unbalanced",
            "statement_unsupported",
            "text_invalid",
            "url_invalid",
        }
    )


class Unauthenticated(Refusal):
    """No valid credential came with the request."""

    codes = frozenset({"key_invalid", "key_missing"})


class Declined(Refusal):
    """The money rule says no."""

    codes = frozenset(
        {
            "balance_insufficient",
            "capture_exceeds_authorised",
            "changes_spent",
            "claim_too_early",
            "claim_too_late",
            "code_invalid",
            "consent_exceeded",
            "consent_missing",
            "declaration_exceeded",
            "extension_spent",
            "held_exceeded",
            "ledger_refused",
            "payee_unchecked",
            "receivable_exceeded",
            "refund_exceeds_captured",
        }
    )


class Forbidden(Refusal):
    """The credential is valid, but not for this."""

    codes = frozenset({"party_suspended", "scope_missing", "second_person_needed"})


class NotFound(Refusal):
    """No such object, or none that this caller may see: both look alike."""

    codes = frozenset({"object_not_found", "operation_not_found", "route_not_found"})


class Conflict(Refusal):
    """The object's state, or an earlier request, stands against it."""

    codes = frozenset(
        {
            "claim_open",
            "database_in_use",
            "idempotency_key_reused",
            "method_not_allowed",
            "no_proposal",
            "number_reused",
            "object_exists",
            "quote_expired",
            "quote_used",
            "schema_newer",
            "schema_older",
            "state_conflict",
        }
    )


class TooLarge(Refusal):
    """More than the stated bound."""

    codes = frozenset(
        {
            "body_too_large",
            "evidence_too_large",
            "headers_too_large",
            "statement_too_large",
        }
    )


class Unavailable(Refusal):
    """Not now: the outcome may be unknown, ask again with the same idempotency key."""

    codes = frozenset(
        {
            "desk_fenced",
            "desk_overloaded",
            "desk_unreachable",
            "internal",
            "ledger_foreign",
            "ledger_unavailable",
            "outcome_unknown",
            "store_unavailable",
        }
    )


KINDS: tuple[type[Refusal], ...] = (
    Invalid,
    Unauthenticated,
    Declined,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    Unavailable,
)
CODES: dict[str, type[Refusal]] = {code: kind for kind in KINDS for code in sorted(kind.codes)}


def refusal(code: str, message: str, param: str | None = None) -> Refusal:
    """Rebuild a refusal from its parts, as when it comes over a socket or out of a stored operation."""
    return CODES[code](code, message, param)
