"""Disputes: evidence, a case handler's reasoned decision, a second person's consent, one appeal, and its effect."""

from handfast.domain.disputes import deciding, verbs
from handfast.domain.disputes.deciding import Decide, DueDispute, JudgeDecision, approve, decide, reject, silent
from handfast.domain.disputes.files import MEDIA_TYPES, MOST_BYTES, EvidenceFiles, check_file
from handfast.domain.disputes.model import DISPUTE_STATES, EVIDENCE_KINDS, OUTCOMES, Dispute, Evidence
from handfast.domain.disputes.tables import (
    DISPUTES,
    EVIDENCE,
    disputes_of,
    due_disputes,
    evidence_of,
    open_disputes,
)
from handfast.domain.disputes.timeline import Moment, as_seen, timeline, visible
from handfast.domain.disputes.verbs import (
    AddEvidence,
    Appeal,
    MoveDispute,
    OpenDispute,
    OpenDue,
    accept,
    add_evidence,
    appeal,
    concede,
    open_dispute,
    open_due,
    rest,
    side_of,
    withdraw,
)

VERBS = (*verbs.VERBS, *deciding.VERBS)

__all__ = [
    "DISPUTES",
    "DISPUTE_STATES",
    "EVIDENCE",
    "EVIDENCE_KINDS",
    "MEDIA_TYPES",
    "MOST_BYTES",
    "OUTCOMES",
    "VERBS",
    "AddEvidence",
    "Appeal",
    "Decide",
    "Dispute",
    "DueDispute",
    "Evidence",
    "EvidenceFiles",
    "JudgeDecision",
    "Moment",
    "MoveDispute",
    "OpenDispute",
    "OpenDue",
    "accept",
    "add_evidence",
    "appeal",
    "approve",
    "as_seen",
    "check_file",
    "concede",
    "decide",
    "disputes_of",
    "due_disputes",
    "evidence_of",
    "open_dispute",
    "open_disputes",
    "open_due",
    "reject",
    "rest",
    "side_of",
    "silent",
    "timeline",
    "visible",
    "withdraw",
]
