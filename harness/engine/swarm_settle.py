"""Between two runs of a stack under Swarm: everybody back in their places, as many as the file asks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.engine.settle import until
from harness.engine.slot import SwarmSlot
from harness.errors import InstrumentError

if TYPE_CHECKING:
    from harness.engine.swarm_stack import SwarmStack


def put_in_order(stack: SwarmStack, deadline: float) -> list[str]:
    """Mend what is not in order among the services and return it in words; raises InstrumentError when it stays so.

    In this order: nobody is kept away, nobody drops packets or is frozen, as many replicas as declared are asked for,
    all of them run. An autoscaler may ask for more again at once: that is its affair, and is waited for.
    """
    found = [f"{label}: it was kept away" for label in stack.holds.release_all()]
    for unit in stack.units:
        container = unit.container
        if container.drops:
            container.restore_packets()
            found.append(f"{container.name}: it dropped packets")
    for service in stack.swarm_services.values():
        for slot in stack.slots(service):
            if _frozen(slot):
                slot.unpause()
                found.append(f"{slot.name}: it was frozen")
        if service.is_bad():
            service.take_back()
            found.append(f"{service.name}: it had a bad version")
        if found:
            service.unstick()
        declared, wanted = stack.declared_replicas(service.name), service.wanted()
        if declared is not None and wanted != declared:
            service.scale(declared)
            found.append(f"{service.name}: it had {wanted} replicas")
    for service in stack.swarm_services.values():
        if not service.settled() and not found:
            found.append(service.trouble())
        if not until(partial(service.settled), deadline):
            raise InstrumentError(f"{service.trouble()}.\n{stack.tail(service.name)}")
    return found


def _frozen(slot: SwarmSlot) -> bool:
    try:
        return slot.state().status == "paused"
    except InstrumentError:  # nothing has ever run there
        return False
