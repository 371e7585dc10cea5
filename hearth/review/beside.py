"""What stands beside a data card, which is as old as its corpus: reviews come later."""

from __future__ import annotations

import html

from hearth.review.reviews import Acceptance, Method, acceptances_of
from hearth.storage import Store
from hearth.trace.corpora import Corpus

_HEAD = ("by", "sample", "accepted", "95 % interval", "judged", "last verdict")


def as_markdown(root: Store, corpus: Corpus) -> str:
    """Return the reviews of a corpus as a chapter of Markdown; empty if there are none."""
    rows = _rows(root, corpus)
    if not rows:
        return ""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    table = [_HEAD, ["---"] * len(_HEAD), *cells]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join(["", "## Reviews, as of now", "", *lines, ""])


def as_html(root: Store, corpus: Corpus) -> str:
    """Return the same as a section of the card's page."""
    rows = _rows(root, corpus)
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in _HEAD)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        '<section>\n<h2>Reviews, as of now</h2>\n<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>\n</section>\n"
    )


def _rows(root: Store, corpus: Corpus) -> list[list[str]]:
    return [
        _row(said)
        for method in Method
        for said in acceptances_of(root, corpus.record.fingerprint, method)
    ]


def _row(said: Acceptance) -> list[str]:
    total = said.total
    return [
        f"{said.method}: {', '.join(said.reviewers)}",
        said.sample,
        f"{total.share or 0:.2%}",
        f"{total.lower or 0:.2%} to {total.upper or 0:.2%}",
        f"{total.judged} of {said.items}",
        f"{said.recorded:%Y-%m-%d}",
    ]
