"""`python -m dashboards`: write the dashboards that Grafana loads. `--check` only says which are not what they "
"would be."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dashboards.catalog import GENERATED, texts


def main() -> int:
    """Write, or check, and return the exit code: 1 when something differs."""
    wanted = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    wanted.add_argument("--check", action="store_true")
    check = wanted.parse_args().check
    differ = [name for name, text in texts().items() if _now(GENERATED / name) != text]
    left = sorted(path.name for path in GENERATED.glob("*.json") if path.name not in texts())
    if not check:
        GENERATED.mkdir(exist_ok=True)
        for name in differ:
            (GENERATED / name).write_text(texts()[name], encoding="utf-8")
        for name in left:
            (GENERATED / name).unlink()
    done = "differs from what its code makes; run `make dashboards`" if check else "written"
    for name in differ + left:
        sys.stdout.write(f"dashboards/generated/{name}: {'removed' if name in left and not check else done}\n")
    return 1 if check and differ + left else 0


def _now(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    raise SystemExit(main())
