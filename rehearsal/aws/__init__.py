"""An emulated AWS on loopback: moto's server, and in front of it the operations that moto lacks.

What it answers shows that requests are well formed and that faults are survived. It proves nothing
about AWS itself: every profile that names it says so in the `unverified` of what it makes.
"""
