"""Build on schedule: one DAG for each schedule in the profile, paused until switched on."""

from __future__ import annotations

from airflow.sdk import DAG

from operators.factory import weekly_dags

dags: dict[str, DAG] = weekly_dags()
globals().update(dags)
