"""The catalog: one transactional database for everything that must never be half-written."""

from resources.catalog.catalog import Catalog

__all__ = ["Catalog"]
