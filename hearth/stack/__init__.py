"""The services of this machine that `make up` starts: the object store, Airflow and the endpoint.

Everything they keep lies under `Settings.home`; everything they run carries the mark of that folder
in its environment, so that `make stop` finds its own processes again, also after a crash, and never
those of another checkout.
"""
