"""What a year would be like: measured losses, times how often and how long incidents strike elsewhere.

A run of a minute proves no yearly figure. What it measures is what one incident costs users: once (while the target
switches over and recovers), and for as long as it lasts. How often incidents come and how long they last is declared in
`incidents.toml`, each row with its source and its range. `simulate.py` draws years from both:

    downtime of an incident = once + share x severity x its length        (seconds of full outage, see `measured.py`)
    downtime of a year      = background x year + sum over all its incidents

The result is a projection and is printed as one. It knows only the incidents in the file.
"""
