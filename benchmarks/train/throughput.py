"""Tokens per second against a bare PyTorch loop, what a checkpoint costs, how soon a restart steps.

    OMP_NUM_THREADS=1 .venv/stages/bin/python benchmarks/train/throughput.py [--block 20]
        [--clock wall] [--ranks 1 2] [--starts 5]

`--clock cpu` counts the first rank's own seconds of CPU, for a machine that others use too.

The demo recipe's model and batch, AdamW, fp32, one thread a rank. Hearth's loop and the bare one
take turns in the same processes, a block of steps each, five counted rounds; the bare one has no
packing, agreement, curves or checkpoints. Ratios are of pairs; the lower bound is one-sided at
95 %, by resampling them. The bars: 0.95 of the bare loop, 5 % for checkpoints at the demo's
interval, 1.5 × a cold start.

On a GPU: the same command there, and `mfu` among a training's metrics, once its recipe gives
`operation.peak_teraflops`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from desk import lay_out, spec

from hearth.train.launch import Ranks
from hearth.train.run import Workspace

DEMO_INTERVAL = 100


def lower(ratios: list[float]) -> float:
    """Return the one-sided 95 % lower bound of the median."""
    random = np.random.default_rng(0)
    drawn = random.choice(ratios, (10_000, len(ratios)))
    return float(np.quantile(np.median(drawn, axis=1), 0.05))


def blocks(ranks: int, block: int, clock: str, folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each block of steps, by loop."""
    workspace, _ = lay_out(folder / f"{ranks}", spec(ranks, 100_000), checkpoint_steps=100_000)
    worker = Path(__file__).with_name("worker.py")
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(ranks), str(worker), str(workspace.root)),
            *(str(block), clock),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, list[float]] = json.loads((workspace.root / "seconds.json").read_text())
    return found


def started(root: Path, steps: int) -> float:
    """Return the seconds from starting the ranks until the step numbered `steps` is done.

    It is the run's last, so that the ranks say at once that it is done. Where a step before it left
    a checkpoint, they resume from that.
    """
    workspace, request = lay_out(root, spec(1, 1_000_000), checkpoint_steps=1)
    request = request.model_copy(update={"spec": spec(1, steps)})
    workspace.request.write_text(request.model_dump_json(), "utf-8")
    workspace.report.unlink(missing_ok=True)
    workspace.pace.unlink(missing_ok=True)
    began = time.time()
    report = Ranks(request, Workspace(root)).wait(lambda _: None)
    if report.resumed_from != (steps - 1 or None):
        sys.exit(f"resumed from {report.resumed_from}, not {steps - 1}: nothing was measured")
    return workspace.pace.stat().st_mtime - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--block", type=int, default=20)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--starts", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for ranks in asked.ranks:
            found = blocks(ranks, asked.block, asked.clock, folder)
            pairs = list(zip(found["hearth"], found["bare"], strict=True))
            ratios = [bare / ours for ours, bare in pairs]
            tokens = asked.block * 8 * 256 / statistics.median(found["hearth"])
            extra = [
                (saved - ours) / (ours * DEMO_INTERVAL / asked.block)
                for saved, ours in zip(found["checkpoint"], found["hearth"], strict=True)
            ]
            print(
                f"{ranks} rank(s): {tokens:,.0f} tokens/s, {statistics.median(ratios):.3f} of the "
                f"bare loop (lower bound {lower(ratios):.3f}); a checkpoint every {DEMO_INTERVAL} "
                f"steps costs {statistics.median(extra):.1%}",
                flush=True,
            )
        cold, again = [], []
        for number in range(asked.starts):
            root = folder / f"start-{number}"
            cold.append(started(root, 1))
            again.append(started(root, 2))
        if not cold:
            return
        ratio = statistics.median(again) / statistics.median(cold)
        print(
            f"start to first step, {asked.starts} each in turns: {statistics.median(cold):.1f} s "
            f"cold, {statistics.median(again):.1f} s from a checkpoint: {ratio:.2f} x"
        )


if __name__ == "__main__":
    main()
