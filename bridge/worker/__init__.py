"""Moves events through the rooms: resolves what was received, delivers what is due. Decides nothing.

A turn is a function, the loop around it an afterthought. Rule for editors: this is one of the two places
that catch the unforeseen (the webhook route is the other); it becomes a dead event or another try, with its
traceback in the log, and the next one goes on.
"""

from bridge.worker.lane import Lane
from bridge.worker.resolver import Resolver
from bridge.worker.retention import Retention
from bridge.worker.signals import Signals

__all__ = ["Lane", "Resolver", "Retention", "Signals"]
