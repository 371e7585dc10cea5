"""The commands, and what they ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hearth.artifact import InputRef
from hearth.build import Build, builds
from hearth.cli import show
from hearth.cli.airflow import Airflow
from hearth.cli.card import card
from hearth.cli.follow import follow
from hearth.cli.logs import print_log
from hearth.cli.output import AsJson, ProfileName, console, print_json, told
from hearth.cli.preflight import preflight
from hearth.cli.review import review, sample
from hearth.cli.why import why
from hearth.cli.withdraw import withdraw
from hearth.gc import KEPT_BUILDS, collect, garbage
from hearth.model import Stage
from hearth.preview import preview
from hearth.profile import load_profile
from hearth.rejects import Area
from hearth.resolution import Request, wanted_recipe
from hearth.retention import retained
from hearth.rollout.state import read_state
from hearth.settings import settings
from hearth.storage import Store
from hearth.trace.ancestry import document as decisions_about
from hearth.trace.ancestry import trace as trace_back
from hearth.withdrawal.revocation import revocation

app = typer.Typer(
    name="hearth",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build a language model inside your own account, and keep it current.",
    epilog="Start with: hearth plan demo, then: hearth build demo",
)

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A name in recipes/.")]
RebuildFrom = Annotated[
    Stage | None, typer.Option(help="Make this stage and what follows anew, whatever is there.")
]
TrainSteps = Annotated[int | None, typer.Option(help="Optimizer steps, instead of the recipe's.")]
TrainSeed = Annotated[int | None, typer.Option(help="Seed of training, instead of the recipe's.")]


def _request(recipe: str, profile: str | None, **values: Any) -> Request:
    conf = {"recipe": recipe, "profile": profile or settings().profile, **values}
    return Request.of({key: value for key, value in conf.items() if value is not None})


def _store(profile: str | None) -> Store:
    return Store.open(load_profile(profile).storage)


@app.command(epilog="Example: hearth plan demo --json")
def plan(
    recipe: RecipeName,
    profile: ProfileName = None,
    rebuild_from: RebuildFrom = None,
    train_steps: TrainSteps = None,
    train_seed: TrainSeed = None,
    as_json: AsJson = False,
) -> None:
    """Say which stages a build would reuse or run, and why. Nothing is started."""
    with told():
        found = preview(
            _request(
                recipe,
                profile,
                rebuild_from=rebuild_from,
                train_steps=train_steps,
                train_seed=train_seed,
            )
        )
        print_json(found) if as_json else show.preview(found)


@app.command(epilog="Example: hearth build demo --rebuild-from train")
def build(
    recipe: RecipeName,
    profile: ProfileName = None,
    rebuild_from: RebuildFrom = None,
    train_steps: TrainSteps = None,
    train_seed: TrainSeed = None,
    approve_by_hand: Annotated[
        bool, typer.Option("--approve-by-hand", help="A person decides, whatever the gate says.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Trigger it and return.")] = False,
    as_json: AsJson = False,
) -> None:
    """Trigger a build in Airflow, follow it, and say what came of it. Ctrl-C only detaches."""
    with told():
        request = _request(
            recipe,
            profile,
            rebuild_from=rebuild_from,
            train_steps=train_steps,
            train_seed=train_seed,
            approve_by_hand=approve_by_hand,
        )
        wanted_recipe(request)
        conf = request.model_dump(mode="json", exclude={"overrides"}, exclude_none=True)
        conf |= request.overrides.model_dump(mode="json", exclude_none=True)
        airflow = Airflow()
        dag_run = airflow.trigger(conf)
        started = Build(_store(request.profile), dag_run.build(recipe))
        if detach:
            print_json({"build": started.id}) if as_json else console.print(started.id)
            return
        state = follow(airflow, dag_run.run, started, quiet=as_json)
        summary = show.summarise(started, state, load_profile(request.profile))
        print_json(summary) if as_json else show.summary(summary)
        if state != "success":
            raise typer.Exit(1)


@app.command(epilog="Example: hearth status --json")
def status(
    build_id: Annotated[
        str | None, typer.Argument(metavar="BUILD", help="One build's events; default: all.")
    ] = None,
    profile: ProfileName = None,
    limit: Annotated[int, typer.Option(min=1, help="How many builds.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the endpoint and the newest builds, or what happened to one build."""
    with told():
        used = load_profile(profile)
        root = Store.open(used.storage)
        if build_id is not None:
            events = Build(root, build_id).events()
            if as_json:
                print_json([event.model_dump(mode="json") for event in events])
            else:
                show.events(build_id, events)
            return
        newest = [item for _, item in zip(range(limit), builds(root), strict=False)]
        state = read_state(root, used.endpoint.name)
        rows = [show.row(item) for item in newest]
        serving = state.serving
        revoked = (
            revocation(root, InputRef(uri=serving.model_uri, fingerprint=serving.fingerprint))
            if serving
            else None
        )
        if as_json:
            why = revoked.model_dump(mode="json") if revoked else None
            print_json({"endpoint": state.model_dump(mode="json"), "revoked": why, "builds": rows})
        else:
            show.status(used, state, rows, revoked)


@app.command(epilog="Example: hearth logs train --follow")
def logs(
    stage: Annotated[Stage, typer.Argument(metavar="STAGE", help="Whose log.")],
    build_id: Annotated[
        str | None, typer.Option("--build", help="Of which build; default: the newest.")
    ] = None,
    profile: ProfileName = None,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Until it ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the log of a stage's newest attempt."""
    with told():
        print_log(load_profile(profile), stage, build_id, follow=follow_it, as_json=as_json)


@app.command(epilog="Example: hearth trace endpoint --document debian-policy:ch01#3")
def trace(
    uri: Annotated[str, typer.Argument(metavar="URI", help="An artifact's URI, or `endpoint`.")],
    document: Annotated[
        str | None, typer.Option("--document", help="What was decided about this doc_key.")
    ] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Follow an endpoint, a model or a corpus back to its sources."""
    with told():
        used = load_profile(profile)
        root = Store.open(used.storage)
        found = trace_back(root, uri, used.endpoint.name)
        if document is not None:
            rows = decisions_about(root, found, document)
            if as_json:
                print_json([row.model_dump(mode="json") for row in rows])
            else:
                show.decisions(document, rows)
        else:
            print_json(found) if as_json else show.ancestry(found)


@app.command(name="gc", epilog="Example: hearth gc --dry-run")
def gc_(
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--delete", help="Only say what could go, or delete it.")
    ] = True,
    keep: Annotated[int, typer.Option(min=1, help="Builds of each recipe to keep.")] = KEPT_BUILDS,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Also what holds withdrawn documents.")
    ] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Find what no endpoint, kept or pinned build refers to."""
    with told():
        used = load_profile(profile)
        root = Store.open(used.storage)
        found = garbage(root, kept_builds=keep, withdrawn=withdrawn)
        area, now = used.reject_area, datetime.now(UTC)
        # First: what goes from the store tells which of these are copies of what is withdrawn.
        dropped = (
            retained(root, Area(area), now, withdrawn=withdrawn, delete=not dry_run) if area else []
        )
        if not dry_run:
            collect(root, found)
        if as_json:
            print_json([item.model_dump(mode="json") for item in (*found, *dropped)])
        else:
            show.garbage(found, deleted=not dry_run)
            show.retained(dropped, deleted=not dry_run)


app.command(epilog="Example: hearth preflight --profile aws-cn  # needs AWS")(preflight)
app.command(epilog="Example: hearth card demo --html card.html")(card)
app.command(epilog="Example: hearth why debian-policy:ch01#3 --json")(why)
app.command(epilog="Example: hearth sample endpoint --n 50 --seed 7 --out sample.csv")(sample)
app.command(epilog="Example: hearth review 3fa4bc12de90-50-7 sample.csv --reviewer li.wei")(review)
app.command(epilog="Example: hearth withdraw --document debian-policy:ch01#3 --dry-run")(withdraw)
