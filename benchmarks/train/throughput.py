"""Tokens per second against a bare PyTorch loop, what a checkpoint costs, how soon a restart steps.

    OMP_NUM_THREADS=1 .venv/stages/bin/python benchmarks/train/throughput.py [--block 20]
        [--clock wall] [--ranks 1 2] [--starts 5] [--peak-teraflops N]

`--clock cpu` counts the first rank's own seconds of CPU, for a machine that others use too.

The demo recipe's model and batch, AdamW, fp32, one thread a rank. Hearth's loop and the bare one
take turns in the same processes, a block of steps each, five counted rounds; the bare one has no
packing, agreement, curves or checkpoints. Ratios are of pairs; the lower bound is one-sided at
95 %, by resampling them. The bars: 0.95 of the bare loop, 5 % for checkpoints at the demo's
interval, 1.5 × a cold start. It ends with 1 if one of those that were measured is missed.

On GPUs, one a rank: the same command there, in bf16. `--peak-teraflops`, what one of them can do in
bf16 by its data sheet, has it print the share of that which each loop uses (MFU).
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
from hearth.train.plan import utilisation
from hearth.train.run import Workspace

DEMO_INTERVAL = 100
BARE, CHECKPOINTS, RESTART = 0.95, 0.05, 1.5
"""The bars."""


def lower(ratios: list[float]) -> float:
    """Return the one-sided 95 % lower bound of the median."""
    random = np.random.default_rng(0)
    drawn = random.choice(ratios, (10_000, len(ratios)))
    return float(np.quantile(np.median(drawn, axis=1), 0.05))


def blocks(ranks: int, block: int, clock: str, folder: Path) -> tuple[dict[str, list[float]], int]:
    """Return the seconds of each block of steps, by loop, and how many parameters the model has."""
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
    found = json.loads((workspace.root / "seconds.json").read_text())
    return found["seconds"], found["parameters"]


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


def against_bare(ranks: int, asked: argparse.Namespace, folder: Path) -> bool:
    """Measure both loops on so many ranks, and print; return whether the bars are met."""
    found, parameters = blocks(ranks, asked.block, asked.clock, folder)
    ours, bare, saved = found["hearth"], found["bare"], found["checkpoint"]
    ratios = [theirs / own for own, theirs in zip(ours, bare, strict=True)]
    extra = [
        (long - own) / (own * DEMO_INTERVAL / asked.block)
        for long, own in zip(saved, ours, strict=True)
    ]
    rates = [asked.block * 8 * 256 / statistics.median(seconds) for seconds in (ours, bare)]
    bound, cost = lower(ratios), statistics.median(extra)
    print(
        f"{ranks} rank(s): {rates[0]:,.0f} tokens/s, {statistics.median(ratios):.3f} of the bare "
        f"loop (lower bound {bound:.3f}, bar {BARE}); a checkpoint every {DEMO_INTERVAL} steps "
        f"costs {cost:.1%} (bar {CHECKPOINTS:.0%})",
        flush=True,
    )
    if asked.peak_teraflops:
        mfu, theirs = (utilisation(parameters, r, ranks, asked.peak_teraflops) for r in rates)
        print(f"{ranks} rank(s): MFU {mfu:.2%}, the bare loop {theirs:.2%}", flush=True)
    return bound >= BARE and cost <= CHECKPOINTS


def restarts(times: int, folder: Path) -> bool:
    """Measure cold starts and restarts in turns, and print; return whether the bar is met."""
    cold, again = [], []
    for number in range(times):
        root = folder / f"start-{number}"
        cold.append(started(root, 1))
        again.append(started(root, 2))
    ratio = statistics.median(again) / statistics.median(cold)
    print(
        f"start to first step, {times} each in turns: {statistics.median(cold):.1f} s cold, "
        f"{statistics.median(again):.1f} s from a checkpoint: {ratio:.2f} x (bar {RESTART})"
    )
    return ratio <= RESTART


def main() -> int:
    """Measure, print, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--block", type=int, default=20)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--peak-teraflops", type=float, help="of one GPU, in bf16: prints MFU")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        met = [against_bare(ranks, asked, folder) for ranks in asked.ranks]
        if asked.starts:
            met.append(restarts(asked.starts, folder))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
