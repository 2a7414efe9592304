"""Payouts: money that leaves by bank file, by hand or by plan, until the bank has paid it or given it back."""

from handfast.domain.payouts.files import VERBS as FILE_VERBS
from handfast.domain.payouts.files import (
    ApproveFile,
    PrepareFile,
    RejectFile,
    approve_file,
    prepare_file,
    reject_file,
)
from handfast.domain.payouts.model import EVERY, FILE_STATES, PAYOUT_STATES, Payout, PayoutFile, PayoutPlan
from handfast.domain.payouts.plans import VERBS as PLAN_VERBS
from handfast.domain.payouts.plans import SetPlan, TurnPlan, next_due, set_plan, turn_plan
from handfast.domain.payouts.preview import HeldFor, NextPayout, Preview, ReservedFrom, payable, preview_of
from handfast.domain.payouts.tables import (
    PAYOUT_FILES,
    PAYOUT_PLANS,
    PAYOUTS,
    by_end_to_end,
    due_plans,
    end_to_end,
    file_id,
    message_id,
    payouts_of_file,
    plan_id,
    requested,
)
from handfast.domain.payouts.verbs import VERBS as PAYOUT_VERBS
from handfast.domain.payouts.verbs import (
    BookPayout,
    CancelPayout,
    RejectPayout,
    RequestPayout,
    ReturnPayout,
    SweepPayout,
    book,
    cancel,
    reject,
    request,
    return_,
    sweep,
)

VERBS = (*PAYOUT_VERBS, *FILE_VERBS, *PLAN_VERBS)

__all__ = [
    "EVERY",
    "FILE_STATES",
    "PAYOUTS",
    "PAYOUT_FILES",
    "PAYOUT_PLANS",
    "PAYOUT_STATES",
    "VERBS",
    "ApproveFile",
    "BookPayout",
    "CancelPayout",
    "HeldFor",
    "NextPayout",
    "Payout",
    "PayoutFile",
    "PayoutPlan",
    "PrepareFile",
    "Preview",
    "RejectFile",
    "RejectPayout",
    "RequestPayout",
    "ReservedFrom",
    "ReturnPayout",
    "SetPlan",
    "SweepPayout",
    "TurnPlan",
    "approve_file",
    "book",
    "by_end_to_end",
    "cancel",
    "due_plans",
    "end_to_end",
    "file_id",
    "message_id",
    "next_due",
    "payable",
    "payouts_of_file",
    "plan_id",
    "prepare_file",
    "preview_of",
    "reject",
    "reject_file",
    "request",
    "requested",
    "return_",
    "set_plan",
    "sweep",
    "turn_plan",
]
