"""The load generator as the harness sees it: a Locust process that keeps a plan.

    with LoadGenerator(folder, plan, host="http://127.0.0.1:8000", run="v1-control-1", deadline_s=10) as load:
        load.ready(timeout_s=30)
        clock = RunClock.starting_in(warmup_s + 1)
        load.go(clock)
        load.wait(timeout_s=..., on_tick=...)

Leaving the block ends the process and everything it started; what was recorded stays in the folder.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.load import settings as files
from harness.load.plan import Plan
from harness.load.progress import Progress, Watch
from harness.loads import MANY_CLIENTS

LOCUSTFILE = Path(__file__).with_name("locustfile.py")

POLL_S = 0.05
"""How often (s) the process is looked at while waiting for it."""


PRIORITY = -15
"""Its nice value where real-time scheduling is refused: a saturated stack must not make the instrument late."""


class LoadGenerator:
    """Starts Locust, hands it the plan and the run's zero, and ends it whatever happens."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        *,
        host: str,
        run: str,
        deadline_s: float,
        processes: int = 1,
        clients: int = MANY_CLIENTS,
        doors: Sequence[str] = (),
    ) -> None:
        """Take the run's folder (it must exist), the plan, the target's base URL, the run's name and the deadline (s).

        `run` becomes part of idempotency keys and message tokens: it must be unique among all runs on one store.
        With more than one of `processes` Locust runs as a master with so many workers, for rates that fill a core:
        worker k keeps every arrival whose number leaves k when divided by their count, so each belongs to one.
        The arrivals belong to so many `clients`. A plan with places needs their `doors`: base URLs, by number.
        """
        if processes < 1:
            raise ValueError(f"a load generator has at least one process, not {processes}")
        if plan.place is not None and int(plan.place.max()) >= len(doors):
            raise ValueError(f"the plan has arrivals from {int(plan.place.max()) + 1} places, and {len(doors)} doors")
        self._folder = folder.resolve()
        self._plan = plan
        self._settings = files.Settings(host, run, deadline_s, os.getpid(), processes, clients, list(doors))
        self._raw = [self._folder / files.part(files.RAW, worker, processes) for worker in range(processes)]
        self._watch = Watch(self._raw, plan.due_s)
        self._process: subprocess.Popen[bytes] | None = None
        self._clock: RunClock | None = None
        self.favoured = False

    def __enter__(self) -> LoadGenerator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start Locust: headless, in a process group of its own, with nothing on stdin and its words in locust.log."""
        files.write_settings(self._folder, self._settings)
        for name in (files.READY, files.RAW, files.SUMMARY):
            for path in files.parts(self._folder, name):
                path.unlink(missing_ok=True)
        (self._folder / files.GO).unlink(missing_ok=True)
        self._plan.save(self._folder / files.PLAN)
        with (self._folder / files.LOG).open("ab") as log:
            self._process = subprocess.Popen(
                _command(self._settings),
                cwd=self._folder,
                env=_environment(self._folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.favoured = _favour(self._process.pid)

    @property
    def pid(self) -> int:
        """Process id, which is the process group's too. Raises InstrumentError before `start`."""
        return self._running().pid

    def pids(self) -> list[int]:
        """Process ids of the generator, those of its workers included."""
        workers = [path.read_text(encoding="utf-8") for path in self._ready_files() if path.is_file()]
        return sorted({self.pid, *(int(text) for text in workers if text)})

    def started_at(self) -> str:
        """Start time of the process in clock ticks since boot, which tells it from a later one of the same pid."""
        return start_ticks(self.pid)

    def ready(self, timeout_s: float = 30.0) -> None:
        """Wait until Locust has read the plan and waits for the run's zero. Raises InstrumentError."""
        end = time.monotonic() + timeout_s
        while not all(path.is_file() for path in self._ready_files()):
            self.check()
            if time.monotonic() > end:
                raise self._failed(f"The load generator was not ready within {timeout_s:g} s.")
            time.sleep(POLL_S)

    def go(self, clock: RunClock) -> None:
        """Hand over the run's zero, which must lie so far ahead that the first arrival is not due yet."""
        first = float(self._plan.due_s[0])
        if clock.now() >= first:
            raise InstrumentError(
                f"The plan's first arrival, due at {first:.2f} s, is already past at {clock.now():.2f} s.",
                "Start the clock further ahead than the warm-up is long.",
            )
        self._clock = clock
        files.write_go(self._folder, clock)

    def check(self) -> None:
        """Raise InstrumentError with the end of its log if the process has ended other than by finishing its plan."""
        code = self._running().poll()
        if code not in (None, 0):
            raise self._failed(f"The load generator ended early ({_how_it_ended(code)}).")

    def progress(self, window_s: float = 5.0) -> Progress:
        """Return how it goes now. Raises InstrumentError when the process is dead."""
        self.check()
        if self._clock is None:
            raise InstrumentError("The load generator has no clock yet.", "Call go() before progress().")
        return self._watch.look(self._clock.now(), window_s)

    def wait(self, timeout_s: float, on_tick: Callable[[], None] = lambda: None) -> None:
        """Wait until the plan is kept and drained; `on_tick` is called about every `POLL_S` seconds.

        Raises InstrumentError when the process dies or is not done within `timeout_s`.
        """
        end = time.monotonic() + timeout_s
        while self._running().poll() is None:
            if time.monotonic() > end:
                raise self._failed(f"The load generator was not done after {timeout_s:g} s.")
            on_tick()
            time.sleep(POLL_S)
        self.check()

    def stop(self, grace_s: float = 3.0) -> None:
        """End the process and its group: SIGTERM (it writes what it has), then SIGKILL. May be called twice."""
        process = self._process
        # A process that has ended was reaped, and its number may be another's by now. Workers end when it does.
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _ready_files(self) -> list[Path]:
        processes = self._settings.processes
        return [self._folder / files.part(files.READY, worker, processes) for worker in range(processes)]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise InstrumentError("The load generator was not started.", "Call start() first.")
        return self._process

    def _failed(self, problem: str) -> InstrumentError:
        return InstrumentError(
            problem, f"The end of {self._folder / files.LOG}:\n" + last_lines(self._folder / files.LOG)
        )


def start_ticks(pid: int) -> str:
    """Return field 22 of /proc/<pid>/stat (proc(5)): start time in ticks since boot. Raises InstrumentError."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError as error:
        raise InstrumentError(f"There is no process {pid}: {error}.") from error
    return stat.rpartition(")")[2].split()[19]


def last_lines(path: Path, count: int = 15) -> str:
    """Return the last `count` lines of a log; '' when there is none."""
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def _command(settings: files.Settings) -> list[str]:
    """Locust's command line: one user per process, and that user is a scheduler."""
    count = str(settings.processes)
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--host", settings.host]
    command += ["--users", count, "--spawn-rate", count, "--only-summary", "--loglevel", "INFO"]
    command += ["--json-file", files.LOCUST_STATISTICS]  # else its tables hide the last words of its log
    if settings.processes > 1:
        port = str(_free_port())  # Locust's own default would be shared with any other Locust of this machine
        command += ["--processes", count, "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        command += ["--master-host", "127.0.0.1", "--master-port", port]
    return command


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _favour(pid: int) -> bool:
    """Let the process run before the stack it measures, where we may; a late generator voids its run.

    Real-time scheduling at its lowest rank, because a greater weight alone does not free a processor at once: beside
    four busy processes on two processors, lateness (p99) was 22 ms at nice -15 and 1.8 ms so. Linux keeps 5 % of the
    time for all others, whatever a real-time process does (sched(7)).
    """
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
        return True
    except (OSError, AttributeError):  # only root may, not in every container, and not on macOS
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, pid, PRIORITY)
    except OSError:  # only root may ask for more than others get
        return False
    return True


def _environment(folder: Path) -> dict[str, str]:
    """The environment without Locust's variables and the user's ~/.locust.conf: nothing but our arguments counts."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")}
    return kept | {files.FOLDER_VARIABLE: str(folder), "HOME": str(folder)}


def _how_it_ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
