"""The program of the curate stage."""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from hearth.curate import guard
from hearth.curate.keys import ContentKey
from hearth.curate.keywords.lists import Entries, merged, read_list
from hearth.curate.pii.section import PII_KEY
from hearth.curate.sections import DedupEngine
from hearth.curate.spec import CONTENT_KEY, CONTRACT, PREVIOUS, SPLITS, CurateSpec
from hearth.digest import FileInfo
from hearth.errors import DataError, NotFoundError, SpecError
from hearth.model import Stage
from hearth.policy import REJECTS
from hearth.profile import ray_address
from hearth.provenance import code_digest
from hearth.stage.context import Context
from hearth.stage.program import main

_KEY_BYTES: Final = 16


def run(context: Context) -> dict[str, Any]:
    """Fetch, curate, publish; return the metrics."""
    # Curator takes seconds to import, and a job that is refused should not wait for it.
    from hearth.curate import card, mixture  # noqa: PLC0415
    from hearth.curate.about import about  # noqa: PLC0415
    from hearth.curate.choice import choose  # noqa: PLC0415
    from hearth.curate.passes import Pass  # noqa: PLC0415
    from hearth.curate.prepare import readable  # noqa: PLC0415
    from hearth.curate.rejected import area_of, keep  # noqa: PLC0415
    from hearth.curate.run import Inputs, curate  # noqa: PLC0415
    from hearth.curate.shards import Shards  # noqa: PLC0415

    spec, cluster = CurateSpec.model_validate(context.job.spec), ray_address()
    _check_engine(context, spec, cluster)
    key = _key(context, spec)
    area = area_of(context)
    folder = context.input("mirror").fetch("documents/*") / "documents"
    documents = sorted(folder.rglob("*.parquet"))
    items, questions = None, []
    if "suite" in context.job.inputs:
        suite = context.input("suite")
        items = suite.open("items.parquet")
        names = [output.name for output in suite.record.outputs_named("data")]
        questions = [suite.open(name) for name in names if name.endswith(".jsonl")]
    else:
        context.unverified("no suite was given: nothing was kept out of the corpus")
    previous = _previous(context, key) if PREVIOUS in context.job.inputs else None
    entries, tokenizer = _entries(context, spec), _tokenizer(context, spec)
    _, total = readable(documents)
    step = "start"
    done: dict[str, int] = {}

    def say(name: str) -> None:
        nonlocal step
        step = name
        done.clear()
        context.progress(step, 0, total, "documents")

    def progress(stage: str, count: int) -> None:
        done[stage] = done.get(stage, 0) + count
        context.progress(step, min(done.values()), total, "documents", message=stage)

    size = sum(path.stat().st_size for path in documents)
    out, scratch = context.scratch / "out", context.scratch / "work"
    out.mkdir()
    scratch.mkdir()
    shards = Shards(scratch, _identity(context, key), context.attempt, context.earlier)
    inputs = Inputs(documents, items, questions, previous, entries, tokenizer)
    with closing(choose(size, cluster, progress)) as chosen:
        run_pass = Pass(chosen, shards)
        metrics, written = curate(inputs, spec, key, out, run_pass, say)
    context.publish(out / mixture.FILE, mixture.FILE)
    for path, rows in written:
        context.publish(path, path.relative_to(out).as_posix(), rows)
    kept = keep(context, area, documents, out, spec, key)
    for name in card.write(out, {**about(context), REJECTS: kept}):
        context.publish(out / name, name)
    shards.clear()
    return {**metrics, REJECTS: kept, "shards": dict(sorted(shards.counts.items()))}


def _check_engine(context: Context, spec: CurateSpec, cluster: str | None) -> None:
    """Refuse now what would fail hours later for lack of a GPU, and say that nobody tried it."""
    from hearth.curate import cudf  # noqa: PLC0415 - as in `run`

    if spec.dedup.engine is DedupEngine.CUDF:
        cudf.check(cluster)
        context.unverified(cudf.UNVERIFIED)


def _identity(context: Context, key: ContentKey) -> str:
    """Return what a finished shard depends on: the job, the code, and both keys."""
    pseudonyms = ContentKey(key.pseudonyms).fingerprint if key.pseudonyms else ""
    known = (
        context.job.fingerprint,
        code_digest(Stage.CURATE),
        key.fingerprint,
        pseudonyms,
    )
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _previous(context: Context, key: ContentKey) -> Path:
    """Fetch what an earlier corpus says about splits; its texts only if it has no `splits/`."""
    from hearth.curate.assigned import other_key  # noqa: PLC0415 - as in `run`

    try:
        earlier = context.input(PREVIOUS, remains=True)
    except NotFoundError as error:
        message = (
            f"earlier corpus {context.job.inputs[PREVIOUS].uri}: is gone, and so is what it said "
            "about splits: build again, and another is named"
        )
        raise DataError(message) from error
    name = SPLITS if earlier.record.outputs_named(SPLITS) else "corpus"
    folder = earlier.fetch(f"{name}/*") / name
    if other_key(folder, key.fingerprint):
        context.unverified(
            f"the secret {CONTENT_KEY} is another than that of the corpus {earlier.uri}, whose "
            "splits are kept: documents, works and translations were known again by their names; "
            "a content that came back under another key was not"
        )
    return folder


def _entries(context: Context, spec: CurateSpec) -> Entries:
    """Read the lists that the spec pins, from the store."""
    lists = []
    for pin in spec.lists:
        local = context.scratch / pin.path
        expect = FileInfo(path=pin.path, bytes=pin.bytes, sha256=pin.sha256)
        try:
            context.root.download(pin.path, local, expect=expect)
        except NotFoundError as error:
            message = f"keyword list {pin.name}, {pin.path}: is gone from the store: build again"
            raise DataError(message) from error
        lists.append(read_list(pin.name, local.read_bytes()))
    return merged(lists)


def _tokenizer(context: Context, spec: CurateSpec) -> Path | None:
    """Fetch the tokenizer of the model that training starts from."""
    if spec.tokens.base is None:
        return None
    name, mirror = f"models/{spec.tokens.base}/tokenizer.json", context.input("mirror")
    if not mirror.record.outputs_named(name):
        context.unverified(
            f"tokens are those of a tokenizer of Hearth's own: the mirror has no {name}"
        )
        return None
    return mirror.open(name)


def _key(context: Context, spec: CurateSpec) -> ContentKey:
    secret = context.secret(CONTENT_KEY)
    if len(secret) < _KEY_BYTES:
        message = (
            f"secret {CONTENT_KEY!r}: has {len(secret)} bytes, at least {_KEY_BYTES} are needed: "
            "generate one, and keep it: another key makes other content ids"
        )
        raise SpecError(message)
    key = ContentKey(secret, context.secret(PII_KEY) if spec.pii.pseudonymises else b"")
    _say_what_is_blind(context, spec, key)
    return key


def _say_what_is_blind(context: Context, spec: CurateSpec, key: ContentKey) -> None:
    from hearth.curate.sketches import blind  # noqa: PLC0415 - as in `run`

    other, unlike = blind(spec, key)
    if other:
        context.unverified(
            f"{other} tombstones name contents under another {CONTENT_KEY} than this corpus's, or "
            "do not say under which: copies of those texts were not looked for: withdraw the "
            "documents again once a corpus under this key holds them, or put the old key back"
        )
    if unlike:
        context.unverified(
            f"{unlike} tombstones know near copies by shingles of another length than this "
            "recipe's curate.dedup: near copies of those texts were not looked for"
        )


if __name__ == "__main__":
    sys.exit(guard.guarded(lambda: main(Stage.CURATE, CONTRACT, CurateSpec, run)))
