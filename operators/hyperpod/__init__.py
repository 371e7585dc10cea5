"""Airflow's side of SageMaker HyperPod; the amazon provider has none."""
