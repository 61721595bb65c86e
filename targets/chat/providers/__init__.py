"""AI providers: one interface, one file per provider.

What a later version wraps round them (fail-over, breakers, limits) is a Provider too, in `targets/chat/resilience/`.
"""
