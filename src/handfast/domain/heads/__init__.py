"""Signed heads of the books: the Merkle tree over entries, events and frozen terms, and proofs from it."""

from handfast.domain.heads.merkle import Tree, leaf_hash
from handfast.domain.heads.model import Head, Node, Slice, head_id, node_id, published, signed_text
from handfast.domain.heads.proofs import Proof, consistency_proof, head_at, proofs_of
from handfast.domain.heads.tables import (
    HEADS,
    NODES,
    SIGNED,
    SLICES,
    heads_after,
    last_head,
    next_rows,
    terms_sealed,
    tree_of,
)
from handfast.domain.heads.verbs import VERBS, KeepHead, keep

__all__ = [
    "HEADS",
    "NODES",
    "SIGNED",
    "SLICES",
    "VERBS",
    "Head",
    "KeepHead",
    "Node",
    "Proof",
    "Slice",
    "Tree",
    "consistency_proof",
    "head_at",
    "head_id",
    "heads_after",
    "keep",
    "last_head",
    "leaf_hash",
    "next_rows",
    "node_id",
    "proofs_of",
    "published",
    "signed_text",
    "terms_sealed",
    "tree_of",
]
