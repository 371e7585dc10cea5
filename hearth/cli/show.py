"""What people see: tables and trees of what the commands found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx
from pydantic import JsonValue
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from hearth.artifact import Artifact
from hearth.build import Build, Event, EventKind
from hearth.cli.output import console, human_bytes
from hearth.errors import NotFoundError
from hearth.gc import Garbage
from hearth.judgement import describe, judgement_of
from hearth.model import FrozenModel, Stage
from hearth.pipeline import stage_plans
from hearth.preview import Preview
from hearth.profile import Profile
from hearth.retention import Retained, State
from hearth.rollout.state import EndpointState, read_state
from hearth.trace.ancestry import Ancestry, Node
from hearth.trace.why import Decided
from hearth.withdrawal.revocation import Revocation

_HEADLINES: Final[dict[Stage, tuple[str, ...]]] = {
    Stage.CURATE: ("documents", "retention", "drops", "duplication", "pii", "tokens"),
}
"""Of these stages only this is shown; the record and the report hold the rest."""

_SHOWN: Final = 5

_PROMPTS: Final = ("The package manager", "软件包")


class Summary(FrozenModel):
    """What came of a build."""

    build: str
    state: str
    records: str
    metrics: dict[Stage, dict[str, JsonValue]]
    unverified: tuple[str, ...]
    gate: str | None
    error: str | None
    endpoint: str
    serving: str | None
    samples: dict[str, str]


def preview(found: Preview) -> None:
    """Show a plan."""
    last = found.last_build or "none"
    console.print(f"recipe [bold]{found.recipe}[/], profile {found.profile}, last build: {last}")
    for path in (found.recipe_file, found.profile_file):
        console.print(f"  read: {path}", markup=False, highlight=False, soft_wrap=True)
    for move in found.moved.moves:
        console.print(f"  moved: {move}", markup=False)
    for word, graves in (("withdrawn", found.moved.buried), ("lifted", found.moved.lifted)):
        for grave in graves[:_SHOWN]:
            line = f"  {word}: {grave.kind} {grave.value} ({grave.reason})"
            console.print(line, markup=False)
        if len(graves) > _SHOWN:
            console.print(f"  {word}: {len(graves) - _SHOWN} more")
    console.print(f"  splits: {found.splits}", markup=False, highlight=False)
    table = Table("stage", "", "why", "cpus", "memory", "fingerprint", box=None)
    for one in found.stages:
        note = " (its code changed since)" if one.code_changed else ""
        table.add_row(
            one.stage,
            "[green]reuse[/]" if one.reuse else "[yellow]run[/]",
            escape(one.why + note),
            str(one.resources.cpus),
            f"{one.resources.memory_gib:g} GiB",
            one.fingerprint[:12],
        )
    console.print(table)


def summarise(build: Build, state: str, profile: Profile) -> Summary:
    """Collect what came of a build, from its records."""
    metrics: dict[Stage, dict[str, JsonValue]] = {}
    doubts: list[str] = []
    for stage, plan in stage_plans(build.record()).items():
        record = Artifact(build.root, stage, plan.fingerprint).record()
        if record is not None:
            metrics[stage] = record.metrics
            said = (doubt for doubt in record.unverified if doubt not in profile.unverified)
            doubts += [f"{stage}: {doubt}" for doubt in said]
    doubts += profile.unverified
    try:
        gate = describe(judgement_of(build))
    except NotFoundError:
        gate = None
    failures = [e for e in build.events() if e.kind in {EventKind.FAILED, EventKind.ATTEMPT_ENDED}]
    message = failures[-1].data.get("message") if failures and state != "success" else None
    serving = read_state(build.root, profile.endpoint.name).serving
    return Summary(
        build=build.id,
        state=state,
        records=build.uri,
        metrics=metrics,
        unverified=tuple(doubts),
        gate=gate,
        error=None if message is None else str(message),
        endpoint=str(profile.endpoint.url),
        serving=serving.version if serving else None,
        samples=_samples(str(profile.endpoint.url)) if serving else {},
    )


def summary(found: Summary) -> None:
    """Show what came of a build."""
    colour = "green" if found.state == "success" else "red"
    console.print(f"\nbuild [bold]{found.build}[/]: [{colour}]{found.state}[/]")
    for stage, metrics in found.metrics.items():
        table = Table(title=stage, title_justify="left", box=None, show_header=False)
        wanted = _HEADLINES.get(stage, tuple(metrics))
        for name, value in _flat({k: metrics[k] for k in wanted if k in metrics}):
            table.add_row(escape(name), escape(value))
        console.print(table)
    if found.gate:
        console.print(Markdown(found.gate))
    if found.error:
        console.print(f"[red]{escape(found.error)}[/]")
    for doubt in found.unverified:
        console.print(f"[yellow]not verified:[/] {escape(doubt)}")
    console.print(f"endpoint {found.endpoint}: serves {found.serving or 'nothing'}")
    for prompt, answer in found.samples.items():
        console.print(f"  {escape(prompt)}[bold]{escape(answer)}[/]")
    console.print(f"records {found.records}")


def row(build: Build) -> dict[str, Any]:
    """Return what the list of builds says of one."""
    record = build.record()
    events = build.events()
    last = events[-1] if events else None
    return {
        "build": build.id,
        "recipe": record.recipe_name,
        "by": record.triggered_by,
        "created": record.created.isoformat(timespec="seconds"),
        "last": str(last.kind) if last else "",
        "stage": str(last.stage or "") if last else "",
    }


def status(
    profile: Profile,
    state: EndpointState,
    rows: list[dict[str, Any]],
    revoked: Revocation | None,
) -> None:
    """Show the endpoint and builds."""
    serving = state.serving.version if state.serving else "nothing"
    candidate = f", candidate {state.candidate.version}" if state.candidate else ""
    console.print(f"endpoint {profile.endpoint.url}: serves [bold]{serving}[/]{candidate}")
    if revoked is not None and revoked.allowed is None:
        end = revoked.since + profile.policy.revoked_grace
        console.print(
            f"[red]what serves is revoked:[/] {escape(str(revoked))}: build anew; it serves until "
            f"{end:%Y-%m-%d %H:%M} UTC (policy.revoked_hours), unless somebody allows it"
        )
    elif revoked is not None and revoked.allowed is not None:
        allowed = revoked.allowed
        console.print(
            f"[yellow]what serves is revoked, and allowed by {escape(allowed.by)}:[/] "
            f"{escape(allowed.reason)} ({escape(str(revoked))})"
        )
    table = Table("build", "by", "created", "last event", box=None)
    for one in rows:
        last = f"{one['last']} {one['stage']}".rstrip()
        table.add_row(one["build"], escape(one["by"]), one["created"], last)
    console.print(table)


def events(build: str, found: list[Event]) -> None:
    """Show what happened to a build."""
    console.print(f"build [bold]{build}[/]")
    table = Table("at", "event", "stage", "", box=None)
    for event in found:
        data = ", ".join(
            f"{k}={v}" for k, v in event.data.items() if not isinstance(v, dict | list)
        )
        table.add_row(
            event.at.isoformat(timespec="seconds"), event.kind, event.stage or "", escape(data)
        )
    console.print(table)


def ancestry(found: Ancestry) -> None:
    """Show where something comes from."""
    if found.version is not None:
        console.print(
            f"version [bold]{found.version.version}[/] of build {found.version.build}, "
            f"serving since {found.version.since}"
        )
    tree = Tree(_label("", found.artifact))
    _grow(tree, found.artifact)
    console.print(tree)


def _grow(tree: Tree, node: Node) -> None:
    for name, version in node.sources.items():
        tree.add(escape(f"source {name} {version}"))
    if node.splits_of is not None:
        tree.add(escape(f"splits kept as in {node.splits_of}"))
    for role, below in node.inputs.items():
        _grow(tree.add(_label(role, below)), below)


def _label(role: str, node: Node) -> str:
    head = f"{role}: " if role else ""
    return f"{head}[bold]{node.stage}[/] {escape(node.uri)} (build {node.build}, {node.finished})"


def decisions(key: str, steps: Iterable[Decided]) -> None:
    """Show what was decided about a document; `hearth why` says more."""
    console.print(f"document [bold]{escape(key)}[/]")
    table = Table("step", "action", "reason", "canonical", box=None)
    for one in steps:
        cells = (one.step, one.action, one.reason or "", one.canonical or "")
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)


def garbage(items: list[Garbage], *, deleted: bool) -> None:
    """Show what could go, or went."""
    table = Table("folder", "objects", "size", "why", box=None)
    for item in items:
        table.add_row(item.path, str(item.objects), human_bytes(item.bytes), item.why)
    if items:
        console.print(table)
    total = human_bytes(sum(item.bytes for item in items))
    console.print(f"{total} {'deleted' if deleted else 'could go; --delete removes it'}")


def retained(items: list[Retained], *, deleted: bool) -> None:
    """Show what becomes of a reject area's documents."""
    if not items:
        return
    table = Table("dropped documents", "documents", "size", "until", "", "why", box=None)
    for item in items:
        kept = item.why in {State.KEPT, State.LOCKED}
        table.add_row(
            item.path,
            "unknown" if item.documents is None else str(item.documents),
            human_bytes(item.bytes),
            f"{item.until:%Y-%m-%d}",
            "kept" if kept else "deleted" if deleted else "could go",
            item.why,
        )
    console.print(table)


def _flat(metrics: Mapping[str, JsonValue], path: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in metrics.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            rows += _flat(value, below)
        elif isinstance(value, float):
            rows.append((below, f"{value:.4g}"))
        elif not isinstance(value, list):
            rows.append((below, str(value)))
    return rows


def _samples(url: str) -> dict[str, str]:
    answers = {}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for prompt in _PROMPTS:
            body = {"model": "hearth", "prompt": prompt, "max_tokens": 32, "temperature": 0.7}
            try:
                answer = client.post("/v1/completions", json=body)
                answer.raise_for_status()
                answers[prompt] = str(answer.json()["choices"][0]["text"])
            except (httpx.HTTPError, KeyError, IndexError, ValueError) as error:
                answers[prompt] = f" (no answer: {error})"
    return answers
