"""Documents of many formats to markdown text, within limits, and never at the cost of the run."""

from resources.parser.outcome import Parsed, ParseLimits, Rejected
from resources.parser.parser import VERSION, Parser, identity

__all__ = ["VERSION", "ParseLimits", "Parsed", "Parser", "Rejected", "identity"]
