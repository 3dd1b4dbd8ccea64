"""A folder on a disk: which files in it are readable, what is left out, which folder it is."""

from qa.folder.walk import OWN_INDEX, InDoubt, Walk, check, find

__all__ = ["OWN_INDEX", "InDoubt", "Walk", "check", "find"]
