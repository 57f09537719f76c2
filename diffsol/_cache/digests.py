"""The digest that names, checksums and comparisons of the cache use: BLAKE2b (RFC 7693)."""

try:  # hashlib would load OpenSSL, for five times as long as all the rest of the cache
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = ["blake2b"]
