"""Which version do I need? The seed's own signs for moving on, beside what was measured.

    signs.py      each sentence of the seed that says when to choose a version, with its line, and whether it applies
    decide.py     from needs and versions to one version, with the reasons: pure and deterministic
    command.py    `harness advise`

docs/comparison.md tells the rules.
"""
