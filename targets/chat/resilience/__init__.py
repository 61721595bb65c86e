"""Several AI providers that stand in for one another: what is done about each failure.

`FailoverProvider` is a Provider over others, best first. A question goes to the first provider whose breaker lets it
through. What becomes of it then (`policy.py` is this table as data; the outcome is the word in the metrics):

outcome      what happened                                            then                            breaker
-----------  -------------------------------------------------------  ------------------------------  ----------------
ok           a whole answer, with its finish reason                   the answer                      good
timeout      no whole answer, or no first words, in the attempt's     next provider                   failure
             time; or a longer silence than PROVIDER_READ_S
unreachable  no connection: refused, no such name, no route           next provider                   failure
overloaded   status 408, 425, 429, 503, 529                           next provider                   failure
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
PROVIDER_FIRST_TOKEN_S remain. Settings with which a provider would never get its turn stop the start.

Breaker, one per provider and process (`breaker.py`, on purgatory): PROVIDER_BREAKER_FAILURES failures in a row open it
for PROVIDER_BREAKER_OPEN_S; then one question at a time goes through as a probe, while the others go on elsewhere. It
closes with the first good one, and opens again with a failed one. Nothing is shared between processes: each learns in
its first few calls, and none depends on the cache to know.

Retries of the same provider come out of a budget (`budget.py`): PROVIDER_RETRY_RATIO of all requests, and
PROVIDER_RETRY_BURST at once. Fail-overs need none: a provider gets at most one question of each request from them.

When no provider is left the client is told why, by name: with the failure that all of them had in common (502, 504),
and otherwise, or when a breaker is open, with 503 and in Retry-After the seconds until the first may be back.

Switches for sensitivity tests: CHAT_FAILOVER=false leaves the first provider alone (breaker and retries stay),
CHAT_BREAKER=false never opens, PROVIDER_RETRY_BURST=0 never asks the same provider twice.

Metrics (`telemetry.py`): chat_provider_attempts_total and chat_provider_attempt_duration_seconds by provider and
outcome; chat_provider_failovers_total by from_provider, to_provider and reason; chat_provider_retries_total by provider
and decision (granted, denied); chat_provider_breaker_state, which is 1 for the state that holds, and
chat_provider_breaker_transitions_total, by provider and state. `chat_provider_calls_total{provider="failover"}` counts
questions as users see them, whoever answered.

A new provider is one file in `targets/chat/providers/` and one row in the composition of the version that has it.
"""
