"""Golden outputs: what a stage's program makes of a small input, under its present contract.

A result that changes under an unchanged contract fails, for good: artifacts made before and after
would share a fingerprint. Once the contract is raised, the first run writes the new golden output
and fails, so that somebody looks at the difference and commits it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


def check(
    path: Path,
    contract: int,
    found: Mapping[str, Any],
    tolerances: Mapping[str, float] | None = None,
) -> None:
    """Compare a stage's result with its golden one.

    Args:
        path: of the golden output, JSON.
        contract: the stage's, as its spec says.
        found: the result, as JSON has it.
        tolerances: name → how far its numbers may differ from machine to machine.
    """
    golden = json.loads(path.read_text(encoding="utf-8"))
    was = golden.pop("contract")
    if contract > was:
        new = {"contract": contract, **found}
        path.write_text(json.dumps(new, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"contract {was} → {contract}: {path} is written anew: compare and commit it")
    assert contract == was, f"{path} is of contract {was}, which nobody has any more"
    near = {
        name: pytest.approx(value, abs=(tolerances or {}).get(name, 0.0), rel=0.0)
        if name in (tolerances or {})
        else value
        for name, value in golden.items()
    }
    assert dict(found) == near, (
        f"the result has changed, its contract {contract} has not: raise CONTRACT in spec.py"
    )
