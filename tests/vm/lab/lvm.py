# SPDX-License-Identifier: GPL-2.0-or-later
"""A root in a logical volume. Nothing here can map it, and nothing has to: LVM itself lays it out, and tells where."""

import os
import tempfile

from . import cache, tree

# The names, the order and the sizes (MiB) of Debian's installer; a swap volume takes the rest.
ROOT = "/dev/mapper/debian--vg-root"
START, EXTENT, REST = 1, 4, 16

SCRIPT = """
loop=$(losetup -f --show /mnt/volume)
exec 3< $loop
losetup -d $loop        # when this shell ends, however it does
export LVM_SUPPRESS_FD_WARNINGS=1
lvm() { command=$1; shift; /sbin/lvm $command --quiet --driverloaded n --config 'activation { udev_sync=0 udev_rules=0 }
    devices { use_devicesfile=0 obtain_device_list_from_udev=0 filter=[ "a|^'$loop'$|", "r|.|" ] }
    backup { backup=0 archive=0 }' "$@"; }
lvm pvcreate $loop
lvm vgcreate debian-vg $loop
lvm lvcreate --activate n --zero n --wipesignatures n --name root --extents EXTENTS debian-vg
lvm lvcreate --activate n --zero n --wipesignatures n --name swap_1 --extents 100%FREE debian-vg
[ "$(lvm lvs --noheadings --options seg_pe_ranges debian-vg/root | tr -d ' ')" = "$loop:0-$((EXTENTS - 1))" ]
[ "$(lvm pvs --noheadings --options pe_start --units m $loop | tr -d ' ')" = START.00m ]
"""


def physical_volume(guest, root, path):
    """Makes the file `path`: LVM with the file system `root` in the volume ROOT, made by the guest's own tools. Needs
    a loop device, and no device-mapper."""
    if not os.path.exists("/dev/loop-control"):
        raise cache.Lack("no loop device on this machine")
    extents = -(-os.path.getsize(root) // (EXTENT << 20))
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as tmp:
        with open(tmp + "/volume", "wb") as f:
            f.truncate((START + extents * EXTENT + REST) << 20)
        tree.enter(tree.trees(guest) + "/root", SCRIPT.replace("EXTENTS", str(extents)).replace("START", str(START)),
                   [(tmp, "/mnt")], tmp + "/log")
        cache.run(["dd", "if=" + root, f"of={tmp}/volume", "bs=1M", f"seek={START}", "conv=notrunc,sparse", "status=none"])
        os.rename(tmp + "/volume", path)
