"""Game days: seeded random faults under one continuous load, with limits.

blast.py      what a fault may take away at once, and what may not be taken
schedule.py   pure: which incident strikes when, drawn from the yearly rates
traffic.py    pure: whether traffic is good again, and how much of the error budget is spent
patient.py    the timeline: the next incident strikes only once the last is healed and all is quiet
conduct.py    a game day while it happens
report.py     what became of it, from what is on disk alone
"""
