"""What a person sees while a campaign runs: a live panel on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from harness.load.progress import Progress
from harness.run import Moment

PLAIN_EVERY_S = 5.0  # a log file wants a line now and then, not a film


class LiveView:
    """Shows phase, experiment, time left, rate, availability and latency now, and the fault that is on."""

    def __init__(self, phase: str, runs: int, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._phase, self._runs, self._number = phase, runs, 0
        self._live = (
            Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        )
        self._last_plain = 0.0

    def __enter__(self) -> LiveView:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            with _nobody_may_look():
                self._live.stop()

    def say(self, line: str) -> None:
        """Show one line above the panel."""
        with _nobody_may_look():
            self.console.print(line, soft_wrap=True, markup=False)

    def run_begins(self, experiment: str, hypothesis: str, number: int) -> None:
        """Announce a run."""
        self._number = number
        self._last_plain = time.monotonic()
        self.say(f"[{number}/{self._runs}] {experiment}: {hypothesis}")

    def tick(self, moment: Moment) -> None:
        """Show where the run stands."""
        if self._live:
            with _nobody_may_look():
                self._live.update(self._panel(moment), refresh=True)
        elif time.monotonic() - self._last_plain >= PLAIN_EVERY_S:
            self._last_plain = time.monotonic()
            fault = f", fault on: {', '.join(moment.faults)}" if moment.faults else ""
            figures = f"{moment.rate:.0f}/s, {_availability(moment.seen)}, {_latency(moment.seen)}"
            self.say(f"    {moment.now_s:5.0f} of {moment.end_s:.0f} s, {figures}{fault}")

    def _panel(self, moment: Moment) -> Table:
        table = Table(title=f"{self._phase}: run {self._number} of {self._runs}", min_width=60, title_justify="left")
        for heading in ("experiment", "left", "arrivals/s", "last 3 s", "latency now", "fault"):
            table.add_column(heading)
        left = moment.end_s - moment.now_s
        stage = "warm-up" if moment.now_s < 0 else "draining" if left < 0 else f"{left:.0f} s"
        rate, faults = f"{moment.rate:.1f}", ", ".join(moment.faults) or "none"
        now = (_availability(moment.seen), _latency(moment.seen))
        table.add_row(moment.experiment, stage, rate, *now, faults, style="bold red" if moment.faults else "")
        return table


def _nobody_may_look() -> AbstractContextManager[None]:
    """A closed terminal or pipe (`| head`) must not end a run, and still less its healing; rich would exit on one."""
    return suppress(OSError, SystemExit)


def _availability(seen: Progress) -> str:
    return "no answers" if seen.availability is None else f"{100 * seen.availability:.1f} % good"


def _latency(seen: Progress) -> str:
    return "p50 -" if seen.latency_ms_p50 is None else f"p50 {seen.latency_ms_p50:.0f} ms"
