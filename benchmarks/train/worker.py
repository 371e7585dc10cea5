"""One rank that trains by turns with Hearth's loop and with a bare one; see `throughput.py`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from hearth.train import optimizer, parallel
from hearth.train.batches import Batches
from hearth.train.loop import Loop
from hearth.train.network import network
from hearth.train.run import History, Request, Workspace
from hearth.train.spec import Precision
from hearth.train.watch import Watch

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
ROUNDS = 6
"""The first warms up and is not counted."""


class Until:
    """A watch that ends a run after a block of steps, with a checkpoint if asked."""

    def __init__(self, watch: Watch, loop: Loop, block: int, *, save: bool) -> None:
        self._block = block
        self._watch = watch
        self._loop = loop
        self._save = save
        self.agree = watch.agree

    def after(self, step: int) -> bool:
        """Say whether the block goes on."""
        going = self._watch.after(step)
        if self._save and step % self._block == self._block // 2:
            saver = self._watch.saver
            saver.begin(step, self._loop, self._watch.history, self._watch.times)
        return going and step % self._block != 0


def bare(
    model: DistributedDataParallel,
    adam: torch.optim.Optimizer,
    batches: Batches,
    block: int,
    precision: torch.autocast,
) -> None:
    """Train a block as a tutorial would: no packing, no agreement, no checkpoint, no curves."""
    device = next(model.parameters()).device
    for step in range(block):
        for batch in batches.of_step(step)[0]:
            ids, targets = batch["input_ids"].to(device), batch["targets"].to(device)
            with precision:
                logits = model(input_ids=ids, use_cache=False).logits
                loss = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1).float(), targets.flatten()
                )
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)


def settled(device: torch.device) -> None:
    """Wait until this rank's device, and then every other rank, is done with what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    dist.barrier()


def main() -> None:
    """Measure, and leave the seconds of each block in `seconds.json`, and the model's size."""
    workspace, block = Workspace(Path(sys.argv[1])), int(sys.argv[2])
    request = Request.model_validate_json(workspace.request.read_bytes())
    device = parallel.join(1)
    batches = Batches(request, [workspace.tokens(0)], dist.get_rank(), dist.get_world_size())
    model = parallel.share(network(request, workspace), request, device)
    loop = Loop(model, optimizer.build(model, request.spec.optimizer), request.spec, device)
    watch = Watch(loop, request, workspace, History())
    watch.begin()
    plain = DistributedDataParallel(network(request, workspace).to(device))
    adam = torch.optim.AdamW(plain.parameters(), lr=1e-3, betas=(0.9, 0.95))
    low = request.spec.numerics.precision is Precision.BF16
    precision = torch.autocast(device.type, torch.bfloat16, enabled=low)
    seconds: dict[str, list[float]] = {"hearth": [], "bare": [], "checkpoint": []}
    step = 0
    for _ in range(ROUNDS):
        for name, taken in seconds.items():
            settled(device)
            began = CLOCKS[sys.argv[3]]()
            if name == "bare":
                bare(plain, adam, batches, block, precision)
            else:
                loop.run(batches, step, Until(watch, loop, block, save=name == "checkpoint"))
                step += block
                watch.saver.settle()
            settled(device)
            taken.append(CLOCKS[sys.argv[3]]() - began)
    if dist.get_rank() == 0:
        counted = {name: found[1:] for name, found in seconds.items()}
        found = {"parameters": watch.parameters, "seconds": counted}
        (workspace.root / "seconds.json").write_text(json.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
