"""The pages as the laboratory's container serves them: `uvicorn harness.pages.serve:app` (docker-compose.yml).

Beside harness/pages it needs only what the dependency group `pages` of pyproject.toml names.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.pages.server import create_pages

app = create_pages(Path(os.environ.get("TESTBED_RESULTS", "results")))
