"""A plot as inline SVG: the same figure gives the same bytes. Stages' workers alone draw."""

from __future__ import annotations

import io
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

# Left out: the page describes its plots itself.
_METADATA: Final = ("Creator", "Date", "Format", "Type")


def inline_svg(figure: Figure, title: str) -> str:
    """Return a figure as an `<svg>` element that says its title to screen readers."""
    buffer = io.StringIO()
    # A fixed salt and no date: the same figure gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(_METADATA))
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
