"""End the jobs that no build waits for any more."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from operators.factory import reap_dag

dag: DAG = reap_dag(
    "reap",
    every=timedelta(minutes=2),
    doc="""Cancel jobs whose build is no longer active.

A kill that nobody heard, because the triggerer or a worker was down, leaves a job behind. This ends
it. Jobs of builds that are queued or running are never touched.

What serves and was made from something withdrawn is taken out of service once
`policy.revoked_hours` of its profile are over, unless somebody allowed it.
""",
)
