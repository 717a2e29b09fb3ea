"""These tests wait for threads and processes, and not for ever."""

from limits import limited_time

__all__ = ["limited_time"]
