"""Several AI providers that stand in for one another: what is done about each failure.

`FailoverProvider` is a Provider over any number of others. A question goes to the first one whose breaker lets it
through, in the order of PROVIDER_ORDER (below). What becomes of it then (`policy.py` is this table as data; the outcome
is the word in the metrics):

outcome      what happened                                            then                            breaker
-----------  -------------------------------------------------------  ------------------------------  ----------------
ok           a whole answer, with its finish reason                   the answer                      good
timeout      no whole answer, or no first words, in the attempt's     next provider                   failure
             time; or a longer silence than PROVIDER_READ_S
unreachable  no connection: refused, no such name, no route           next provider                   failure
overloaded   status 408, 425, 429, 503, 529; the provider may say     next provider                   failure, or open
             how long it wants to be left alone                                                       for so long
bad_answer   another 5xx, an error inside a stream, hung up, cut off  next provider; when none is     failure
             without its finish reason, empty, not readable           left, this one once more
refused      401, 402, 403, 404 and other 4xx: our key, our bill or   next provider, and an ERROR in  failure
             our model is wrong                                       the log: people must act
rejected     400, 413, 414, 415, 422: the request is wrong, and it    the client is told (502)        says nothing
             would be anywhere
cancelled    the client went away, or stopped reading                 nothing                         says nothing
error        a mistake of ours in the provider's adapter              the client is told (500)        failure
open         not asked: its breaker is open, or its one probe is      next provider                   -
             under way (a reason of fail-over, not an attempt)

After the first words of a stream there is no second answer: whatever happens then ends it with an error, and is booked
all the same. Attempts of one request come one after the other, never at once, and each is closed before the next; the
service stores what comes out of here once. So no failure, fail-over or retry makes two answers.

Time. A provider that another one may stand in for has PROVIDER_ATTEMPT_S for a whole answer, or PROVIDER_FIRST_TOKEN_S
for the first words of a stream. The last one left has what remains of PROVIDER_DEADLINE_S (95 % of it, so that we see
a failure before the service does); so two slow providers are slow, not away. Another attempt is made only while
PROVIDER_FIRST_TOKEN_S remain. Settings with which a provider would never get its turn stop the start: n providers need
(n - 1) x the longer of the two, and PROVIDER_FIRST_TOKEN_S for the last one. The defaults (3 s, 2 s) fit three
providers into v2's deadline of 9 s (8 of 8.55 s), but leave the last one 2.55 s for a whole answer. v3 has 2.8 s and
1.8 s: when two providers hang, the third has as long for a whole answer as they had (8.55 - 5.6 = 2.95 s), and 4.95 s
for a stream. Four providers fit with 2.2 s and 1.8 s.

Breaker, one per provider and process (`breaker.py`, on purgatory): PROVIDER_BREAKER_FAILURES failures in a row open it
for PROVIDER_BREAKER_OPEN_S; then one question at a time goes through as a probe, while the others go on elsewhere. It
closes with the first good one, and opens again with a failed one. Nothing is shared between processes: each learns in
its first few calls, and none depends on the cache to know.

Retry-After. A provider that answers "not now" and says for how long (the header, or Google's RetryInfo in the body) is
taken at its word: its breaker opens at once and for so long, but at most for PROVIDER_RETRY_AFTER_MAX_S, so that one
that speaks of an hour is tried again before. 0 switches that off: its answer is then a failure like any other.

Order (`order.py`). PROVIDER_ORDER=configured, the default, asks as the composition lists them; what it cannot see is a
provider that fails now and then, or is slow: no breaker opens, and every question pays. PROVIDER_ORDER=health moves a
provider whose recent failures or pace are far worse than those of the best other one behind all that are well. Ties go
by the composition. A breaker's probes do not bring such a provider back, for nobody asks the last one while the first
one answers. So one question at a time is put to it first, PROVIDER_BREAKER_OPEN_S after its last failed one and five
times as soon after a good one; it is the breaker's probe too, when that is open. It comes back when its record is about
as good as the others' again: after an outage that opened its breaker that takes nine good answers, some 15 s. No share
of requests is given to exploring beyond that: a provider that was never asked counts as well, and is found out when its
turn comes.

Budgets (`budget.py`). Retries of the same provider: PROVIDER_RETRY_RATIO of all requests, and PROVIDER_RETRY_BURST at
once. Fail-overs: a provider gets at most one question of each request from them, so n providers make at most n attempts
of one request. While one provider is well, breakers and order bring that down to about 1, whatever the others do (with
the first one answering 429 to six requests in ten and the second one silent: 1.1 or less, `test_provider_storm.py`).
What is left is a partial outage of all: with three providers that each fail 7 of 10, over 2 attempts of each request.
There PROVIDER_FAILOVER_RATIO bounds it, over 20 s, to 1 + that many attempts (but 100 fail-overs are never denied); the
default of 1 never denies anything to two providers, v3 has 0.5. Without budget left a question ends with the failure it
met, and a slow provider gets all the time there is.

When no provider is left the client is told why, by name: with the failure that all of them had in common (502, 504),
and otherwise, or when a breaker is open, with 503 and in Retry-After the seconds until the first may be back.

Switches for sensitivity tests: CHAT_FAILOVER=false leaves the first provider alone (breaker and retries stay),
CHAT_BREAKER=false never opens, PROVIDER_RETRY_BURST=0 never asks the same provider twice, PROVIDER_ORDER=configured
does not look at health.

Metrics (`telemetry.py`): chat_provider_attempts_total and chat_provider_attempt_duration_seconds by provider and
outcome; chat_provider_failovers_total by from_provider, to_provider and reason, and
chat_provider_failovers_denied_total by provider; chat_provider_retries_total by provider and decision (granted,
denied); chat_provider_rank by provider, 1 for the one that is asked first (without probes);
chat_provider_breaker_state, which is 1 for the state that holds, and chat_provider_breaker_transitions_total, by
provider and state. `chat_provider_calls_total{provider="failover"}` counts questions as users see them, whoever
answered.

A new provider is one file in `targets/chat/providers/` and one row in the composition of the version that has it
(docs/providers.md).
"""
