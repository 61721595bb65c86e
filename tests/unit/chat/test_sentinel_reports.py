"""Which sentinel is believed."""

from __future__ import annotations

from targets.chat.cache.sentinel import Report, newest


def test_the_latest_epoch_is_believed_and_not_the_majority() -> None:
    before, after = Report(3, "cache-a", 6379), Report(4, "cache-b", 6379)
    assert newest([before, None, before, after]) == after
    assert newest([None, before]) == before
    assert newest([None, None]) is None
