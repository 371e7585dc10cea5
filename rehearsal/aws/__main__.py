"""`python -m rehearsal.aws --port PORT`: serve until a signal comes."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from rehearsal.aws.server import make


def main() -> int:
    """Serve; the first line of output is the URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--provision-seconds", type=float, default=1.0)
    parser.add_argument("--hook", default="[]", help="a JSON list: the command told of every node")
    parser.add_argument("--key", type=Path, help="the file of the secret that KMS's keys are of")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    server = make(options.port, options.provision_seconds, json.loads(options.hook), options.key)

    def stop(*_: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write(f"http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
