"""One harness at a time per engine: a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from harness.errors import EngineBusy, HarnessError

LOCK_FOLDER = Path("/tmp")  # noqa: S108 (every user of the engine must find the same file, whatever TMPDIR they have)


class EngineLock:
    """Held from `acquire` to `release`, or as a context manager. `who` says for whom, in the message others get."""

    def __init__(self, engine: str, who: str = "", folder: Path = LOCK_FOLDER) -> None:
        self._file = folder / f"testbed-{engine}.lock"
        self._who = who
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises EngineBusy naming the holder when there is one, at once."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(descriptor)
            os.close(descriptor)
            raise EngineBusy(
                f"Another harness is at work on this Docker engine: {holder}.",
                "Wait until it has ended, or end it with Ctrl-C.",
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        note = {
            "pid": os.getpid(),
            "user": _user(),
            "for": self._who,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(note).encode(), 0)

    def release(self) -> None:
        """Give it back; nothing happens when it is not held. The file stays: removing it would race with others."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            # Not left to `close`: a child that is just being started may still have the descriptor for a moment.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> EngineLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self.release()

    def _open(self) -> int:
        """Open or create the file. Python's descriptors are not inherited, so no child can hold the lock for us."""
        flags = os.O_RDWR | os.O_NOFOLLOW
        try:
            # Without O_CREAT first: in a sticky folder the kernel refuses it for a file of another user.
            return os.open(self._file, flags)
        except FileNotFoundError:
            with suppress(FileExistsError):
                descriptor = os.open(self._file, flags | os.O_CREAT | os.O_EXCL, 0o666)
                os.fchmod(descriptor, 0o666)  # whatever the umask: other users of the engine lock the same file
                return descriptor
            return os.open(self._file, flags)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise HarnessError(f"{self._file} is a symbolic link.", "Remove it.") from None
            raise HarnessError(f"The lock {self._file} cannot be opened: {error.strerror}.", "Remove it.") from None


def _read(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        purpose = f" ({note['for']})" if note.get("for") else ""
        return f"process {note['pid']} of {note['user']}{purpose}, since {note['since']}"
    except (ValueError, KeyError):
        return "it has not said yet who it is"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user may have no name
