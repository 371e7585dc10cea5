"""The first task of a build: from what a person asked for to a record that never moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import Field, JsonValue, ValidationError

from hearth.build import Build, BuildRecord, EventKind, Run
from hearth.curate.keywords.lists import pin_lists
from hearth.errors import NotFoundError, PolicyViolation, SpecError, TransientError
from hearth.lock import Lock
from hearth.mirror.access import Access
from hearth.mirror.admission import check_collections
from hearth.mirror.resolve import resolve
from hearth.model import FrozenModel, Stage
from hearth.previous import previous_of
from hearth.profile import Profile, load_profile
from hearth.recipe import Overrides, Recipe, load_recipe
from hearth.review.demand import with_figures
from hearth.secretlike import looks_like_a_secret
from hearth.settings import settings
from hearth.storage import Store
from hearth.tombstones import tombstones


class Request(FrozenModel):
    """What a person may ask for at the trigger; no other key is known."""

    recipe: str = Field(description="The name of a recipe.")
    profile: str = Field(description="The name of a profile.")
    overrides: Overrides = Overrides()
    rebuild_from: Stage | None = None
    approve_by_hand: bool = False

    @classmethod
    def of(cls, conf: Mapping[str, JsonValue]) -> Request:
        """Return the request that a flat form describes.

        Raises:
            SpecError: a key is unknown or a value out of bounds.
            PolicyViolation: a value looks like a secret; it is not repeated.
        """
        secrets = sorted(key for key, value in conf.items() if looks_like_a_secret(value))
        if secrets:
            message = (
                f"{', '.join(secrets)}: looks like a secret, and what triggers a run is stored and "
                "shown in the clear: revoke it, and name secrets in the profile"
            )
            raise PolicyViolation(message)
        data = {key: value for key, value in conf.items() if value is not None}
        given = {key: data.pop(key) for key in Overrides.model_fields if key in data}
        try:
            return cls.model_validate({**data, "overrides": given})
        except ValidationError as error:
            problems = "; ".join(
                f"{problem['loc'][-1]}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            )
            known = [*Overrides.model_fields, *cls.model_fields]
            known.remove("overrides")
            message = f"trigger: {problems}: what can be set is {', '.join(sorted(known))}"
            raise SpecError(message) from error


def wanted_recipe(request: Request) -> Recipe:
    """Return the recipe that a request describes, with margins that its suite can see.

    Figures that a preset gives are in it: a preset that is edited later changes no build.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    # numpy and Arrow come with it: half a second that Airflow's parser must not pay.
    from hearth.gate.decide import check_margins  # noqa: PLC0415

    recipe = load_recipe(request.recipe).with_overrides(request.overrides)
    check_margins(recipe.suite, recipe.gate)
    asked = recipe.gate.acceptance
    if asked is None:
        return recipe
    gate = recipe.gate.model_copy(update={"acceptance": with_figures(asked)})
    return recipe.model_copy(update={"gate": gate})


def lock_of(recipe: Recipe, profile: Profile, root: Store) -> Lock:
    """Resolve a recipe's floating sources under a profile's policy, and its lists, as of now.

    Raises:
        PolicyViolation: a source lacks a record that the policy asks for, or is not let in.
    """
    check_collections(recipe.mirror.sources, profile.policy)
    here = settings()
    lists = tuple(pin for pin, _ in pin_lists(recipe.curate.keywords, here.config))
    lock = resolve(
        recipe.name,
        recipe.mirror.sources,
        tombstones(root),
        access=Access(allowed_hosts=profile.policy.allowed_hosts),
        home=here.home / "resolve",
        base=here.config,
    )
    return lock.model_copy(update={"lists": lists})


def keep_lists(recipe: Recipe, lock: Lock, root: Store) -> None:
    """Put the lists of keywords that a lock pins into the store, named by their bytes.

    Raises:
        TransientError: one changed since it was pinned.
    """
    there = {pin.sha256: data for pin, data in pin_lists(recipe.curate.keywords, settings().config)}
    for pin in lock.lists:
        if root.exists(pin.path):
            continue
        if pin.sha256 not in there:
            message = f"keyword list {pin.name}: changed since it was pinned: trigger again"
            raise TransientError(message)
        root.put(pin.path, there[pin.sha256])


def new_record(
    request: Request, profile: Profile, root: Store, id_: str, run: Run, triggered_by: str
) -> BuildRecord:
    """Return what a build is of, with all that floats resolved as of now; nothing is written.

    Args:
        request: what a person asked for.
        profile: where it runs.
        root: the root of the store.
        id_: the build's id.
        run: the DAG run that it is.
        triggered_by: who asked.

    Raises:
        SpecError: the recipe is wrong, or what the profile asks for can be had by no job.
    """
    profile.compute.check()
    recipe = wanted_recipe(request)
    record = BuildRecord(
        id=id_,
        recipe=recipe.model_dump(mode="json"),
        profile=profile,
        lock=lock_of(recipe, profile, root),
        run=run,
        triggered_by=triggered_by,
        created=datetime.now(UTC),
        overrides=request.overrides.model_dump(mode="json", exclude_none=True),
        rebuild_from=request.rebuild_from,
        approve_by_hand=request.approve_by_hand,
    )
    return record.model_copy(update={"previous": previous_of(root, record)})


def create_build(request: Request, id_: str, run: Run, triggered_by: str) -> BuildRecord:
    """Resolve a request and write the build's record; a second call finds what the first wrote.

    Raises:
        SpecError: recipe or profile is wrong.
        DataError: a source is gone, or is not what its pin says.
        TransientError: a registry does not answer.
    """
    profile = load_profile(request.profile)
    root = Store.open(profile.storage)
    build = Build(root, id_)
    try:
        return build.record()
    except NotFoundError:
        fresh = new_record(request, profile, root, id_, run, triggered_by)
        keep_lists(Recipe.model_validate(fresh.recipe), fresh.lock, root)
        record = build.create(fresh)
    build.append(
        EventKind.RESOLVED,
        lock=record.lock.digest,
        sources={pin.id: pin.version for pin in record.lock.sources},
        tombstones=len(record.lock.tombstones),
        splits=str(record.previous),
    )
    return record
