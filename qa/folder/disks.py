"""Which folder this is, whatever its name, and whether the system tells of changes on its disk."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.ceph", "davfs"),
    *("glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.davfs"),
    *("vboxsf", "vmhgfs", "fuse.vmhgfs-fuse", "prl_fs", "virtiofs", "fuse.grpcfuse"),
}
_MOUNTS = Path("/proc/self/mountinfo")


def identity(path: Path) -> tuple[int, int] | None:
    """What tells this folder from another of the same name; None while there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def has_no_events(root: Path) -> bool:
    """Whether the system does not tell of all changes there: a disk that others write to."""
    forced = os.environ.get("WATCHFILES_FORCE_POLLING", "").lower()
    if forced:
        return forced not in ("false", "disable", "disabled")
    return kind_of_disk(root) in _NETWORK


def kind_of_disk(root: Path) -> str:
    """The type of the file system that a folder is on, as Linux names it; "" elsewhere."""
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    kinds: dict[Path, str] = {}
    for fields, _, rest in (line.partition(" - ") for line in lines):
        place = fields.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        kinds[Path(place)] = rest.split(" ")[0]  # later ones lie over earlier ones
    return next((kinds[path] for path in (root, *root.parents) if path in kinds), "")
