"""Errors of the C interface as one exception."""
from __future__ import annotations

import enum


class ErrorCode(enum.IntEnum):
    """What kind of thing went wrong; the numbers are those of sinter.h."""

    INVALID_ARGUMENT = 1
    INVALID_FILE = 2
    IO = 3
    UNSUPPORTED = 4
    INCOMPATIBLE = 5
    OUT_OF_MEMORY = 6
    INTERNAL = 7
    CANCELLED = 8


class Error(Exception):
    """A sentence that names the culprit and the remedy, with its `code`."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
