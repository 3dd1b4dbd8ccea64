"""An index as one file, to be moved to another machine: packed, and unpacked where it is whole.

The file is a zip of a snapshot of the store, the uploads, and a manifest with the sha256 of each
and, over all that the manifest says, of the whole.
"""

from qa.portable.file_format import SUFFIX, Manifest
from qa.portable.packing import pack
from qa.portable.unfinished import is_abandoned
from qa.portable.unpacking import default_place, unpack

__all__ = ["SUFFIX", "Manifest", "default_place", "is_abandoned", "pack", "unpack"]
