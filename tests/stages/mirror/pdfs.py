"""Small PDFs, written by hand: what a test needs to be in them, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

_FONTS = (
    b"<< /Latin << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    # Chinese without an embedded font, as office programs of the region write it: the reader must
    # know the character map that is only named here.
    b" /Han << /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H"
    b" /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 5 >> >>] >> >>"
)


def pdf(pages: Sequence[Sequence[str]], title: str = "", changed: str = "") -> bytes:
    """Return a PDF with lines of text on its pages, Latin or Chinese each."""
    return _file([(_lines(page), b"") for page in pages], title, changed=changed)


def pictures(pages: int) -> bytes:
    """Return a PDF as a scanner makes it: drawings, and no text layer."""
    return _file([(b"0.5 g 100 100 300 300 re f", b"")] * pages)


def encrypted() -> bytes:
    """Return a PDF that asks for a password."""
    whole = pdf([["secret"]])
    key = b"<" + b"41" * 32 + b">"
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O " + key + b" /U " + key + b" >>"
    return whole.replace(b"/Root", b"/ID [<61> <61>] " + lock + b" /Root")


def laughs(levels: int, times: int) -> bytes:
    """Return a small PDF whose page shows `times` to the power of `levels` texts."""
    forms = [b"BT /Latin 9 Tf 10 10 Td (ha) Tj ET", *[b"/Next Do " * times] * levels]
    objects = []
    for number, form in enumerate(forms):
        below = f"/XObject << /Next {99 + number} 0 R >>" if number else ""
        head = (
            f"<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Length {len(form)} "
            f"/Resources << /Font 2 0 R {below} >> >>"
        )
        objects.append((100 + number, head.encode() + b"\nstream\n" + form + b"\nendstream"))
    top = f"/XObject << /Next {100 + levels} 0 R >>".encode()
    return _file([(b"/Next Do", top)], extra=objects)


def _lines(page: Sequence[str]) -> bytes:
    parts = []
    for number, line in enumerate(page):
        font = "Latin" if line.isascii() else "Han"
        raw = line.encode("ascii" if line.isascii() else "utf-16-be").hex()
        parts.append(f"BT /{font} 11 Tf 1 0 0 1 50 {800 - 16 * number} Tm <{raw}> Tj ET")
    return "\n".join(parts).encode()


def _file(
    pages: Sequence[tuple[bytes, bytes]],
    title: str = "",
    extra: Sequence[tuple[int, bytes]] = (),
    changed: str = "",
) -> bytes:
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        (1, b"<< /Type /Catalog /Pages 3 0 R >>"),
        (2, _FONTS),
        (3, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()),
        (
            4,
            b"<< /Title <feff" + title.encode("utf-16-be").hex().encode() + b"> "
            b"/CreationDate (D:20200101000000Z) /ModDate (" + changed.encode() + b") >>",
        ),
    ]
    for number, (content, resources) in enumerate(pages):
        at = 10 + 2 * number
        head = (
            f"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 600 850] /Contents {at + 1} 0 R "
            "/Resources << /Font 2 0 R "
        )
        objects.append((at, head.encode() + resources + b" >> >>"))
        length = f"<< /Length {len(content)} >>\nstream\n".encode()
        objects.append((at + 1, length + content + b"\nendstream"))
    written, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in (*objects, *extra):
        places[number] = len(written)
        written += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(written)
    written += b"xref\n"
    for number, place in sorted(places.items()):
        written += f"{number} 1\n{place:010d} 00000 n \n".encode()
    size = max(places) + 1
    written += f"trailer << /Size {size} /Root 1 0 R /Info 4 0 R >>\n".encode()
    return bytes(written + f"startxref\n{start}\n%%EOF\n".encode())
