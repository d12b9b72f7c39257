"""Packages that a library imports and that we never ask for anything: importing them is put off until somebody does."""

import sys
from importlib.util import find_spec, module_from_spec


def put_off(name: str) -> None:
    """Have a package whose submodules can be imported, and whose __init__ runs when something of its own is asked.

    Nothing happens where it was imported already, or is not installed.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or (loader := spec.loader) is None:
        return
    sys.modules[name] = package = module_from_spec(spec)

    def first(attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = first
