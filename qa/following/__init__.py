"""Follow a folder: what the system tells of it, what is to be seen there, and when to take it."""

from qa.following.watch import Followed, Watch

__all__ = ["Followed", "Watch"]
