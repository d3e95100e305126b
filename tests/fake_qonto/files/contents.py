"""What the files of attachments hold: small valid PDF, PNG and XML, or bytes by the mile."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CHUNK = 65_536


class Content(Protocol):
    """The bytes of a file, as a stream of known length."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in order."""


@dataclass(frozen=True)
class Held:
    """Bytes that are held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in order."""
        for start in range(0, len(self.data), CHUNK):
            yield self.data[start : start + CHUNK]


@dataclass(frozen=True)
class Generated:
    """Bytes made while they are streamed, the same at each time; never held whole."""

    key: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in order, each chunk different from the others."""
        filling = hashlib.shake_256(self.key.encode()).digest(CHUNK - 8)
        for number, start in enumerate(range(0, self.size, CHUNK)):
            yield (struct.pack(">Q", number) + filling)[: self.size - start]


def whole(content: Content) -> bytes:
    """Return all bytes of a content."""
    return b"".join(content.chunks())


def pdf(title: str, lines: list[str]) -> bytes:
    """Make a one-page PDF with a title and lines."""
    return page([(56, 780 - 14 * place, 12, line) for place, line in enumerate([title, *lines])])


def invoice_pdf(supplier: str, facts: Mapping[str, str], amounts: Mapping[str, str]) -> bytes:
    """Make a PDF that looks like an invoice.

    Args:
        supplier: Who sends it.
        facts: Number, dates and the like, by their name.
        amounts: Lines and totals by their name; the last one is what is to be paid.
    """
    texts: list[tuple[int, int, int, str]] = [(56, 770, 18, supplier)]
    texts += [(360, 700, 10, "Acme Corp SAS"), (360, 686, 10, "18 rue de Navarin, 75009 Paris")]
    for place, (name, text) in enumerate(facts.items()):
        texts += [(56, 640 - 16 * place, 10, name), (150, 640 - 16 * place, 10, text)]
    top = 600 - 16 * len(facts)
    for place, (name, text) in enumerate(amounts.items()):
        size = 12 if place == len(amounts) - 1 else 10
        at = top - 20 * place
        texts += [(56, at, size, name), (480 - len(text) * size // 2, at, size, text)]
    return page(texts, rule=top + 18)


def page(texts: Iterable[tuple[int, int, int, str]], rule: int | None = None) -> bytes:
    """Make a one-page PDF 1.4 with a right cross-reference table.

    Args:
        texts: Where each text begins (points from the left and from below), its size, itself.
        rule: Height of a line across the page.
    """

    def safe(text: str) -> str:
        plain = text.encode("latin-1", "replace").decode("latin-1")
        return plain.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")

    shown = [f"BT /F1 {size} Tf {x} {y} Td ({safe(text)}) Tj ET" for x, y, size, text in texts]
    if rule is not None:
        shown.append(f"56 {rule} m 540 {rule} l S")
    drawing = " ".join(shown).encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)


def png(seed: int, *, width: int = 24, height: int = 32) -> bytes:
    """Make a small greyscale PNG with a pattern that depends on the seed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = (
        b"\0" + bytes((seed * 31 + x * (y + 7)) % 256 for x in range(width)) for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows), 1))
        + chunk(b"IEND", b"")
    )


def invoice_xml(number: str, supplier: str, total: Mapping[str, str]) -> bytes:
    """Make a small e-invoice in UBL's dress."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">\n'
        f"  <ID>{escape(number)}</ID>\n"
        f"  <AccountingSupplierParty>{escape(supplier)}</AccountingSupplierParty>\n"
        f"  <DocumentCurrencyCode>{escape(total['currency'])}</DocumentCurrencyCode>\n"
        f"  <PayableAmount>{escape(total['value'])}</PayableAmount>\n"
        "</Invoice>\n"
    ).encode()
