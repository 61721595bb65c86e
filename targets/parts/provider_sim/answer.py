"""What the simulator says to a request, and when: a function of the seed and the request's number."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import accumulate

from targets.parts.provider_sim.settings import Settings

TOKENS_SIGMA = 0.4
GAP_SIGMA = 0.3

_PROSE = (
    "the service keeps every message that was acknowledged and a reply is built from recent context while another "
    "request may wait for its first token because people read slowly we measure what happened before we judge it "
    "some answers are short others explain each step with care then stop when there is nothing left to say"
)
_WORDS = _PROSE.split()


@dataclass(frozen=True)
class Asked:
    """What a request asks for, whatever wire it came over."""

    model: str
    stream: bool
    prompt_tokens: int
    max_tokens: int | None = None
    include_usage: bool = False


@dataclass(frozen=True)
class Draw:
    """What the seeded stream holds for request `number`. Times are seconds.

    `luck` lies in [0, 1): the request meets a fault when it is below the fault's share. `gaps_s[k]` is the wait
    before token k + 1. The draw is the same whether or not a fault is set.
    """

    number: int
    luck: float
    key: str
    texts: tuple[str, ...]
    first_token_s: float
    gaps_s: tuple[float, ...]


def draw(settings: Settings, number: int) -> Draw:
    """Return what request `number` (from 1) gets."""
    stream = random.Random(f"{settings.seed}/{number}")  # noqa: S311 (reproducible on purpose, guards nothing)
    luck = stream.random()
    key = f"{stream.getrandbits(96):024x}"
    first_token_s = settings.ttft_median_s * stream.lognormvariate(0, settings.ttft_sigma)
    median = settings.tokens_median
    wanted = round(median * stream.lognormvariate(0, TOKENS_SIGMA))
    count = max(1, median // 4, min(4 * median, wanted))
    gaps_s = tuple(settings.token_s * stream.lognormvariate(0, GAP_SIGMA) for _ in range(count - 1))
    words = stream.choices(_WORDS, k=count)
    words[0] = words[0].capitalize()
    words[-1] += "."
    texts = (words[0], *(f" {word}" for word in words[1:]))
    return Draw(number, luck, key, texts, first_token_s, gaps_s)


@dataclass(frozen=True)
class Answer:
    """One answer: its tokens with the time (s after the request) at which each is due, and why it ends.

    `texts` and `due_s` are of equal length. `created` is wall time (s since 1970): the only thing in an answer
    that does not follow from the seed. An empty answer is ready at `ready_s`, as is the first token of another.
    """

    asked: Asked
    key: str
    created: int
    texts: tuple[str, ...]
    due_s: tuple[float, ...]
    ready_s: float
    out_of_tokens: bool = False

    @classmethod
    def of(
        cls, asked: Asked, drawn: Draw, created: int, *, delay_s: float = 0.0, token_s: float | None = None
    ) -> Answer:
        """Return the answer to `asked`; `delay_s` is added to the first token, `token_s` replaces every gap."""
        gaps_s = drawn.gaps_s if token_s is None else (token_s,) * len(drawn.gaps_s)
        ready_s = drawn.first_token_s + delay_s
        whole = cls(asked, drawn.key, created, drawn.texts, tuple(accumulate(gaps_s, initial=ready_s)), ready_s)
        if asked.max_tokens is not None and asked.max_tokens < len(drawn.texts):
            return replace(whole.first(asked.max_tokens), out_of_tokens=True)
        return whole

    def first(self, tokens: int) -> Answer:
        """Return the answer with only its first tokens."""
        return replace(self, texts=self.texts[:tokens], due_s=self.due_s[:tokens])

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.texts)

    @property
    def complete_s(self) -> float:
        """When the last token is due (s after the request)."""
        return self.due_s[-1] if self.due_s else self.ready_s
