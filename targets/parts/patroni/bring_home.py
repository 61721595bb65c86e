"""Brings the primary back to where it belongs: `bring-home database-a database-b`.

After a fail-over the primary stays where it is; that is right, for each change costs seconds. Who has a region that is
nearer to most users brings it back when all is quiet, and this is how. Prints what it did, and nothing when there was
nothing to do. Ends with 1 when none of the named nodes became the primary in time.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any

REST_PORT = 8008
PATIENCE_S = 40.0
ANSWER_S = 15.0


def main(homes: list[str]) -> int:
    """Switch over until one of `homes` is the primary."""
    deadline, first, refused = time.monotonic() + PATIENCE_S, "", "nobody answered"
    while time.monotonic() < deadline:
        try:
            members = {one["name"]: one for one in _ask("/cluster")["members"]}
            leader = next((name for name, one in members.items() if one["role"] == "leader"), "")
            if leader in homes:
                if first:
                    sys.stdout.write(f"the primary was {first}, and is {leader} again\n")
                return 0
            first = first or leader
            candidate = next((name for name in homes if _follows(members.get(name))), None)
            if leader and candidate is not None:
                _ask("/switchover", {"leader": leader, "candidate": candidate})
        except (OSError, ValueError, KeyError) as error:
            refused = str(error)
        time.sleep(1)
    sys.stderr.write(f"the primary stays {first or 'unknown'}: {refused}\n")
    return 1


def _follows(member: dict[str, Any] | None) -> bool:
    """Whether a member could take over: it follows the primary and has all of it."""
    return member is not None and member.get("state") == "streaming" and not member.get("lag")


def _ask(path: str, body: dict[str, str] | None = None) -> Any:
    """Ask Patroni of this node. Raises OSError when it does not answer, or refuses, with its words."""
    connection = http.client.HTTPConnection("127.0.0.1", REST_PORT, timeout=ANSWER_S)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
    except http.client.HTTPException as error:
        raise OSError(f"an answer that is none ({error!r})") from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise OSError(text)
    return json.loads(text) if body is None else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
