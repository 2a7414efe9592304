"""Frames on the local socket between the desk and those who hand it requests.

A frame is a length of four bytes (big-endian) and that much msgpack.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Raw, Struct, msgpack

from handfast.core.errors import TooLarge, Unavailable, refusal
from handfast.core.ids import Id
from handfast.store.verb import Answer, Request, Verb

FRAME_BYTES = 4 * 1024 * 1024
"""The longest frame. A command or a result that needs a longer one is refused with TooLarge(body_too_large)."""

_HEAD = struct.Struct(">I")
_encode = msgpack.Encoder().encode


class Ask(Struct, frozen=True, array_like=True, tag=0):
    """A request as it crosses: `tag` pairs it with its reply, `command` is the msgpack of the verb's own command."""

    number: int
    verb: str
    command: Raw
    actor: str
    request: Id
    key: Id | None
    fingerprint: bytes


class Do(Struct, frozen=True, array_like=True, tag=1):
    """A control call as it crosses."""

    number: int
    name: str
    arguments: list[Any]


class Reply(Struct, frozen=True, array_like=True):
    """What came of either: a result, or a refusal's code, message and param."""

    number: int
    operation: Id
    result: Raw
    refusal: tuple[str, str, str | None] | None
    replayed: bool


decode_ask = msgpack.Decoder(Ask | Do).decode
decode_reply = msgpack.Decoder(Reply).decode


def frame(message: Struct) -> bytes:
    """A message as it goes over the wire. Raises TooLarge(body_too_large)."""
    body = _encode(message)
    if len(body) > FRAME_BYTES:
        raise TooLarge("body_too_large", f"more than the {FRAME_BYTES} bytes that can be handed over")
    return _HEAD.pack(len(body)) + body


def ask_frame(number: int, request: Request) -> bytes:
    """The frame of a request. Raises TooLarge(body_too_large)."""
    command = Raw(_encode(request.command))
    return frame(Ask(number, request.verb, command, request.actor, request.request, request.key, request.fingerprint))


def reply_frame(number: int, answer: Answer) -> bytes:
    """The frame of an answer; a result that does not fit becomes its refusal, though its verb was run."""
    no, result = answer.refusal, _NOTHING
    if no is None:
        result = Raw(_encode(answer.result))
        if len(result) > FRAME_BYTES - 1024:
            no, result = TooLarge("body_too_large", "done, but the result is too large to be handed back"), _NOTHING
    parts = None if no is None else (no.code, no.message, no.param)
    return frame(Reply(number, answer.operation, result, parts, answer.replayed))


_NOTHING = Raw(_encode(None))


Decode = Callable[[Raw], Any]


def result_decoders(verbs: Mapping[str, Verb]) -> dict[str, Decode]:
    """What reads each verb's result."""
    return {name: msgpack.Decoder(verb.result).decode for name, verb in verbs.items()}


def answer_of(reply: Reply, decode: Decode = msgpack.decode) -> Answer:
    """The answer in a reply; a control call's result has no type of its own."""
    if reply.refusal is not None:
        return Answer(reply.operation, None, refusal(*reply.refusal), reply.replayed)
    return Answer(reply.operation, decode(reply.result), None, reply.replayed)


def unreachable() -> Unavailable:
    """What is said of a request whose desk could not be reached, so that nothing was done."""
    return Unavailable("desk_unreachable", "no desk is running; nothing was done")


def gone() -> Unavailable:
    """What is said of a request whose desk went away before it answered."""
    return Unavailable("desk_unreachable", "the desk went away; the outcome is unknown, ask again with the same key")


class Frames:
    """Cuts a stream into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[memoryview]:
        """The frames that are complete now. Raises ValueError for one over the bound."""
        data = self._rest + data if self._rest else data
        view, at, end = memoryview(data), 0, len(data)
        while end - at >= _HEAD.size:
            (size,) = _HEAD.unpack_from(data, at)
            if size > FRAME_BYTES:
                raise ValueError("frame too long")
            if end - at - _HEAD.size < size:
                break
            at += _HEAD.size + size
            yield view[at - size : at]
        self._rest = data[at:]
