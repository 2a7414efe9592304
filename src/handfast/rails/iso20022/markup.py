"""Bank XML that others wrote, read with bounds: a tree whose every complaint says where in the document it stands.

The parser is defusedxml's, forbidding document types. That leaves nothing to resolve, expand or fetch: entities can
only be declared in a document type, and expat itself never opens a file or a socket. libxml2 (lxml) was the other
candidate; it has to be told not to do each of these things one by one, and reads the document type before it can be
refused. What defusedxml does not bound is bounded here: bytes and markup before the parser sees them, depth and names
while it works.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from handfast.core.errors import Invalid, TooLarge

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read."""

MAX_TAGS = 1_000_000
"""The most "<"; an entry of a real statement has 50 to 80 of them in 800 to 1,500 bytes."""

MAX_ATTRIBUTES = 200_000
"""The most "="; an entry of a real statement has about 3."""

MAX_NAMES = 1_000
"""The most different element names; each costs the parser memory of its own, and camt.053 has fewer."""

MAX_DEPTH = 64
"""The deepest nesting; camt.053 itself stays below 20."""

_SPACES = " \t\r\n"  # what XML calls white space; str.strip() would take more


class Node:
    """One parsed element: names without the document's own namespace, text without the white space around it."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[Node] = []


class Element:
    """A node and its place; asking for a part that is not there once, where it must be, raises statement_malformed."""

    __slots__ = ("node", "path")

    def __init__(self, node: Node, path: str) -> None:
        self.node = node
        self.path = path

    def all(self, name: str) -> Iterator["Element"]:
        """The children of that name, in the document's order."""
        found = (child for child in self.node.children if child.name == name)
        return (Element(child, f"{self.path}/{name}[{number}]") for number, child in enumerate(found, 1))

    def maybe(self, *names: str) -> "Element | None":
        """The element at the end of a path of names, each there at most once; None if any is missing."""
        place = self
        for name in names:
            found = [child for child in place.node.children if child.name == name]
            if len(found) > 1:
                place.refuse(f"{name} stands there more than once")
            if not found:
                return None
            place = Element(found[0], f"{place.path}/{name}")
        return place

    def one(self, *names: str) -> "Element":
        """The element at the end of a path of names, each there exactly once."""
        place = self
        for name in names:
            found = place.maybe(name)
            if found is None:
                place.refuse(f"{name} is missing")
            place = found
        return place

    def words(self, longest: int) -> str:
        """The text of an element that holds text only, 1 to `longest` characters."""
        if self.node.children:
            self.refuse("text was expected, not elements")
        if not 0 < len(self.node.text) <= longest:
            self.refuse(f"a text of 1 to {longest} characters was expected")
        return self.node.text

    def words_at(self, longest: int, *names: str) -> str:
        """The text at the end of a path of names, 0 to `longest` characters; empty if any is missing."""
        place = self.maybe(*names)
        return place.words(longest) if place and (place.node.text or place.node.children) else ""

    def refuse(self, why: str, code: str = "statement_malformed") -> NoReturn:
        """Say no, and where."""
        raise Invalid(code, f"{why}, at {self.path}", self.path)


class _Builder:
    """Makes nodes of the parser's events."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.namespace = ""
        self._names: set[str] = set()
        self._open: list[Node] = []
        self._texts: list[list[str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) == MAX_DEPTH:
            raise Invalid("statement_malformed", f"elements are nested more than {MAX_DEPTH} deep")
        self._names.add(tag)
        if len(self._names) > MAX_NAMES:
            raise Invalid("statement_malformed", f"more than {MAX_NAMES} different element names")
        if self.root is None:
            self.namespace = tag[1:].partition("}")[0] if tag.startswith("{") else ""
        node = Node(tag.removeprefix(f"{{{self.namespace}}}"), attributes or _NO_ATTRIBUTES)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        self._texts.append([])

    def data(self, text: str) -> None:
        self._texts[-1].append(text)

    def end(self, _tag: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip(_SPACES)

    def close(self) -> None:
        """Nothing is left to do when the parser is done."""


_NO_ATTRIBUTES: Mapping[str, str] = {}


def parse(data: bytes) -> tuple[str, Element]:
    """The document's namespace and its root element.

    UTF-8 only, as ISO 20022 demands: with one encoding, what was counted is what the parser sees.
    Raises TooLarge(statement_too_large), Invalid(statement_malformed).
    """
    if len(data) > MAX_BYTES:
        raise TooLarge("statement_too_large", f"a statement file has at most {MAX_BYTES} bytes")
    if data.count(b"<") > MAX_TAGS or data.count(b"=") > MAX_ATTRIBUTES:
        why = f"a statement file has at most {MAX_TAGS} tags and {MAX_ATTRIBUTES} attributes"
        raise TooLarge("statement_too_large", why)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid("statement_malformed", f"not UTF-8 at byte {error.start}") from None
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
    expat: Any = parser.parser
    expat.XmlDeclHandler = _check_declaration
    try:
        parser.feed(data)
        parser.close()
    except ParseError as error:
        raise Invalid("statement_malformed", f"not well-formed XML: {error}") from None
    except DefusedXmlException:
        raise Invalid("statement_malformed", "a document type or entity is declared, which is never read") from None
    if builder.root is None:
        raise Invalid("statement_malformed", "no element")
    return builder.namespace, Element(builder.root, f"/{builder.root.name}")


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.upper() not in {"UTF-8", "US-ASCII"}:
        raise Invalid("statement_malformed", "the file declares another encoding than UTF-8")
