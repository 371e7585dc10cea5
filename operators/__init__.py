"""How: the Airflow operators, triggers, hooks, notifiers and listeners of Hearth."""
