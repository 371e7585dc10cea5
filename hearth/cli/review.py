"""`hearth sample` and `hearth review`: what people say of a corpus."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hearth.artifact import Artifact
from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.errors import SpecError
from hearth.model import Stage
from hearth.profile import load_profile
from hearth.review.filing import Finding, Preset, check, load_preset
from hearth.review.reviews import (
    Acceptance,
    Method,
    acceptance_of,
    acceptance_of_sample,
    record_review,
)
from hearth.review.rules import Keywords
from hearth.review.sample import Sample, draw, find_sample, hand_out, size_of_share
from hearth.review.verdicts import read_verdicts
from hearth.storage import Store
from hearth.trace.corpora import find_corpus

_DEFAULT_SIZE = 50
_MISSING = 10

By = Annotated[str | None, typer.Option("--by", help="Who does this; default: the login.")]
PresetName = Annotated[
    str | None, typer.Option("--preset", help="A file in presets/, such as cn-filing.")
]
ByMachine = Annotated[bool, typer.Option("--machine", help="A program looks at it, not people.")]


def sample(  # noqa: PLR0913, PLR0917 - a command's options
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="`endpoint`, a recipe, a build, a URI, or the start of a fingerprint.",
        ),
    ],
    size: Annotated[int | None, typer.Option("--n", min=1, help="Documents; default: 50.")] = None,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead: this share of the corpus.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another sample.")] = 0,
    preset: PresetName = None,
    machine: ByMachine = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The file for reviewers, .csv or .jsonl; default: sample-<id>.csv here."),
    ] = None,
    by: By = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Draw a review sample of a corpus: the same again for equal CORPUS, size and seed."""
    with told():
        if sum(one is not None for one in (size, share, preset)) > 1:
            message = "--n, --share and --preset: give one of them"
            raise SpecError(message)
        used = load_profile(profile)
        root = Store.open(used.storage)
        found = find_corpus(root, corpus, used.endpoint.name)
        if preset is not None:
            rules = load_preset(preset)
            size = None if machine else rules.human.items
            share = rules.machine.share if machine else None
        if share is not None:
            size = size_of_share(found, share)
        drawn = draw(root, found, size or _DEFAULT_SIZE, seed, by or getpass.getuser())
        local = out or Path(f"sample-{drawn.id}.csv")
        hand_out(root, drawn, local)
        if as_json:
            print_json(drawn.model_dump(mode="json") | {"file": str(local)})
            return
        console.print(
            f"sample [bold]{drawn.id}[/]: {len(drawn.items)} of {drawn.population} documents of "
            f"{found.uri}",
            soft_wrap=True,
        )
        if len(drawn.items) < drawn.wanted:
            console.print(f"[yellow]the corpus has no {drawn.wanted} documents[/]")
        console.print(
            f"fill in {escape(str(local))}: verdict (accept or reject), category, reviewer"
        )
        console.print(f"then: hearth review {drawn.id} {escape(str(local))}", soft_wrap=True)


def review(  # noqa: PLR0913, PLR0917 - a command's options
    name: Annotated[str, typer.Argument(metavar="SAMPLE", help="The sample's id.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The file, filled in; without it, only say how the reviews stand."
        ),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Who judged, where a line does not say.")
    ] = None,
    machine: ByMachine = False,
    preset: PresetName = None,
    keywords: Annotated[
        Path | None,
        typer.Option(
            help="The list that programs looked with, for the preset; default: the lists that the "
            "corpus was held against."
        ),
    ] = None,
    by: By = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Record verdicts on a sample, and say how much of the corpus is acceptable."""
    with told():
        root = Store.open(load_profile(profile).storage)
        drawn = find_sample(root, name)
        rules = load_preset(preset) if preset else None
        method = Method.MACHINE if machine else Method.HUMAN
        if file is not None:
            names = tuple(rules.categories.known) if rules else ()
            verdicts = read_verdicts(file, drawn, reviewer=reviewer, categories=names)
            record_review(root, drawn, verdicts, method, by or getpass.getuser())
        said = acceptance_of_sample(root, drawn, method)
        findings = _findings(root, drawn, rules, keywords)
        if as_json:
            print_json(_as_json(drawn, said, findings))
        else:
            _show(drawn, said, findings)


def _findings(
    root: Store, drawn: Sample, rules: Preset | None, keywords: Path | None
) -> tuple[Finding, ...]:
    if rules is None:
        return ()
    corpus = drawn.corpus.fingerprint
    if keywords is not None:
        counted: Keywords | None = Keywords.read(keywords)
    else:
        record = Artifact(root, Stage.CURATE, corpus).record()
        counted = Keywords.of(record) if record else None
    return check(
        rules,
        drawn.population,
        acceptance_of(root, corpus, Method.HUMAN),
        acceptance_of(root, corpus, Method.MACHINE),
        counted,
    )


def _as_json(
    drawn: Sample, said: Acceptance | None, findings: tuple[Finding, ...]
) -> dict[str, Any]:
    return {
        "sample": drawn.id,
        "corpus": drawn.corpus.uri,
        "acceptance": said.model_dump(mode="json") if said else None,
        "findings": [one.model_dump(mode="json") for one in findings],
    }


def _show(drawn: Sample, said: Acceptance | None, findings: tuple[Finding, ...]) -> None:
    console.print(f"sample [bold]{drawn.id}[/] of {drawn.corpus.uri}", soft_wrap=True)
    if said is None or said.total.share is None:
        console.print(f"no verdict yet on its {len(drawn.items)} items")
    else:
        _show_acceptance(said)
    if findings:
        table = Table("rule", "wanted", "found", "", box=None)
        for one in findings:
            mark = {True: "[green]met[/]", False: "[red]not met[/]", None: "[yellow]open[/]"}
            doubt = "" if one.confirmed else " (unconfirmed)"
            table.add_row(escape(one.rule), one.wanted + doubt, escape(one.found), mark[one.met])
        console.print(table)
        if any(not one.confirmed for one in findings):
            console.print(
                "unconfirmed: not checked against the standard's own text; see the preset"
            )


def _show_acceptance(said: Acceptance) -> None:
    total = said.total
    console.print(
        f"accepted [bold]{total.share:.2%}[/] ({total.accepted} of {total.judged} judged; "
        f"{said.confidence:.0%} interval {total.lower:.2%} to {total.upper:.2%}), "
        f"by {said.method}: {escape(', '.join(said.reviewers))}",
        soft_wrap=True,
    )
    for category, count in said.categories.items():
        console.print(f"  rejected {count}: {escape(category)}")
    if said.missing:
        some = ", ".join(said.missing[:_MISSING])
        more = " …" if len(said.missing) > _MISSING else ""
        console.print(
            f"[yellow]{len(said.missing)} not judged:[/] {escape(some)}{more}", soft_wrap=True
        )
