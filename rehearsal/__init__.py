"""Stand-ins for what production runs on, for tests and for rehearsing a recipe on one machine.

Not part of the wheel. It may import `hearth`; nothing that is shipped imports it.
"""
