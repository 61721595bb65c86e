"""The autoscaler: replicas follow the load, by the formula of the Kubernetes HorizontalPodAutoscaler.

    python -m targets.parts.autoscaler     serves /metrics, /decisions and /health on port 9100

A round, every `SCALE_PERIOD_S`:

1. Ask every balancer how many requests are in flight, and which servers pass their health check (`haproxy.py`).
2. Ask the engine's door how many replicas each service has (`door.py`).
3. Decide for all services together (`decide.py`; the formula is in `hpa.py`).
4. Order what changed from the door; keep, count and log what was decided and why (`record.py`).

**Signal.** Requests in flight per ready replica, mean of the last `AVERAGE_S`. A request of this API lasts about 0.7 s
and spends nearly all of it waiting for the provider, so that a replica with many requests can look idle to the CPU.
What grows with load is the number of requests that it holds (Little's law: arrivals per second x seconds each). It is
read at the balancers and not at the apps: a balancer also sees the requests that no app has taken yet, and an app that
hangs would not say so. A slow provider raises it too: each request does hold its place for longer.

**Zones.** Each zone is a service of its own, and the load belongs to all of them: requests per ready replica are
counted over all zones, and the replicas that come out are divided evenly among the zones that live. A zone in which no
replica is ready (an outage, a hold) is left exactly as it is: there is nothing to conclude about it, and whoever mends
it may be changing it. The others then share the whole load, up to `MAX_REPLICAS` each. When the zone is back, the load
is divided among all again; the surplus elsewhere goes one stabilisation window later.

**Missing metrics.** No balancer answers: nothing changes. Some do not: what the others count is the least that there
is, so that it may make a service grow, but never shrink (the HPA's rule for metrics that cannot be fetched).

**Being crashed.** All state is the stack's: replicas are the engine's, load is the balancers'. After a restart the
window begins with the replicas that are there, so nothing is scaled down before it was watched for `STABILISE_S`.
"""
