"""Whose bank account it is that payouts go to: the holder's name beside the party's, and what came of the look.

Regulation (EU) 2024/886 (article 5c of the SEPA regulation, Verification of Payee) has a payer's bank ask the payee's
whether the name that was given is the account holder's, with three answers besides "cannot tell": match, close, no
match. Handfast cannot ask a bank; it asks beforehand what it can: whether the account's holder, as the party gave it,
is the party. So that a payout to anybody else is somebody's decision, and not a typing error or a thief's.
"""

import re
import unicodedata

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Forbidden, Invalid
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain.parties.model import HOUSE, PAYEE_CHECKS, PAYEE_GIVEN, ApiClient, Details, Party
from handfast.domain.parties.tables import API_CLIENTS
from handfast.domain.parties.verbs import active_parties, keep_login, keep_party, must_belong
from handfast.store.verb import Tx, verb

_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
_LEGAL_FORM = re.compile(
    "ab|ag|as|bv|co|company|corp|corporation|eg|ek|ev|gbr|gmbh|inc|incorporated|kg|kgaa|limited|llc|llp|lp|ltd|mbh|nv"
    "|ohg|oy|plc|pte|pty|sa|sarl|sas|se|sl|spa|srl|ug"
)
_TITLE = re.compile("dr|herr|frau|mr|mrs|ms|prof")
_NO_WORD = re.compile(r"[\W_]+")
_LETTERS_A_SLIP = 6
_MOST_SLIPS = 2


class ChangeDetails(Struct, frozen=True):
    """New details of a party, whole and sealed under its key, the check of their bank account, and who gave them.

    `by` is the party itself or the house, `client` its API client, `login` the Vault.login_id of the address in them.
    """

    by: Id
    client: Id
    party: Id
    details: bytes
    payee_check: str
    login: Id | None = None


class AcceptPayee(Struct, frozen=True):
    """One of the operator's persons answers for a party's bank account, and says why."""

    party: Id
    handler: Id
    reason: str


def compare(holder: str, name: str) -> str:
    """How an account holder's name fits a party's: "match", "close" or "no_match"; the order does not matter.

    A match is the same words in whatever order, without regard to case, accents (ö is o or oe), width, punctuation,
    spaces and titles. Close is a match but for a legal form, further words (where two at least are the same), initials
    instead of words, or a slip for every six letters, two at most, in one and the same script. Scripts are not
    transliterated: 王芳 and Wang Fang do not match, and a person has to say that they are one.
    """
    pairs = [(mine, its) for mine in _readings(holder) for its in _readings(name) if mine and its]
    if any(_same(mine, its) for mine, its in pairs):
        return "match"
    return "close" if any(_close(mine, its) for mine, its in pairs) else "no_match"


def payee_check(details: Details) -> str:
    """What the check of a party's details says: "" where they name no bank account."""
    return compare(details.payee, details.name) if details.iban or details.account else ""


def _readings(name: str) -> tuple[list[str], list[str]]:
    """A name's words, with accents left out, and with umlauts spelled out."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _words(folded), _words(folded.translate(_UMLAUTS))


def _words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.replace("&", " and "))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = _NO_WORD.sub(" ", bare.translate(_LETTERS)).split()
    return [word for word in words if not _TITLE.fullmatch(word)] or words


def _same(mine: list[str], its: list[str]) -> bool:
    return sorted(mine) == sorted(its) or "".join(mine) == "".join(its)


def _close(mine: list[str], its: list[str]) -> bool:
    short, long = sorted((mine, its), key=len)
    if len(set(short)) > 1 and set(short) <= set(long):
        return True
    bare, other = _without_form(mine), _without_form(its)
    if not bare or not other:
        return False
    return bare == other or _initials(bare, other) or _slips(mine, its)


def _without_form(words: list[str]) -> list[str]:
    """A name's words but for legal forms, B.V. as well as BV; sorted."""
    letters = ""
    while len(letters) < len(words) and len(words[-1 - len(letters)]) == 1:
        letters = words[-1 - len(letters)] + letters
    kept = words[: -len(letters)] if _LEGAL_FORM.fullmatch(letters) else words
    return sorted(word for word in kept if not _LEGAL_FORM.fullmatch(word))


def _initials(mine: list[str], its: list[str]) -> bool:
    """Whether every word is the other's, or its first letter, and one at least is whole."""
    if len(mine) != len(its):
        return False
    left, whole = list(its), 0
    for word in sorted(mine, key=len, reverse=True):
        fitting = [other for other in left if word == other] or [
            other for other in left if 1 in (len(word), len(other)) and word[0] == other[0]
        ]
        if not fitting:
            return False
        whole += fitting[0] == word and len(word) > 1
        left.remove(fitting[0])
    return whole > 0


def _slips(mine: list[str], its: list[str]) -> bool:
    for first, second in (("".join(mine), "".join(its)), ("".join(sorted(mine)), "".join(sorted(its)))):
        allowed = min(len(first), len(second)) // _LETTERS_A_SLIP
        if _scripts(first) == _scripts(second) and _distance(first, second) <= min(allowed, _MOST_SLIPS):
            return True
    return False


def _scripts(text: str) -> set[str]:
    """The scripts of its letters, by the first word of each letter's name in Unicode."""
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in text if letter.isalpha()}


def _distance(first: str, second: str) -> int:
    """How many letters to put in, take out, change, or swap with the next, to make one of the other."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, mine in enumerate(first, 1):
        last, before, row = before, row, [i]
        for j, its in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != its))
            if i > 1 and j > 1 and mine == second[j - 2] and its == first[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


async def operators_person(tx: Tx, handler: Id) -> ApiClient:
    """The API client of the operator that acts for it. Raises Forbidden(scope_missing) for any other."""
    client = await tx.get(API_CLIENTS, handler)
    if client is None or client.party != HOUSE or client.state != "active" or "operate" not in client.scopes.split():
        raise Forbidden("scope_missing", "this is for the operator's persons", "handler")
    return client


@verb("parties.change_details", about="party")
async def change_details(tx: Tx, command: ChangeDetails) -> Party:
    """Put new details in the place of the old ones. A payout that was asked for before still goes to the old account.

    Raises Invalid(field_invalid), NotFound, Forbidden(party_suspended).
    """
    must_belong(command.by, "party", command.party)
    if command.payee_check not in PAYEE_GIVEN:
        raise Invalid("field_invalid", "a check says match, close or no_match", "payee_check")
    party = (await active_parties(tx, party=command.party))["party"]
    changed = replace(
        party,
        details=command.details,
        payee_check=command.payee_check,
        payee_reason="",
        payee_by=command.client,
        payee_handler=None,
        version=party.version + 1,
    )
    await keep_login(tx, command.login, party.id)
    return keep_party(tx, changed, "party.details_changed")


@verb("parties.accept_payee", about="party")
async def accept_payee(tx: Tx, command: AcceptPayee) -> Party:
    """Let payouts go to an account in another's name, or to one that the bank returned a payout from.

    Raises Invalid(field_missing), NotFound, Forbidden(party_suspended, scope_missing), Conflict(state_conflict) where
    nothing stands against the account, Forbidden(second_person_needed) to whom gave it.
    """
    if not command.reason.strip():
        raise Invalid("field_missing", "whoever accepts an account says why", "reason")
    await operators_person(tx, command.handler)
    party = (await active_parties(tx, party=command.party))["party"]
    check = move(PAYEE_CHECKS, party.payee_check, "accept")
    if command.handler == party.payee_by:
        raise Forbidden("second_person_needed", "whoever gave the account does not accept it", "handler")
    changed = replace(
        party,
        payee_check=check,
        payee_reason=command.reason,
        payee_handler=command.handler,
        version=party.version + 1,
    )
    return keep_party(tx, changed, "party.payee_accepted")


def mark_returned(tx: Tx, party: Party, reason: str) -> None:
    """Stage that the bank sent back what was paid to a party's account, for the reason that the bank's code tells."""
    check = move(PAYEE_CHECKS, party.payee_check, "return")
    changed = replace(party, payee_check=check, payee_reason=reason, payee_handler=None, version=party.version + 1)
    keep_party(tx, changed, "party.payee_returned")


VERBS = (change_details, accept_payee)
