"""A receipt checked offline: each leaf leads to the root that a signed head names."""

import binascii
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from msgspec import MsgspecError, Struct, msgpack

from handfast_verify.heads import Head, from_json, published
from handfast_verify.merkle import leaf_hash, root_from
from handfast_verify.reading import Unreadable


class Checked(Struct, frozen=True):
    """What a receipt proves, a line for each leaf, and what is wrong with it."""

    leaves: list[str]
    faults: list[str]
    words: str


def check(content: bytes, heads: Path | None = None, key: bytes | None = None) -> Checked:
    """Check a receipt, against published heads and a public key where they are given. Raises Unreadable."""
    try:
        told = json.loads(content)
        head = from_json(told["head"])
        leaves = [
            (str(leaf["id"]), int(leaf["number"]), leaf["leaf"], bytes.fromhex(leaf["hash"]), _path(leaf))
            for leaf in told["leaves"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Unreadable(f"this is no receipt: {fault}") from fault
    faults = _head_faults(head, heads, key)
    lines = []
    for name, number, leaf, found, path in leaves:
        row = _content(leaf)
        if row is not None and leaf_hash(row) != found:
            faults.append(f"{name}: its content is not what the hash is of")
        elif root_from(found, number, head.size, path) != head.root:
            faults.append(f"{name}: its proof does not lead to the head's root")
        else:
            lines.append(f"{name} is leaf {number} of {head.size}: {_shown(row)}")
    if not leaves:
        faults.append("it proves nothing: there is no leaf in it")
    trusted = "" if key or heads else f" Compare its key with the operator's: {head.key.hex()}."
    words = "The receipt holds." if not faults else "The receipt does not hold."
    return Checked(lines, faults, words + trusted)


def _path(leaf: Any) -> list[bytes]:
    return [bytes.fromhex(part) for part in leaf["path"]]


def _content(leaf: Any) -> bytes | None:
    try:
        return None if leaf is None else b64decode(leaf, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Unreadable("this is no receipt: a leaf is not base64") from None


def _head_faults(head: Head, heads: Path | None, key: bytes | None) -> list[str]:
    faults = []
    if not head.signed():
        faults.append(f"head {head.number}: its signature is not its key's")
    if key is not None and head.key != key:
        faults.append(f"head {head.number}: it was signed by another key, {head.key.hex()}")
    if heads is not None:
        known = {each.number: each for each in published(heads)[0]}
        if known.get(head.number) != head:
            faults.append(f"head {head.number}: it is not among the published ones")
    return faults


def _shown(content: bytes | None) -> str:
    if content is None:
        return "its content is for other eyes"
    try:
        return json.dumps(_plain(msgpack.decode(content)), ensure_ascii=False)
    except MsgspecError:
        return f"{len(content)} bytes"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return _plain(msgpack.decode(value)) if len(value) not in (16, 32) else value.hex()
        except MsgspecError:
            return value.hex()
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
