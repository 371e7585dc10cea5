"""Hearth in Airflow: the listener that sees failures which people declare."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from operators import listener


class HearthPlugin(AirflowPlugin):
    """Registers what lives in `operators`; nothing else is here."""

    name = "hearth"
    listeners = [listener]
