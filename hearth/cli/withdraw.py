"""`hearth withdraw`: bury documents, and say what holds them."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.errors import SpecError
from hearth.lock import Tombstone
from hearth.profile import load_profile
from hearth.rejects import Area
from hearth.storage import Store
from hearth.tombstones import tombstones
from hearth.withdrawal.holding import Holding, Kind, Todo
from hearth.withdrawal.holdings import holdings
from hearth.withdrawal.revocation import allow
from hearth.withdrawal.withdraw import Match, Wish, Withdrawal, plan_withdrawal
from hearth.withdrawal.withdraw import withdraw as put_into_force

_SHOWN = 20
_COLOURS = {
    Todo.PURGE: "red",
    Todo.REBUILD: "yellow",
    Todo.REPLACE: "red",
    Todo.KEEP: "green",
}


def withdraw(  # noqa: PLR0913, PLR0917 - a command's options
    document: Annotated[
        list[str] | None,
        typer.Option(
            "--document",
            metavar="KEY",
            help="A doc_key; without `#…` it stands for every passage. May be repeated.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="S", help="A source, whatever it holds. May be repeated."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it goes with the tombstone.")] = None,
    match: Annotated[
        Match,
        typer.Option(
            help="key: it alone; content: and exact copies; near: and near copies, those that come "
            "later too. Of more than 10,000 texts, as a whole source may hold, later near copies "
            "are found only while a source has them."
        ),
    ] = Match.NEAR,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Also what the store never saw.")
    ] = False,
    allowed: Annotated[
        str | None,
        typer.Option(
            "--allow",
            metavar="URI",
            help="Instead: let a revoked artifact be used; --reason is kept as an event.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who says so; default: the login.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw documents: no later build uses them; says what holds them, and what to do.

    Without --document, --source or --allow: show what is withdrawn, and what still holds it.
    """
    with told():
        used = load_profile(profile)
        root = Store.open(used.storage)
        area = Area(used.reject_area) if used.reject_area else None
        who = by or getpass.getuser()
        if allowed is not None:
            _allow(root, allowed, who, reason, as_json=as_json)
        elif not document and not source:
            _show_all(root, area, as_json=as_json)
        else:
            wish = Wish(
                documents=tuple(document or ()),
                sources=tuple(source or ()),
                match=match,
                reason=reason or "withdrawn",
                by=who,
                unseen=unseen,
            )
            plan = plan_withdrawal(root, wish, area)
            if not dry_run:
                put_into_force(root, plan)
            if as_json:
                print_json(plan.model_dump(mode="json") | {"dry_run": dry_run})
            else:
                _show(plan, dry_run=dry_run)


def _allow(root: Store, uri: str, by: str, reason: str | None, *, as_json: bool) -> None:
    if not reason:
        message = "--allow: say why with --reason: it is kept as an event"
        raise SpecError(message)
    found = allow(root, uri, by, reason)
    if as_json:
        print_json(found)
    else:
        console.print(f"allowed by {escape(by)}: {escape(found.artifact)}")
        console.print(f"it is revoked: {escape(str(found))}")


def _show_all(root: Store, area: Area | None, *, as_json: bool) -> None:
    graves = tombstones(root)
    found = holdings(root, graves, area=area) if graves else ()
    if as_json:
        print_json(
            {
                "tombstones": [grave.model_dump(mode="json") for grave in graves],
                "holdings": [one.model_dump(mode="json") for one in found],
            }
        )
        return
    _show_graves(graves)
    _show_holdings(found)


def _show(plan: Withdrawal, *, dry_run: bool) -> None:
    verb = "would be withdrawn" if dry_run else "withdrawn"
    console.print(
        f"{verb}: [bold]{len(plan.documents)}[/] documents and {len(plan.copies)} copies of them"
    )
    for key in (*plan.documents, *plan.copies)[:_SHOWN]:
        console.print(f"  {key}", markup=False)
    if len(plan.documents) + len(plan.copies) > _SHOWN:
        console.print("  …")
    if plan.known:
        console.print(f"{plan.known} tombstones were in force before")
    if plan.unsketched:
        console.print(
            f"near copies of {plan.unsketched} texts that come later are found only while a source "
            "has the document: no corpus has a sketch of them, or there are too many for a lock"
        )
    _show_graves(plan.tombstones)
    _show_holdings(plan.holdings)
    if dry_run:
        console.print("nothing was written: leave out --dry-run to withdraw")
    else:
        console.print("every lock from now on carries this; what is listed may not be reused or")
        console.print("served, unless `hearth withdraw --allow URI --reason …` puts on record why")


def _show_graves(graves: Sequence[Tombstone]) -> None:
    if not graves:
        console.print("no new tombstone")
        return
    table = Table("tombstone", box=None)
    for heading in ("buries", "since", "by", "reason"):
        table.add_column(heading, overflow="fold")
    for grave in graves[:_SHOWN]:
        cells = (grave.kind, grave.value, f"{grave.since:%Y-%m-%d %H:%M}", grave.by, grave.reason)
        table.add_row(*(escape(str(cell)) for cell in cells))
    console.print(table)
    if len(graves) > _SHOWN:
        console.print(f"… and {len(graves) - _SHOWN} more; --json shows all")


def _show_holdings(found: Sequence[Holding]) -> None:
    if not found:
        console.print("nothing in the store holds it")
        return
    console.print("held by:")
    for one in found:
        other = {Kind.PACKAGE: "what they came in", Kind.REJECT: "perhaps"}
        named = other.get(one.kind, "made from them")
        count = f"{len(one.documents)} documents" if one.documents else named
        splits = f" in {', '.join(one.splits)}" if one.splits else ""
        console.print(f"  [bold]{one.kind}[/] {escape(one.name)}", soft_wrap=True)
        console.print(
            f"    {count}{splits}: [{_COLOURS[one.todo]}]{one.todo}[/]: {escape(one.how)}",
            soft_wrap=True,
        )
