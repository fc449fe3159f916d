"""An answer of Fusion → what the store writes of it: the same for leads, lists and questions."""

from bridge.fusion.client import Answer
from bridge.store.settling import Answered


def answered(answer: Answer) -> Answered:
    """How a request ended, with the words for people; empty where it went well."""
    return Answered(
        answer.outcome,
        answer.status,
        answer.ms,
        answer.method,
        answer.path,
        getattr(answer.outcome, "reason", ""),
        answer.reached,
    )
