"""Hearth builds a language model inside an organisation's own account and keeps it current."""

from __future__ import annotations
