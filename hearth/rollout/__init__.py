"""Rollout: bring an endpoint to a wanted version, and keep it there.

The endpoint is declarative. Its state, one object in the store, says which versions should serve,
with what share of the traffic; `supervisor` makes processes and HAProxy match it; `controller`
moves it from the serving version to a candidate, step by step, and back when `judge` says so.
"""
