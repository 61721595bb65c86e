"""`python -m harness.pages`: draw anew what is committed (`make diagrams`)."""

from __future__ import annotations

import sys

from harness.pages.generate import ROOT, write_all

if __name__ == "__main__":
    for path in write_all():
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
