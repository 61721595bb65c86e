"""Make the recording of a campaign that the tests look at dashboards with: what series are made of, and nothing else.

    python -m tests.contract.dashboards.record_campaign results/CAMPAIGN RUN [RUN ...]

Only the named runs are kept, as they are. Verdicts stay those of the whole campaign.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path

from harness import cost, pressure

RECORDED = Path(__file__).parent / "recorded"
OF_A_RUN = ("run.json", "events.jsonl", "arrivals.parquet", pressure.FILE, cost.FILE)


def record(campaign: Path, wanted: list[str]) -> Path:
    """Write recorded/CAMPAIGN.tar.gz, the same each time, and return its path."""
    manifest, summary = (json.loads((campaign / name).read_text()) for name in ("manifest.json", "summary.json"))
    manifest["runs"] = [run for run in manifest["runs"] if Path(run).name in wanted]
    summary["runs"] = [part for part in summary["runs"] if part["run"] in wanted]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "summary.json": json.dumps(summary).encode(),
        "claims.json": (campaign / "claims.json").read_bytes(),
    }
    for run in wanted:
        for name in OF_A_RUN:
            path = campaign / "runs" / run / name
            if path.is_file():
                files[f"runs/{run}/{name}"] = path.read_bytes()
    RECORDED.mkdir(exist_ok=True)
    out = RECORDED / f"{manifest['campaign']}.tar.gz"
    with (
        out.open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, content in sorted(files.items()):
            about = tarfile.TarInfo(f"{manifest['campaign']}/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return out


if __name__ == "__main__":
    made = record(Path(sys.argv[1]).resolve(), sys.argv[2:])
    sys.stdout.write(f"{made}: {made.stat().st_size} bytes\n")
