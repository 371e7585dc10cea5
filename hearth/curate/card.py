"""The data card of a corpus: `report.json` as a page that people read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hearth.curate import page as pages
from hearth.curate.chapters import page
from hearth.curate.plots import plots

REPORT: Final = "report.json"
MARKDOWN: Final = "card.md"
HTML: Final = "card.html"


def write(out: Path, about: Mapping[str, Any]) -> tuple[str, ...]:
    """Complete a corpus's report, and write its card beside it.

    Args:
        out: A folder with the `report.json` of `hearth.curate.run`.
        about: What that does not know: `hearth.curate.about.about`.

    Returns:
        The names of the files.
    """
    report = {**json.loads((out / REPORT).read_text(encoding="utf-8")), **about}
    said = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    # What was written is what the card is made from: the order of names, too.
    report = json.loads(said)
    made = page(report)
    texts = {
        REPORT: said,
        MARKDOWN: pages.markdown(made),
        HTML: pages.html(made, plots(report)),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    return tuple(texts)
