# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks: the encrypted root of a real Debian, variants of it with another key, and small volumes for the tests.

Nothing here needs a device: the file system is made from a directory and encrypted in place in user space."""

import hashlib
import os
import shutil
import tempfile

from . import cache, table, tree

PBKDF = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
HEADER = 16 << 20
ROOT_UUID = "5c0c0a7e-0001-4000-8000-000000000001"
ROOT_FS_UUID = "5c0c0a7e-0003-4000-8000-000000000001"
STATE = "/var/lib/lab-state"
# Not on the disk: what only the initramfs or an interactive system uses.
TRIM = ("boot/* usr/lib/modules/* usr/share/doc usr/share/perl* usr/share/zoneinfo usr/share/bash-completion "
        "usr/lib/dracut usr/share/keyrings var/lib/apt var/cache/* var/lib/dpkg/info var/log/* usr/lib/udev/hwdb.bin "
        "usr/lib/udev/hwdb.d usr/share/common-licenses usr/lib/x86_64-linux-gnu/perl* usr/bin/perl*").split()
MASKED = ("getty.target getty@tty1.service serial-getty@ttyS0.service systemd-hwdb-update.service "
          "e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer multipathd.service "
          "systemd-timesyncd.service systemd-pcrmachine.service lvm2-monitor.service lvm2-lvmpolld.socket "
          "blk-availability.service dm-event.socket "
          # No claim rests on these, and each is processes; modules and device nodes are there from the initramfs.
          "modprobe@.service kmod-static-nodes.service systemd-modules-load.service systemd-tmpfiles-setup-dev.service "
          "systemd-tmpfiles-setup-dev-early.service systemd-tmpfiles-clean.timer systemd-random-seed.service "
          "systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-user-sessions.service "
          "systemd-journal-flush.service systemd-remount-fs.service dev-hugepages.mount dev-mqueue.mount "
          "sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount "
          "run-lock.mount proc-sys-fs-binfmt_misc.automount systemd-udev-load-credentials.service "
          # Generators that look for what is not there. Those that could wait for our devices stay.
          "systemd-debug-generator systemd-getty-generator systemd-hibernate-resume-generator "
          "systemd-integritysetup-generator systemd-rc-local-generator systemd-run-generator systemd-ssh-generator "
          "systemd-system-update-generator systemd-sysv-generator systemd-tpm2-generator "
          "systemd-veritysetup-generator").split()
RECIPE = 8


def with_file(tmp, name, data):
    path = f"{tmp}/{name}"
    with open(path, "wb") as f:
        f.write(data)
    return path


def root(guest, kernel_name, key, btrfs=False, bare=False):
    """The image file of a guest's root, opened by `key`; of ext4 unless btrfs is asked for. bare: without the project
    in it."""
    source = plain(guest, kernel_name, btrfs, bare)

    def build(tmp):
        cache.run(["cp", "--sparse=always", source, tmp + "/disk"])
        encrypt(tmp, key, tmp + "/disk", ROOT_UUID)
    return cache.item(f"{'bare-' * bare}disk-{guest}-{kernel_name}", cache.key(source, key, RECIPE), build,
                      f"the encrypted root of {guest}, {kernel_name} kernel") + "/disk"


def plain(guest, kernel_name, btrfs=False, bare=False):
    """The same, not encrypted."""
    system, tools = tree.bare(guest) if bare else tree.system(guest, kernel_name), tree.tools(guest)
    return cache.item(f"{'bare-' * bare}plain-{guest}-{kernel_name}",
                      cache.key(system, tools, guest_files(), TRIM, MASKED, btrfs, RECIPE),
                      lambda tmp: make_plain(system, tools, btrfs, tmp),
                      f"the root of {guest}, {kernel_name} kernel") + "/disk"


def guest_files():
    """(name, content) of what runs inside the guests."""
    return [(n, open(os.path.join(tree.GUEST_FILES, n), "rb").read()) for n in sorted(os.listdir(tree.GUEST_FILES))]


def guest_tree(system, tools, top):
    """The directory that a guest's root is made of."""
    tree.copy_tree(system + "/tree", top)
    cache.run(["sh", "-c", "cd \"$1\" && rm -rf " + " ".join(TRIM), "sh", top])
    release = tree.read(system + "/kver")
    keep_modules(f"{system}/tree/usr/lib/modules/{release}", f"{top}/usr/lib/modules/{release}")
    tree.enter(top, f"depmod {release}")
    install_guest_files(top)
    for name in tree.TOOLS:
        shutil.copy(f"{tools}/{name}", top + "/usr/lib/coco-lab/")


def make_plain(system, tools, btrfs, tmp):
    top = tmp + "/tree"
    guest_tree(system, tools, top)
    if btrfs:
        make_btrfs(system + "/tree", top, tmp + "/disk", size_mib(top) + 64)
    else:
        # Blocks of 4 KiB, as on any larger disk: they fit encryption sectors of 512 and of 4096 bytes.
        cache.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-d", top, "-L", "lab-root", "-U", ROOT_FS_UUID, "-m", "0",
                   tmp + "/disk", f"{size_mib(top)}M"])
    cache.remove(top)


def make_btrfs(tools, top, image, mib):
    """A btrfs of the directory `top`, made by mkfs.btrfs of the guest tree `tools`."""
    with open(image, "wb") as f:
        f.truncate(mib << 20)
    tree.enter(tools, "mkfs.btrfs -q -f -m single -d single -n 4096 -U " + ROOT_FS_UUID + " -L lab-root --rootdir /mnt "
               "/srv/" + os.path.basename(image), [(top, "/mnt"), (os.path.dirname(image), "/srv")])


def keep_modules(source, target):
    """The secret modules, device-mapper and ciphers; the rest was loaded in the initramfs."""
    os.makedirs(target, exist_ok=True)
    for directory, _, files in os.walk(source):
        for name in files:
            if name.startswith(("efi_secret.ko", "coco_secret.ko", "dm-crypt.ko", "dm-mod.ko", "dm-integrity.ko",
                                "dm-bufio.ko")) or "/crypto" in directory:
                there = os.path.join(target, os.path.relpath(directory, source))
                os.makedirs(there, exist_ok=True)
                shutil.copy(os.path.join(directory, name), there)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if os.path.exists(f"{source}/{name}"):
            shutil.copy(f"{source}/{name}", target)


def install_guest_files(top):
    units = top + "/etc/systemd/system"
    generators = top + "/etc/systemd/system-generators"
    for directory in (top + "/usr/lib/coco-lab", generators):
        os.makedirs(directory, exist_ok=True)
    for name in os.listdir(tree.GUEST_FILES):
        shutil.copy(os.path.join(tree.GUEST_FILES, name),
                    units if name.endswith((".service", ".target")) else top + "/usr/lib/coco-lab/")
    link(units + "/default.target", "coco-lab.target")
    for unit in MASKED:
        link(f"{generators if unit.endswith('-generator') else units}/{unit}", "/dev/null")
    write(top + "/etc/fstab", "# the root comes from the kernel command line\n")
    write(top + "/etc/machine-id", "0c0c0a7e000140008000000000000001\n")
    write(top + "/etc/hostname", "lab\n")
    # One block that a case writes to, and the host then brings back.
    write(top + STATE, "old state\n" * 200)
    for stamp in ("etc/.updated", "var/.updated"):
        write(f"{top}/{stamp}", "")


def write(path, text):
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "w") as f:
        f.write(text)


def link(path, target):
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(target, path)


def size_mib(top):
    size = 0
    for directory, _, files in os.walk(top):
        size += sum(4096 + os.lstat(os.path.join(directory, f)).st_size for f in files)
    return int(size * 1.12 / (1 << 20)) + 48


def encrypt(tmp, key, image, uuid):
    """Encrypt an image in place; leaves a header of 16 MiB before the data."""
    with open(image, "ab") as f:
        f.truncate(f.tell() + 2 * HEADER)
    with cache.lock("reencrypt"):   # cryptsetup refuses a second one of the same UUID at the same time
        cache.run(["cryptsetup", "reencrypt", "--encrypt", "--batch-mode", "--reduce-device-size", "32M",
                   "--force-offline-reencrypt", "--sector-size", "512", "--cipher", "aes-xts-plain64",
                   "--key-size", "512", "--uuid", uuid, *PBKDF, "--key-file", with_file(tmp, "key", key), image])
    os.unlink(tmp + "/key")


def volume_key(image, key):
    """The volume key of an image, told by cryptsetup."""
    with tempfile.TemporaryDirectory() as tmp:
        cache.run(["cryptsetup", "luksDump", "--batch-mode", "--dump-volume-key",
                   "--volume-key-file", tmp + "/volume-key", "--key-file", with_file(tmp, "key", key), image])
        with open(tmp + "/volume-key", "rb") as f:
            return f.read()


def header_pin(image):
    """What the owner pins of a header: SHA-256 over both copies."""
    with open(image, "rb") as f:
        return hashlib.sha256(f.read(32768)).hexdigest()


def small(kind, key, name="vol"):
    """A small volume: kind luks2, luks1, ext4 or blank, with a UUID made from its name."""
    return cache.item(f"volume-{kind}", cache.key(kind, key, name, RECIPE),
                      lambda tmp: make_small(kind, key, name, tmp), f"a small {kind} volume") + "/disk"


def uuid_of(name):
    """The UUID of the small volume of this name."""
    return f"5c0c0a7e-0002-4000-8000-{table.secret('uuid ' + name, 6).hex()}"


def make_small(kind, key, name, tmp):
    image = tmp + "/disk"
    with open(image, "wb") as f:
        f.truncate(20 << 20)
    if kind == "ext4":
        cache.run(["mkfs.ext4", "-q", "-F", "-U", uuid_of(name), image])
    elif kind != "blank":
        sector = ["--sector-size", "512"] if kind == "luks2" else []
        cache.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", kind, "--cipher", "aes-xts-plain64",
                   "--key-size", "512", "--uuid", uuid_of(name), *sector, *PBKDF,
                   "--key-file", with_file(tmp, "key", key), image])
        os.unlink(tmp + "/key")
