"""`hearth preflight`: whether a build can run there, before it costs anything."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.preflight.finding import Finding, Verdict, worst
from hearth.preflight.run import preflight as probe
from hearth.profile import load_profile

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow"}


def preflight(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Probe the account and the cluster that a profile names; say what to mend. Starts nothing."""
    with told():
        findings = probe(load_profile(profile))
    if as_json:
        print_json([finding.model_dump(mode="json") for finding in findings])
    elif not findings:
        console.print("Nothing to probe: the profile names neither AWS nor Slurm.")
    else:
        _print(findings)
    if worst(findings) is Verdict.FAIL:
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    table = Table("", "probe", "subject", "found", "what to do", box=None, pad_edge=False)
    for one in findings:
        verdict = f"[{_COLOURS[one.verdict]}]{one.verdict}[/]"
        table.add_row(verdict, *map(escape, (one.probe, one.subject, one.detail, one.fix)))
    console.print(table)
    counts = {verdict: sum(one.verdict is verdict for one in findings) for verdict in Verdict}
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
