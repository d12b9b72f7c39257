"""The query service: what a question reads (neighbourhood, passages, reports) and what it is answered (service)."""

from resources.retrieval.neighbourhood import Limits
from resources.retrieval.service import MODES, Answer, Mode, Question, Retrieval

__all__ = ["MODES", "Answer", "Limits", "Mode", "Question", "Retrieval"]
