"""What stands beside a data card, which is as old as its corpus: reviews come later."""

from __future__ import annotations

import html

from hearth.review.reviews import Acceptance, Method, Share, acceptances_of
from hearth.storage import Store
from hearth.trace.corpora import Corpus

_HEAD = ("by", "sample", "accepted", "95 % interval", "judged", "last verdict")
_BY_SOURCE = (
    "source, checked after collection",
    "by",
    "accepted",
    "95 % interval",
    "judged",
    "why not",
)

Table = list[tuple[str, ...]]
"""A heading and rows."""


def as_markdown(root: Store, corpus: Corpus) -> str:
    """Return the reviews of a corpus as a chapter of Markdown; empty if there are none."""
    tables = _tables(root, corpus)
    if not tables:
        return ""
    lines = ["", "## Reviews, as of now", ""]
    for head, *rows in tables:
        cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
        table = [head, ("---",) * len(head), *cells]
        lines += [*(f"| {' | '.join(row)} |" for row in table), ""]
    return "\n".join(lines)


def as_html(root: Store, corpus: Corpus) -> str:
    """Return the same as a section of the card's page."""
    tables = _tables(root, corpus)
    if not tables:
        return ""
    shown = "\n".join(_html(table) for table in tables)
    return f"<section>\n<h2>Reviews, as of now</h2>\n{shown}\n</section>\n"


def _html(table: Table) -> str:
    head = "".join(f'<th scope="col">{cell}</th>' for cell in table[0])
    body = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table[1:]
    )
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _tables(root: Store, corpus: Corpus) -> list[Table]:
    found = [
        said
        for method in Method
        for said in acceptances_of(root, corpus.record.fingerprint, method)
    ]
    if not found:
        return []
    by_source = [row for said in found for row in _by_source(said)]
    return [[_HEAD, *map(_row, found)], [_BY_SOURCE, *sorted(by_source)]]


def _row(said: Acceptance) -> tuple[str, ...]:
    return (
        _by(said),
        said.sample,
        *_share(said.total),
        f"{said.total.judged} of {said.items}",
        f"{said.recorded:%Y-%m-%d}",
    )


def _by_source(said: Acceptance) -> list[tuple[str, ...]]:
    return [
        (
            source,
            _by(said),
            *_share(share),
            str(share.judged),
            ", ".join(f"{why} {count}" for why, count in said.rejected.get(source, {}).items())
            or "–",
        )
        for source, share in said.sources.items()
    ]


def _by(said: Acceptance) -> str:
    return f"{said.method}: {', '.join(said.reviewers)}"


def _share(share: Share) -> tuple[str, str]:
    between = f"{share.lower or 0:.2%} to {share.upper or 0:.2%}"
    return f"{share.share or 0:.2%}", between
