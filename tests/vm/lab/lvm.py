# SPDX-License-Identifier: GPL-2.0-or-later
"""A root in a logical volume. Nothing here can map it, and nothing has to: LVM itself lays it out, and tells where."""

import os
import tempfile

from . import cache, tree

# The names, the order and the sizes (MiB) of Debian's installer; a swap volume takes the rest.
ROOT = "/dev/mapper/debian--vg-root"
START, EXTENT, REST = 1, 4, 16
# Of the owner's physical volume, so that the host's can have it, too.
PV_UUID = "c0c0c0-c0c0-c0c0-c0c0-c0c0-c0c0-c0c001"

# LVM's own tools on the file /mnt/volume; the loop device goes when this shell ends, however it does.
TOOLS = """
loop=$(losetup -f --show /mnt/volume)
exec 3< $loop
losetup -d $loop
export LVM_SUPPRESS_FD_WARNINGS=1
lvm() { command=$1; shift; /sbin/lvm $command --quiet --driverloaded n --config 'activation { udev_sync=0 udev_rules=0 }
    devices { use_devicesfile=0 obtain_device_list_from_udev=0 filter=[ "a|^'$loop'$|", "r|.|" ] }
    backup { backup=0 archive=0 }' "$@"; }
create() { size=$1; shift; lvm lvcreate --activate n --zero n --wipesignatures n \
--extents $size --name "$@" debian-vg; }
"""

SCRIPT = TOOLS + """
lvm pvcreate UUID $loop
lvm vgcreate debian-vg $loop
create EXTENTS root
create 100%FREE swap_1
[ "$(lvm lvs --noheadings --options seg_pe_ranges debian-vg/root | tr -d ' ')" = "$loop:0-$((EXTENTS - 1))" ]
[ "$(lvm pvs --noheadings --options pe_start --units m $loop | tr -d ' ')" = START.00m ]
"""


def physical_volume(guest, root, path, uuid=PV_UUID):
    """Makes the file `path`: LVM with the file system `root` in the volume ROOT, made by the guest's own tools. Needs
    a loop device, and no device-mapper. uuid None: LVM takes one by chance."""
    extents = -(-os.path.getsize(root) // (EXTENT << 20))
    script = SCRIPT.replace("EXTENTS", str(extents)).replace("START", str(START))
    script = script.replace("UUID", f"--uuid {uuid} --norestorefile" if uuid else "")
    laid_out(guest, script, START + extents * EXTENT + REST, [(root, START)], path)


def siblings(guest, files, path):
    """Makes the file `path`: the same volume group, with a volume for each (name, file) of less than EXTENT MiB, and
    without a root."""
    script = (TOOLS + "lvm pvcreate $loop\nlvm vgcreate debian-vg $loop\n"
              + "".join(f"create 1 {name}\n" for name, _ in files))
    laid_out(guest, script, START + (len(files) + 1) * EXTENT,
             [(file, START + n * EXTENT) for n, (_, file) in enumerate(files)], path)


def laid_out(guest, script, mib, contents, path):
    """A file of this size, after the script, with each (file, place in MiB) of the contents."""
    if not os.path.exists("/dev/loop-control"):
        raise cache.Lack("no loop device on this machine")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as tmp:
        with open(tmp + "/volume", "wb") as f:
            f.truncate(mib << 20)
        tree.enter(tree.trees(guest) + "/root", script, [(tmp, "/mnt")], tmp + "/log")
        for file, place in contents:
            cache.run(["dd", "if=" + file, f"of={tmp}/volume", "bs=1M", f"seek={place}", "conv=notrunc,sparse",
                       "status=none"])
        os.rename(tmp + "/volume", path)
