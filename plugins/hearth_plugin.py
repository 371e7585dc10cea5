"""Hearth in Airflow: the listener that sees failures which people declare."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

# The scheduler loads plugins before it forks workers. What is imported here, every task finds
# there; else each would spend most of its second on importing it again.
from operators import factory, listener


class HearthPlugin(AirflowPlugin):
    """Registers what lives in `operators`; nothing else is here."""

    name = "hearth"
    listeners = [listener]


__all__ = ["HearthPlugin", "factory"]
