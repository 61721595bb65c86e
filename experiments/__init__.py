"""One file per question; the docstring is the hypothesis. No experiment names a phase."""
