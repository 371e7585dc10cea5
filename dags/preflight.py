"""Ask whether a build can run in an account, before it costs anything."""

from __future__ import annotations

from airflow.sdk import DAG

from operators.factory import preflight_dag

dag: DAG = preflight_dag(
    "preflight",
    doc="""Probe the account and the cluster that a profile names.

Each probe says pass, fail or cannot tell, with what to do: region and partition, permissions, keys,
images, quotas, instance types, subnets, endpoints, what the region offers, Slurm. Nothing is
started and nothing is paid for. The same as `hearth preflight --profile PROFILE`.
""",
)
