"""`hearth card`: a corpus's data card."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.errors import NotFoundError
from hearth.profile import load_profile
from hearth.review.beside import as_html, as_markdown
from hearth.storage import Store
from hearth.trace.corpora import Corpus, find_corpus

_MARKDOWN: Final = "card.md"
_HTML: Final = "card.html"
_REPORT: Final = "report.json"
_END: Final = "</main>"
"""Before it what came later than the card is put into its page."""


def card(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="A recipe, a build, a URI, or the start of a fingerprint. Default: the corpus of "
            "what serves.",
        ),
    ] = "endpoint",
    html: Annotated[
        Path | None, typer.Option(help="Write the page with its plots to this file instead.")
    ] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Print what a corpus is made of and what was done to it: its data card, and its reviews."""
    with told():
        used = load_profile(profile)
        root = Store.open(used.storage)
        found = find_corpus(root, corpus, used.endpoint.name)
        if html is not None:
            _copy(found, _HTML, html)
            if reviews := as_html(root, found):
                page = html.read_text(encoding="utf-8")
                html.write_text(page.replace(_END, reviews + _END), encoding="utf-8")
        if as_json:
            print_json(json.loads(_text(found, _REPORT)))
        elif html is not None:
            console.print(f"written to {html}", markup=False, soft_wrap=True)
        else:
            typer.echo(_text(found, _MARKDOWN) + as_markdown(root, found), nl=False)


def _text(corpus: Corpus, name: str) -> str:
    with tempfile.TemporaryDirectory(prefix="hearth-card-") as folder:
        local = Path(folder) / name
        _copy(corpus, name, local)
        return local.read_text(encoding="utf-8")


def _copy(corpus: Corpus, name: str, local: Path) -> None:
    """Copy a file of a corpus; its hash must be that of the record."""
    for output in corpus.record.outputs_named(name):
        corpus.artifact.folder.download(output.path, local, expect=output.info)
        return
    message = (
        f"corpus {corpus.uri}: has no {name}: it was made before there were data cards; "
        "`hearth build … --rebuild-from curate` makes it again with one"
    )
    raise NotFoundError(message)
