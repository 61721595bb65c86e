"""The only way from the stack to the Docker engine: it lets services be scaled, within bounds, and nothing else.

    python -m targets.parts.engine_door     listens on port 2375

    GET  /services                    the allowed services that exist, with their replicas
    GET  /services/{name}             one of them
    POST /scale/{name}                {"replicas": 3}: reads the service, changes that number alone, writes it back
    GET  /health                      the door itself is alive

Whoever holds the engine's socket owns the host: a container can be started with the host's disk inside. So the door
does not filter the engine's API, it does not have one: whatever a client sends, the engine only ever gets requests of
the door's own making (`engine.py`), with a service name from its list and a number within its bounds.
Everything else is 403, with a sentence, and is logged.
"""
