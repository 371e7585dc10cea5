"""`hearth why`: a document's whole way."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.errors import SpecError
from hearth.profile import load_profile
from hearth.storage import Store
from hearth.tombstones import tombstones
from hearth.trace.corpora import find_corpus
from hearth.trace.origin import Origin
from hearth.trace.why import Decided, Way
from hearth.trace.why import why as way_of

CorpusName = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        help="A corpus, or what was made from one: a URI, a recipe, the start of a fingerprint. "
        "Default: the corpus of what serves.",
    ),
]


def why(
    document: Annotated[
        str, typer.Argument(metavar="DOCUMENT", help="Its doc_key: `source:record`.")
    ],
    build: Annotated[
        str | None, typer.Option("--build", help="Through this build's corpus.")
    ] = None,
    corpus: CorpusName = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Say where a document comes from, what each step did to it, and what holds it now."""
    with told():
        if build is not None and corpus is not None:
            message = "--build and --corpus: give one of them"
            raise SpecError(message)
        used = load_profile(profile)
        root = Store.open(used.storage)
        through = find_corpus(root, build or corpus or "endpoint", used.endpoint.name)
        way = way_of(root, through, document, tombstones(root))
        print_json(way) if as_json else show_way(way)


def show_way(way: Way) -> None:
    """Show a document's way."""
    console.print(f"document [bold]{escape(way.document)}[/]")
    colour = "green" if way.place else "yellow" if way.stand_in else "red"
    console.print(f"[{colour}]{escape(way.outcome)}[/]")
    for grave in way.withdrawn:
        since = grave.since.isoformat(timespec="minutes")
        console.print(f"[red]withdrawn[/] by {grave.kind} since {since}: {escape(grave.reason)}")
    for name, value in _facts(way):
        console.print(f"  {name:12} {value}", markup=False, soft_wrap=True)
    table = Table("step", "action", box=None)
    for heading in ("reason", "copy of", "spans (kind start–end)"):
        table.add_column(heading, overflow="fold")
    for step in way.steps:
        table.add_row(*(escape(cell) for cell in _cells(step)))
    console.print(table)
    if way.copies:
        copies = ", ".join(way.copies)
        console.print(f"dropped as copies of it: {copies}", markup=False, soft_wrap=True)
    for holder in way.held_by:
        role = f" {holder.role} {holder.version}" if holder.role else ""
        line = f"{holder.kind} {holder.name}{role} (build {holder.build})"
        console.print(line, markup=False, soft_wrap=True)
    place = way.place or way.stand_in
    if place is not None and not way.held_by:
        console.print("no model was made from this corpus yet")
    if place is not None and way.held_by and place.split != "train":
        console.print(
            f"of the split {place.split}: these models were measured on it, not trained on it"
        )


def _facts(way: Way) -> list[tuple[str, str]]:
    rows = [("corpus", way.corpus), ("built by", way.build)]
    if way.content_id:
        rows.append(("content", way.content_id))
    rows += _origin(way.origin) if way.origin else [("source", "its mirror is no longer there")]
    place = way.place or way.stand_in
    if place and place.group:
        rows.append(("group", place.group))
    if place and place.characters is not None:
        rows.append(("size", f"{place.characters} characters, {place.language}"))
    return rows


def _origin(origin: Origin) -> list[tuple[str, str]]:
    rows = [
        ("source", f"{origin.source} {origin.version or ''}".rstrip()),
        ("from", ", ".join(origin.addresses)),
        ("licence", origin.licence or ""),
        ("its text", ", ".join(origin.licence_files)),
        ("work", origin.work or ""),
        ("parallel to", origin.parallel or ""),
        ("mirror", origin.mirror),
    ]
    return [(name, value) for name, value in rows if value]


def _cells(step: Decided) -> tuple[str, ...]:
    score = "" if step.score is None else f" ({step.score:.4g})"
    spans = ", ".join(f"{span.kind} {span.start}–{span.end}" for span in step.spans)
    return (step.step, step.action, (step.reason or "") + score, step.canonical or "", spans)
