"""Codes that a phone or a till reads, drawn as SVG: QR (ISO/IEC 18004)."""

from io import BytesIO

import segno
from markupsafe import Markup

MOST_LETTERS = 1500


def qr(text: str, title: str) -> Markup:
    """A QR code with its quiet zone, for dark on light in every colour scheme; error correction M."""
    drawn = BytesIO()
    segno.make_qr(text, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=4, dark="#000", light="#fff", omitsize=True, title=title
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - segno escapes the title, and writes nothing else of ours
