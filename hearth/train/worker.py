"""One rank of a training run; torchrun starts as many as the spec's world size.

`python -m torch.distributed.run … -m hearth.train.worker --workspace FOLDER`
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hearth.errors import EXIT_DEFECT, EXIT_OK, EXIT_TRANSIENT
from hearth.failures import named
from hearth.train import checkpoint
from hearth.train.plan import RankError
from hearth.train.run import History, Report, Request, Workspace, write_whole

if TYPE_CHECKING:
    from hearth.train.loop import Loop
    from hearth.train.watch import Watch

log = logging.getLogger(__name__)

_LOST_PEER: Final = ("gloo", "Connection closed by peer", "Connection reset", "Broken pipe")


def main() -> int:
    """Run this rank; leave its last words where the program looks for them."""
    parser = argparse.ArgumentParser(prog="python -m hearth.train.worker")
    parser.add_argument("--workspace", required=True, type=Path)
    workspace = Workspace(parser.parse_args().workspace)
    # torchrun tells a rank its number by the environment.
    rank = int(os.environ["RANK"])
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if rank == 0 else logging.WARNING,
        format=f"%(asctime)s %(levelname)s rank {rank} %(name)s: %(message)s",
    )
    try:
        request = Request.model_validate_json(workspace.request.read_bytes())
        stopped = _run(request, workspace)
    except Exception as error:
        words = _last_words(rank, error, workspace)
        write_whole(workspace.errors / f"rank-{rank}.json", words)
        if words.code == EXIT_DEFECT:
            log.exception("a defect in Hearth")
        else:
            log.warning("%s", words.message)
        return words.code
    return EXIT_TRANSIENT if stopped else EXIT_OK


def _run(request: Request, workspace: Workspace) -> bool:
    """Train from the newest valid checkpoint to the end; say whether it was stopped before."""
    # What it takes to import must not escape `main`'s last words.
    import torch.distributed as dist  # noqa: PLC0415

    from hearth.train import optimizer, parallel, state  # noqa: PLC0415
    from hearth.train.batches import Batches  # noqa: PLC0415
    from hearth.train.loop import Loop  # noqa: PLC0415
    from hearth.train.network import network  # noqa: PLC0415
    from hearth.train.watch import Watch  # noqa: PLC0415

    spec = request.spec
    device = parallel.join(spec.numerics.threads)
    streams = [workspace.tokens(number) for number in range(len(request.groups))]
    batches = Batches(request, streams, dist.get_rank(), dist.get_world_size())
    model = parallel.share(network(request, workspace), request, device)
    parallel.check(model, request)
    loop = Loop(model, optimizer.build(model, spec.optimizer), spec, device)
    found = _agreed_checkpoint(request, workspace)
    history = state.load_history(found) if found else History()
    watch = Watch(loop, request, workspace, history)
    signal.signal(signal.SIGTERM, lambda *_: _ask_to_stop(watch))
    if found is not None:
        log.info("resumes after step %d from %s", len(history.losses), found.name)
        watch.resume(found)
    watch.begin()
    if not watch.exhausted:
        loop.run(batches, len(history.losses), watch)
    _finish(request, workspace, watch, len(history.losses) if found else None, loop)
    dist.barrier()
    dist.destroy_process_group()
    return watch.stopped


def _ask_to_stop(watch: Watch) -> None:
    """Handle SIGTERM: the ranks agree on it at the end of the step."""
    watch.stop_asked = True


def _agreed_checkpoint(request: Request, workspace: Workspace) -> Path | None:
    """Return the newest valid checkpoint: one rank compares the hashes, all take its answer."""
    import torch  # noqa: PLC0415
    import torch.distributed as dist  # noqa: PLC0415

    step = torch.tensor(-1)
    if dist.get_rank() == 0:
        found = checkpoint.newest_valid(workspace.checkpoints, request.identity)
        if found:
            step = torch.tensor(found[1].step)
            was, now = found[1].world_size, dist.get_world_size()
            if was != now:
                log.warning("checkpoint of %d ranks is dealt to %d: bits may differ", was, now)
    dist.broadcast(step, 0)
    agreed = int(step.item())
    return workspace.checkpoints / checkpoint.name_of(agreed) if agreed >= 0 else None


def _finish(
    request: Request,
    workspace: Workspace,
    watch: Watch,
    resumed_from: int | None,
    loop: Loop,
) -> None:
    import torch.distributed as dist  # noqa: PLC0415

    from hearth.train.parallel import memory  # noqa: PLC0415
    from hearth.train.publish import publish  # noqa: PLC0415

    if not watch.stopped:
        watch.end()
        publish(loop.model, request, workspace)
    report = Report(
        history=watch.history,
        parameters=watch.parameters,
        resumed_from=resumed_from,
        steps=watch.steps,
        tokens_per_second=watch.tokens_per_second,
        utilisation=watch.utilisation,
        memory_bytes=memory(loop.device),
        stopped=watch.stopped,
        times=watch.times,
    )
    if dist.get_rank() == 0:
        write_whole(workspace.report, report)


def _last_words(rank: int, error: Exception, workspace: Workspace) -> RankError:
    code, message, lost = EXIT_DEFECT, f"{type(error).__name__}: {error}", False
    known = named(error, workspace.root)
    if known is not None:
        code, message = known.exit_code, str(known)
    elif isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST_PEER):
        code, lost = EXIT_TRANSIENT, True
    else:
        message += f" (at {traceback.extract_tb(error.__traceback__)[-1]})"
    return RankError(
        rank=rank,
        code=code,
        error=type(error).__name__,
        message=message,
        at=time.time(),
        lost_peer=lost,
    )


if __name__ == "__main__":
    sys.exit(main())
