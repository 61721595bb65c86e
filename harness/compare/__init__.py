"""Versions side by side: what each was measured to do when the same question was put to it.

    question.py    what a run asked: only equal questions are compared
    paired.py      the difference between two versions, paired by seed, with its interval
    cell.py        one phase under one experiment: figures, verdict, and "no better than the version before"
    places.py      latency by place, and the claim that another version serves users abroad faster
    matrix.py      phases x experiments, gathered from stored runs
    year.py        what a projected year lacks that strikes the others
    complexity.py  parts, links and lines, counted from target.toml and compose.yml
    cost.py        what a nine, and an hour of downtime avoided, costs
    seed.py        the table "Resumo dos Tradeoffs" of the seed, read from the document
    tradeoffs.py   a verdict on each of its rows
    report.py      comparison.json, report.md, report.html
    reference.py   docs/reference.json, and the table of it in both READMEs
    command.py     `harness compare`, `harness reference`

docs/comparison.md says what each figure means.
"""
