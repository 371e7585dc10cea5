"""What clients got from a version: requests, failures, and how long answers took. Pure."""

from __future__ import annotations

import math
from typing import Final

from hearth.model import FrozenModel

_FIRST: Final = 0.001
_GROWTH: Final = 1.2
_BUCKETS: Final = 66
"""Bucket k ends at 1 ms × 1.2^k: quantiles are right within 20 %, up to 140 s."""


class Traffic(FrozenModel):
    """Requests to one version since it was first seen, as a histogram of latencies.

    Counts only grow while a version serves, so that the difference of two observations is what
    happened between them.
    """

    requests: int = 0
    failures: int = 0
    buckets: tuple[int, ...] = (0,) * _BUCKETS

    @classmethod
    def of(cls, latencies: list[float], failures: int = 0) -> Traffic:
        """Return the traffic of requests that were answered after `latencies` seconds each.

        Args:
            latencies: one for each request that was answered.
            failures: requests that were not.
        """
        counts = [0] * _BUCKETS
        for seconds in latencies:
            counts[_bucket(seconds)] += 1
        return cls(requests=len(latencies) + failures, failures=failures, buckets=tuple(counts))

    def __add__(self, other: Traffic) -> Traffic:
        """Return both together."""
        return Traffic(
            requests=self.requests + other.requests,
            failures=self.failures + other.failures,
            buckets=tuple(a + b for a, b in zip(self.buckets, other.buckets, strict=True)),
        )

    def since(self, earlier: Traffic) -> Traffic:
        """Return what came after `earlier`; all of it when counting began anew since then."""
        if earlier.requests > self.requests:
            return self
        return Traffic(
            requests=self.requests - earlier.requests,
            failures=max(0, self.failures - earlier.failures),
            buckets=tuple(
                max(0, b - a) for b, a in zip(self.buckets, earlier.buckets, strict=True)
            ),
        )

    @property
    def error_rate(self) -> float:
        """Failures over requests; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0

    def quantile(self, q: float) -> float | None:
        """Return the latency in seconds that a share `q` of the answered requests stayed below.

        The upper end of the bucket that holds it; None when nothing was answered.
        """
        total = sum(self.buckets)
        if total == 0:
            return None
        wanted, seen = math.ceil(q * total), 0
        for index, count in enumerate(self.buckets):
            seen += count
            if seen >= max(1, wanted):
                return _FIRST * _GROWTH**index
        return None


def _bucket(seconds: float) -> int:
    if seconds <= _FIRST:
        return 0
    return min(_BUCKETS - 1, math.ceil(math.log(seconds / _FIRST, _GROWTH) - 1e-9))
