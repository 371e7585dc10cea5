"""Whether images and compose file are as they were when they last passed their tests.

`python -m tests.images.proof check` exits 0 if so; `record PIP_AUDIT REPORT...` writes it down
after a green run.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.images.audit import audit

ROOT: Final = Path(__file__).resolve().parents[2]
PROOF: Final = ROOT / "docker" / "proof.json"
INPUTS: Final = ("docker/*/*", "docker/*", "docker-compose.yaml", "profiles/compose.yaml")
LIMITS: Final = {"airflow": 1.15e9, "curator": 2.6e9, "model": 2.1e9, "store": 0.35e9}
"""The bytes that an image may have: about a tenth more than it has; whoever raises one says why.

What makes them this large is in docs/operations.md, "The images".
"""
IMAGES: Final = tuple(LIMITS)


def digest() -> str:
    """The hash of everything that images and compose file are made of, Hearth's own code aside."""
    found = {path for pattern in INPUTS for path in ROOT.glob(pattern) if path.is_file()} - {PROOF}
    state = hashlib.sha256()
    for path in sorted(found):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        state.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return state.hexdigest()


def record(tool: Path, *reports: Path) -> None:
    """Write down what was proven, and what it measured; the tool is pip-audit's folder."""
    suites = [next(ET.parse(one).getroot().iter("testsuite")).attrib for one in reports]  # noqa: S314 - pytest's own
    assert not any(int(suite["failures"]) + int(suite["errors"]) for suite in suites)
    sizes = {image: _size(f"localhost/hearth-{image}") for image in IMAGES}
    for image, size in sizes.items():
        sys.stdout.write(f"{image:8} {size / 1e9:5.2f} GB of {LIMITS[image] / 1e9:.2f}\n")
        assert size <= LIMITS[image], f"the image {image} has grown"
    audited = audit(tool)
    proof = {
        "inputs": digest(),
        "on": datetime.now(UTC).date().isoformat(),
        "tests": sum(int(suite["tests"]) for suite in suites),
        "seconds": round(sum(float(suite["time"]) for suite in suites)),
        "image_bytes": sizes,
        # What pip-audit knows against the packages; those that it knows nothing of are not audited.
        "audit": audited,
    }
    PROOF.write_text(json.dumps(proof, indent=2) + "\n")


def _size(image: str) -> int:
    listed = subprocess.run(
        ["buildah", "images", "--json", image], check=True, capture_output=True, text=True
    ).stdout
    (one,) = json.loads(listed)
    return _bytes(one["size"])


def _bytes(shown: str) -> int:
    number, unit = shown.split()
    return round(float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            proven = json.loads(PROOF.read_text())["inputs"] if PROOF.exists() else None
            sys.exit(proven != digest())
        case ["record", tool, *reports] if reports:
            record(*map(Path, (tool, *reports)))
        case _:
            sys.exit(__doc__)
