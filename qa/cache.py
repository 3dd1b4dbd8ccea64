"""Where qa keeps what it can make again: one directory of the user's, or ``QA_CACHE_DIR``."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_directory() -> Path:
    """The directory for indexes and exported models; it need not exist yet."""
    override = os.environ.get("QA_CACHE_DIR")
    return Path(override).expanduser() if override else platformdirs.user_cache_path("qa")
