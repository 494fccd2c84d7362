# SPDX-License-Identifier: GPL-2.0-or-later
"""The real root on a disk that the host has dressed: one boot in which it must not obey that disk, and the control, the
same root without a cocotab, in which it does.

The host has added a swap partition to the root's disk, which systemd's gpt-auto generator takes; and the initramfs in
the plain /boot is forged, which dracut unpacks at shutdown, and whose /shutdown then runs as root."""

import os
import sys

from . import attack, cache, disk, owner, table, tree
from .case import ATTACKERS, COCO12, COCO13, COCO14, GOOD, Case, Disk
from .verdict import Boot

SWAP = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
BOOT_UUID = "5c0c0a7e-0004-4000-8000-000000000001"
BOOT, REST = 48, 16             # MiB of the plain /boot and of the swap partition
COCOTAB = f"root UUID={disk.ROOT_UUID} - -\n"
# The other disks go without what belongs to the initramfs.
DRACUT = ("usr/lib/dracut/dracut-initramfs-restore", "usr/lib/dracut/skipcpio",
          "usr/lib/dracut/modules.d/98dracut-systemd/dracut-shutdown.service")
ROOT_FILES = {
    "etc/fstab": f"UUID={BOOT_UUID} /boot ext4 defaults 0 0\n",
    # As dracut's modules for LVM and LUKS leave it for such a root.
    "etc/tmpfiles.d/lab.conf": "d /run/initramfs\nf /run/initramfs/.need_shutdown\n",
}
RECIPE = 1


def disk_file(guest, kernel_name, name):
    """The file of the disk; name: cocotab or none, what the root has."""
    plain = disk.plain(guest, kernel_name)
    return cache.item(f"real-{name}-{guest}-{kernel_name}",
                      cache.key(plain, attack.init(), *map(tree.read, (__file__, owner.GPT)), RECIPE),
                      lambda tmp: make(guest, kernel_name, plain, name == "cocotab", tmp),
                      f"the dressed disk of {guest}, {kernel_name} kernel ({name})") + "/disk"


def make(guest, kernel_name, plain, cocotab, tmp):
    files = {path: with_text(tmp, path, text) for path, text in ROOT_FILES.items()}
    if cocotab:
        files["etc/coco-unlock/cocotab"] = with_text(tmp, "cocotab", COCOTAB)
    files.update({path: f"{tree.trees(guest)}/root/{path}" for path in DRACUT})
    cache.run(["cp", "--sparse=always", plain, tmp + "/root"])
    put(tmp, tmp + "/root", files)
    disk.encrypt(tmp, table.secret("root"), tmp + "/root", disk.ROOT_UUID)
    plain_boot(tree.read(tree.system(guest, kernel_name) + "/kver"), tmp)
    disk.with_file(tmp, "swap", bytes(REST << 20))
    cache.run(["mkswap", "-q", tmp + "/swap"])
    parts = [("boot", BOOT, owner.DATA), ("root", -(-os.path.getsize(tmp + "/root") >> 20), owner.ROOT),
             ("swap", REST, SWAP)]
    specs, start = [f"1+8:{owner.ESP}:{table.numbered(100)}:esp"], owner.BEFORE
    for number, (name, size, kind) in enumerate(parts, 101):
        specs.append(f"{start}+{size}:{kind}:{table.numbered(number)}:{name}")
        start += size
    cache.run([sys.executable, "-IS", owner.GPT, "make", tmp + "/disk", str(start + 1), *specs])
    start = owner.BEFORE
    for name, size, _ in parts:
        cache.run(["dd", f"if={tmp}/{name}", f"of={tmp}/disk", "bs=1M", f"seek={start}", "conv=notrunc,sparse",
                   "status=none"])
        os.unlink(f"{tmp}/{name}")
        start += size


def with_text(tmp, name, text):
    return disk.with_file(tmp, name.replace("/", "-"), text.encode())


def put(tmp, image, files):
    """Files into an ext4 image that nobody has to mount; their directories are made."""
    known, script = set(), []
    for path, source in files.items():
        parents = path.split("/")[:-1]
        for n in range(1, len(parents) + 1):
            directory = "/".join(parents[:n])
            if directory not in known:
                known.add(directory)
                script.append(f"mkdir /{directory}")    # one that is there already stays
        script += [f"rm /{path}", f"write {source} /{path}"]
    with_text(tmp, "script", "\n".join(script) + "\n")
    cache.run(["debugfs", "-w", "-f", tmp + "/script", image])
    for path, source in files.items():      # debugfs always exits with 0
        cache.run(["debugfs", "-R", f"dump /{path} {tmp}/seen", image])
        cache.run(["cmp", source, tmp + "/seen"])


def plain_boot(kver, tmp):
    """A plain /boot of the host's, with a forged initramfs by the kernel's name."""
    top = tmp + "/initramfs"
    for name in ("bin", "etc", "dev", "proc", "sys", "run", "oldroot"):
        os.makedirs(f"{top}/{name}")
    cache.run(["cp", attack.init(), top + "/shutdown"])
    disk.write(top + "/etc/initrd-release", attack.OS_RELEASE)
    os.mkdir(tmp + "/top")
    cache.run(["sh", "-c", 'cd "$0" && find . | cpio -o -H newc --quiet | gzip > "$1"', top,
               f"{tmp}/top/initrd.img-{kver}"])
    cache.run(["mkfs.ext4", "-q", "-F", "-U", BOOT_UUID, "-L", "boot", "-d", tmp + "/top", tmp + "/boot", f"{BOOT}M"])
    for name in ("/initramfs", "/top"):
        cache.remove(tmp + name)


SWAPS = "tail -n +2 /proc/swaps"
SHUTDOWN = "systemctl show -P ActiveState dracut-shutdown.service; ls /boot"
WARNINGS = "coco-unlock check | sed -n 's/^warning \\([a-z-]*\\) .*/\\1/p'"
# What the control is told to do, if the host's partition is the guest's swap.
OBEYS = ("grep -q '^/dev/vda4 ' /proc/swaps && systemctl poweroff\n",)
ON = (COCO13, COCO12, COCO14)

CASES = [
    Case("real-root", Boot(found=1, checks=((SWAPS, ""),
                                            (SHUTDOWN, r"inactive\n(lost\+found\n)?initrd\.img-.*(\nlost\+found)?"),
                                            (WARNINGS, "lvm\nfstab\nsysrq"))),
         GOOD, (Disk("real", name="cocotab"),), commands=(SWAPS, SHUTDOWN, WARNINGS), end="systemctl poweroff", on=ON),
    Case("real-root-control", ATTACKERS, GOOD, (Disk("real", name="none"),), types=OBEYS, on=ON),
]
