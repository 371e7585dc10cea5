"""Build a language model, by form: press Trigger and choose a recipe."""

from __future__ import annotations

from airflow.sdk import DAG

from operators.factory import build_dag

dag: DAG = build_dag(
    "build_llm",
    doc="""Build, judge and roll out a language model.

Choose a recipe and a profile. Stages whose inputs did not change are reused. The gate compares the
candidate with what serves now; where it cannot tell, or where you ask for it, a person decides.
Whatever fails says what to do next; clearing the task goes on from there.
""",
)
