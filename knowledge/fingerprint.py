"""Fingerprints and ids: one hash for everything that decides whether work is done."""

from hashlib import blake2b


def fingerprint(*parts: str | bytes) -> str:
    """128-bit blake2b over length-prefixed parts, as 32 hex digits: ("ab", "c") and ("a", "bc") differ."""
    joined = bytearray()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        joined += len(data).to_bytes(8, "little")
        joined += data
    return blake2b(joined, digest_size=16).hexdigest()


def shard_of(key: str, shards: int) -> int:
    """The shard of a key, 0 … shards - 1: stable over processes, machines and releases."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") % shards
