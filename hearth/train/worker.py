"""One rank of a training run; torchrun starts as many as the spec's world size.

`python -m torch.distributed.run … -m hearth.train.worker --workspace FOLDER`
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hearth.errors import EXIT_DEFECT, EXIT_OK, EXIT_TRANSIENT, HearthError
from hearth.train import checkpoint
from hearth.train.plan import RankError
from hearth.train.run import History, Report, Request, Workspace, write_whole

if TYPE_CHECKING:
    from hearth.train.spec import SamplingSection
    from hearth.train.trainer import HearthTrainer
    from hearth.train.watch import Watch

log = logging.getLogger(__name__)

# safetensors and torch say so in a sentence, without the error's number.
_NO_SPACE: Final = ("No space left", "PytorchStreamWriter failed writing")
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
    import torch  # noqa: PLC0415 - what it takes to import must not escape `main`'s last words
    import torch.distributed as dist  # noqa: PLC0415

    from hearth.train.data import TokenStream  # noqa: PLC0415
    from hearth.train.network import network  # noqa: PLC0415
    from hearth.train.state import load_history  # noqa: PLC0415
    from hearth.train.trainer import HearthTrainer  # noqa: PLC0415
    from hearth.train.watch import Watch  # noqa: PLC0415

    torch.set_num_threads(request.spec.numerics.threads)
    torch.use_deterministic_algorithms(mode=True)
    dist.init_process_group("gloo")
    stream = TokenStream(workspace.tokens, request.spec.sequence_length)
    model = network(request.spec, request.vocabulary, request.boundary)
    trainer = HearthTrainer(model, request, workspace, stream)
    _assert_mode(trainer, request)
    found = _agreed_checkpoint(request, workspace)
    history = load_history(found) if found else History()
    watch = Watch(trainer, request, workspace, history)
    trainer.add_callback(watch)
    signal.signal(signal.SIGTERM, lambda *_: _ask_to_stop(watch))
    resumed_from = len(history.losses) if found else None
    if found is None:
        trainer.train()
    elif len(history.losses) < request.spec.steps:
        log.info("resumes after step %d from %s", len(history.losses), found.name)
        trainer.resume(found, len(history.losses))
    else:
        trainer._load_from_checkpoint(str(found))  # noqa: SLF001 - Trainer's hook, ours
    if dist.get_rank() == 0:
        _finish(request, workspace, trainer, watch, resumed_from)
    dist.barrier()
    dist.destroy_process_group()
    return watch.stopped


def _ask_to_stop(watch: Watch) -> None:
    """Handle SIGTERM: the ranks agree on it at the end of the step."""
    watch.stop_asked = True


def _assert_mode(trainer: HearthTrainer, request: Request) -> None:
    """Refuse to run in another mode than asked: Accelerate may fall back without a word."""
    import torch.distributed as dist  # noqa: PLC0415

    wanted = request.spec.numerics.world_size
    found = dist.get_world_size()
    if found != wanted or trainer.args.world_size != wanted:
        message = f"world size: is {found}, the spec says {wanted}"
        raise HearthError(message)


def _agreed_checkpoint(request: Request, workspace: Workspace) -> Path | None:
    """Return the newest valid checkpoint: one rank compares the hashes, all take its answer."""
    import torch  # noqa: PLC0415
    import torch.distributed as dist  # noqa: PLC0415

    step = torch.tensor(-1)
    if dist.get_rank() == 0:
        found = checkpoint.newest_valid(workspace.checkpoints, request.identity)
        if found:
            step = torch.tensor(found[1].step)
    dist.broadcast(step, 0)
    agreed = int(step.item())
    return workspace.checkpoints / checkpoint.name_of(agreed) if agreed >= 0 else None


def _finish(
    request: Request,
    workspace: Workspace,
    trainer: HearthTrainer,
    watch: Watch,
    resumed_from: int | None,
) -> None:
    if not watch.stopped:
        from hearth.train.tokenizer import save  # noqa: PLC0415

        _set_sampling(trainer.model.generation_config, request.spec.sampling)
        trainer.model.save_pretrained(workspace.model)
        save(workspace.tokenizer, workspace.model, request.spec.sequence_length)
    report = Report(
        history=watch.history,
        parameters=sum(weight.numel() for weight in trainer.model.parameters()),
        resumed_from=resumed_from,
        steps=watch.steps,
        tokens_per_second=watch.tokens_per_second,
        stopped=watch.stopped,
    )
    write_whole(workspace.report, report)


def _set_sampling(config: Any, sampling: SamplingSection) -> None:
    config.update(do_sample=True, **sampling.model_dump())


def _last_words(rank: int, error: Exception, workspace: Workspace) -> RankError:
    code, message, lost = EXIT_DEFECT, f"{type(error).__name__}: {error}", False
    if isinstance(error, HearthError):
        code, message = error.exit_code, str(error)
    elif _disk_is_full(error):
        code = EXIT_TRANSIENT
        message = f"{workspace.root}: no space left on the device: free some and try again"
    elif isinstance(error, MemoryError):
        code = EXIT_TRANSIENT
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


def _disk_is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(sign in str(error) for sign in _NO_SPACE)


if __name__ == "__main__":
    sys.exit(main())
