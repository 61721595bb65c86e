"""The regression gate: what a target's runs were like, kept in the repository, and whether it has become worse since.

`metrics` says what is compared and how large a difference must be to matter, `figures` reads it from histories,
`baseline` is the committed file, `decide` compares (pure), `write` tells people and CI, `commands` is the command line.
"""
