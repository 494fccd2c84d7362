# SPDX-License-Identifier: GPL-2.0-or-later
"""Guest trees: Debian 12, 13 and testing user lands made by mmdebstrap, the project built and installed in them, and
the initramfs that their own dracut makes. Nothing of the machine that runs the lab ends up in a guest."""

import concurrent.futures
import functools
import glob
import os
import shutil
import subprocess

from . import cache, kernel
from .chroot import HERE, apt_tree, enter

TOP = os.path.dirname(HERE)
PROJECT = os.path.dirname(TOP) if os.path.basename(TOP) == "tests" else TOP
GUEST_FILES = os.path.join(HERE, "guest")
SUITES = {"d12": "bookworm", "d13": "trixie", "d14": "forky"}
BUILD_PACKAGES = ("gcc make pkgconf libc6-dev libcryptsetup-dev libkmod-dev libblkid-dev libjson-c-dev "
                  "libssl-dev libfdisk-dev linux-headers-cloud-amd64 scdoc xz-utils zstd kmod").split()
ROOT_PACKAGES = ("systemd systemd-sysv udev dracut kmod libcryptsetup12 libblkid1 libkmod2 libjson-c5 dmsetup "
                 "e2fsprogs linux-image-cloud-amd64 cryptsetup-bin strace zstd cpio btrfs-progs lvm2").split()
# Makes a disk that the owner's tool then prepares; bookworm's cannot without device-mapper.
REPART_PACKAGES = {"trixie": ["systemd-repart"], "forky": ["systemd-repart"]}
# The recipe that the lab boots for comparison; in bookworm this is part of systemd.
RECIPE_PACKAGES = {"trixie": ["systemd-cryptsetup"], "forky": ["systemd-cryptsetup"]}
# Not unpacked into the trees. A stub takes the place of dracut's hook, or installing the kernel makes an initramfs.
EXCLUDE = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/i18n/*",
           "/etc/kernel/postinst.d/dracut"]
OMIT_DRACUT = ("network network-legacy network-manager systemd-networkd systemd-resolved ifcfg nfs nbd iscsi fcoe "
               "fcoe-uefi cifs multipath lvm mdraid btrfs crypt plymouth i18n biosdevname memstrack qemu-net "
               "systemd-hostnamed systemd-timedated systemd-timesyncd systemd-portabled rngd resume hwdb "
               "kernel-network-modules dmraid lunmask pcsc tpm2-tss bluetooth nvmf squash warpclock usrmount "
               "systemd-pcrphase systemd-cryptsetup systemd-repart systemd-coredump convertfs")
DRACUT_STUB = ('--essential-hook=d="$1/etc/kernel/postinst.d"; mkdir -p "$d"; echo "#!/bin/sh" > "$d/dracut"; '
               'chmod 755 "$d/dracut"')
RECIPE = 5


def trees(guest):
    """The directory of a guest's two trees, build/ and root/, and the release of their kernel in kver."""
    suite = SUITES[guest]
    return cache.item(f"trees-{guest}", cache.key(suite, build_packages(suite), root_packages(suite), EXCLUDE, 1),
                      lambda tmp: make_trees(suite, tmp), f"the {suite} trees")


def build_packages(suite):
    return BUILD_PACKAGES + REPART_PACKAGES.get(suite, [])


def root_packages(suite):
    return ROOT_PACKAGES + RECIPE_PACKAGES.get(suite, [])


def stock_kernel(guest):
    """The file of a guest's own kernel, without the project."""
    return only(trees(guest) + "/root/boot/vmlinuz-*")


def make_trees(suite, tmp):
    exclude = [f"--dpkgopt=path-exclude={p}" for p in EXCLUDE]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(apt_tree, suite, tmp + "/root", root_packages(suite), exclude + [DRACUT_STUB]),
                pool.submit(apt_tree, suite, tmp + "/build", build_packages(suite), exclude)]
        for job in jobs:
            job.result()
    image = only(tmp + "/root/boot/vmlinuz-*")
    kver = os.path.basename(image).removeprefix("vmlinuz-")
    if not os.path.isdir(f"{tmp}/build/usr/src/linux-headers-{kver}"):
        raise cache.LabError(f"{suite}: the headers in the build tree are not those of {kver}")
    with open(tmp + "/kver", "w") as f:
        f.write(kver + "\n")


def only(pattern):
    found = glob.glob(pattern)
    if len(found) != 1:
        raise cache.LabError(f"expected one {pattern}, found {len(found)}")
    return found[0]


def read(path):
    with open(path) as f:
        return f.read().strip()


def copy_tree(source, target):
    """A copy that shares the files; only for trees whose files are replaced, never written in place."""
    cache.run(["cp", "-al", source, target])


def add_files(source, target):
    """Install files over a tree: replaces, never writes through a shared copy; /lib stays the link it is."""
    cache.run(["sh", "-ec", 'tar -C "$0" -cf - . | tar -C "$1" -xf - --keep-directory-symlink --no-overwrite-dir',
               source, target])


def project_files():
    """The files of the project that end up in a guest, as {path: absolute path}: what git would commit."""
    done = subprocess.run(["git", "-C", PROJECT, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard",
                           "-z"], capture_output=True, text=True)
    if done.returncode:
        names = [os.path.relpath(os.path.join(d, f), PROJECT) for d, _, fs in os.walk(PROJECT) for f in fs]
    else:
        names = done.stdout.split("\0")
    wanted = ("Makefile", "tests/needs.sh", "src/", "dracut/", "mkinitramfs/", "units/", "conf/")
    return {n: os.path.join(PROJECT, n) for n in sorted(names)
            if n.startswith(wanted) and os.path.isfile(os.path.join(PROJECT, n))}


@functools.cache
def project_key():
    """A hash of these files; taken once, so that a run stays with the project it began with."""
    parts = []
    for name, path in project_files().items():
        with open(path, "rb") as f:
            parts.append((name, os.access(path, os.X_OK), f.read()))
    return cache.key(*parts)


def project(guest):
    """The directory with what the project adds to a guest, out/."""
    base = trees(guest)
    return cache.item(f"project-{guest}", cache.key(base, project_key(), RECIPE),
                      lambda tmp: make_project(base, tmp), f"the project in {SUITES[guest]}")


def make_project(base, tmp):
    """The project as a user builds and installs it, in the guest's build tree."""
    log = tmp + "/build.log"
    for name, path in project_files().items():
        os.makedirs(os.path.dirname(f"{tmp}/src/{name}"), exist_ok=True)
        shutil.copy2(path, f"{tmp}/src/{name}")
    enter(base + "/build", "cd /mnt && make && make install DESTDIR=/mnt/out PREFIX=/usr && "
          f"make install-module KVER={read(base + '/kver')} DESTDIR=/mnt/out",
          [(tmp + "/src", "/mnt")], log)
    os.rename(tmp + "/src/out", tmp + "/out")
    cache.remove(tmp + "/src")


TOOLS = ("headers", "measure")


def tools(guest):
    """The directory with the lab's own programs for the real root of a guest."""
    def build(tmp):
        for name in TOOLS:
            shutil.copy(f"{GUEST_FILES}/{name}.c", tmp)
        enter(base + "/build", "cd /mnt; for name in " + " ".join(TOOLS) + "; do "
              "gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s -o $name $name.c; rm $name.c; done",
              [(tmp, "/mnt")])
    base = trees(guest)
    return cache.item(f"tools-{guest}", cache.key(base, *(read(f"{GUEST_FILES}/{name}.c") for name in TOOLS), RECIPE),
                      build, f"the lab's programs for {SUITES[guest]}")


def system(guest, kernel_name):
    """The directory of a guest with the project and one kernel (stock, or merged: the lab's own with efi_secret):
    tree/ is the root, vmlinuz the kernel, kver its release."""
    base, added = trees(guest), project(guest)
    extra = kernel.merged() if kernel_name == "merged" else None
    return cache.item(f"system-{guest}-{kernel_name}", cache.key(base, extra, added, SYSCTL, RECIPE),
                      lambda tmp: make_system(base, added, extra, tmp),
                      f"the root tree of {guest}, {kernel_name} kernel")


def bare(guest):
    """The same with the stock kernel, and with nothing of the project but its kernel module."""
    base = trees(guest)
    where = f"lib/modules/{read(base + '/kver')}/updates"
    with open(f"{project(guest)}/out/{where}/coco_secret.ko", "rb") as f:
        module = f.read()

    def build(tmp):
        os.makedirs(f"{tmp}/added/out/{where}")
        with open(f"{tmp}/added/out/{where}/coco_secret.ko", "wb") as f:
            f.write(module)
        make_system(base, tmp + "/added", None, tmp)
        cache.remove(tmp + "/added")
    return cache.item(f"bare-{guest}", cache.key(base, module, SYSCTL, RECIPE), build,
                      f"the root tree of {guest} without the project")


# Initramfs and root put each program at the same address in every process. Emulation translates code for an address:
# with random ones it begins anew with each process, which takes half of the time of a session.
SYSCTL = ("00-lab.conf", "kernel.randomize_va_space = 0\n")


def make_system(base, added, extra, tmp):
    copy_tree(base + "/root", tmp + "/tree")
    add_files(added + "/out", tmp + "/tree")
    release = read((extra + "/release") if extra else (base + "/kver"))
    if extra:
        cache.run(["cp", "-a", extra + "/lib/modules/.", tmp + "/tree/usr/lib/modules/"])
        shutil.copy(extra + "/vmlinuz", tmp + "/vmlinuz")
    else:
        shutil.copy(f"{base}/root/boot/vmlinuz-{release}", tmp + "/vmlinuz")
    enter(tmp + "/tree", f"depmod {release}")
    replace_file(f"{tmp}/tree/usr/lib/sysctl.d/{SYSCTL[0]}", SYSCTL[1])
    with open(tmp + "/kver", "w") as f:
        f.write(release + "\n")


def initramfs(guest, kernel_name, config=None, drop=(), force=False, files=None, recipe=False, modules=(), full=False):
    """The initramfs a guest's own dracut makes for a kernel. config: {file under /etc/coco-unlock: text};
    drop: kernel modules deleted from the tree before; force: build what the dracut module would refuse;
    files: {path: text} of more files in the image, None for a program of the tree;
    recipe: crypttab and systemd-cryptsetup instead of coco-unlock; modules: dracut modules that are otherwise left
    out; full: none is left out."""
    base = bare(guest) if recipe else system(guest, kernel_name)
    files = dict(RECIPE_FILES if recipe else {}, **(files or {}))
    name = f"{'recipe' if recipe else 'initramfs'}-{guest}-{kernel_name}"
    directory = cache.item(name, cache.key(base, config or {}, sorted(drop), force, DRACUT, OMIT_DRACUT,
                                           *([files, recipe, modules] if files or modules else []),
                                           *(["full"] if full else [])),
                           lambda tmp: make_initramfs(base, config or {}, drop, force, files, recipe, modules, full,
                                                      tmp))
    return directory + "/initrd"


def has(guest, initrd, parts):
    """Which of these parts of names are in an initramfs of dracut's, as lsinitrd of the guest lists it."""
    wanted = " ".join(f"-e '{part}'" for part in parts)
    return enter(trees(guest) + "/root", f"lsinitrd /mnt/initrd >/run/list; grep -oF {wanted} /run/list | sort -u",
                 [(os.path.dirname(initrd), "/mnt")]).split("\n")


def standalone(guest, kernel_name, conf, config=None, files=None, level=3):
    """The initramfs of its own that coco-mkinitramfs makes for a kernel. conf: what coco-unlock.conf has besides;
    config and files as for initramfs(); level: of the compression."""
    base = system(guest, kernel_name)
    build = trees(guest) + "/build"
    config = dict({"coco-unlock.conf": ""}, **(config or {}))
    config["coco-unlock.conf"] += conf
    directory = cache.item(f"standalone-{guest}-{kernel_name}",
                           cache.key(base, config, files or {}, 1, *([level] if level != 3 else [])),
                           lambda tmp: make_standalone(base, build, config, files or {}, level, tmp))
    return directory + "/initrd"


def make_standalone(base, build, config, files, level, tmp):
    tree = tmp + "/tree"
    copy_tree(base + "/tree", tree)
    for name, text in config.items():
        replace_file(f"{tree}/etc/coco-unlock/{name}", text)
    for path, text in files.items():
        replace_file(tree + path, text)
    try:
        # The compiler's tree has the programs that look into others; the rest is in the guest's.
        enter(build, "PATH=$PATH:/mnt/tree/usr/bin; "
              f"coco-mkinitramfs --level={level} --root=/mnt/tree --kernel={read(base + '/kver')} -o /mnt/initrd",
              [(tmp, "/mnt")], tmp + "/mkinitramfs.log")
    finally:
        cache.remove(tree)


DRACUT = ("dracut --force --no-hostonly --no-hostonly-cmdline --no-early-microcode --reproducible --nomdadmconf "
          "--nolvmconf --drivers 'virtio_blk virtio_pci ext4' --compress 'zstd -9 -q -T0'")
# The recipe people use today: crypttab names the entry that the kernel publishes as the key file.
CRYPTTAB = ("root UUID=5c0c0a7e-0001-4000-8000-000000000001 "
            "/sys/kernel/security/secrets/coco/736869e5-84f0-4973-92ec-06879ce3da0b keyfile-erase,luks\n")
RECIPE_FILES = {
    "/etc/crypttab": CRYPTTAB,
    "/etc/systemd/system/systemd-cryptsetup@root.service.d/modules.conf":
    "[Unit]\nAfter=systemd-modules-load.service\n",
    "/etc/modules-load.d/secret.conf": "coco_secret\n",
    "/etc/modprobe.d/secret.conf": "install coco_secret /sbin/modprobe --ignore-install coco_secret "
                                   "config_table=$(cat /sys/firmware/efi/config_table)\n"}
RECIPE_MODULES = {"d12": "crypt systemd-modules-load", "d13": "crypt systemd-cryptsetup systemd-modules-load"}


def make_initramfs(base, config, drop, force, files, recipe, modules, full, tmp):
    kver = read(base + "/kver")
    tree = tmp + "/tree"
    copy_tree(base + "/tree", tree)
    for name, text in config.items():
        replace_file(f"{tree}/etc/coco-unlock/{name}", text)
    for path, text in files.items():
        if text is not None:
            replace_file(tree + path, text)
    steps = [f"find /usr/lib/modules/{kver} -name '{module.replace('_', '[-_]')}.ko*' -delete" for module in drop]
    if drop:
        steps.append(f"depmod {kver}")
    add = ["--add coco-unlock"]
    if recipe:
        guest = os.path.basename(base).split("-")[1]
        modules = (*modules, *RECIPE_MODULES[guest].split())
        add = [f"--add '{RECIPE_MODULES[guest]}' --add-drivers 'efi_secret coco_secret'"]
    add += [f"--add {m}" for m in modules] + [f"--install {path}" if text is None else f"--include {path} {path}"
                                                 for path, text in files.items()]
    omit = "" if full else " ".join(m for m in OMIT_DRACUT.split() if m not in modules)
    steps.append(f"{DRACUT} {' '.join(add)} --omit '{omit}' --kver {kver} /mnt/initrd {kver}")
    log = tmp + "/dracut.log"
    try:
        enter(tree, "; ".join(steps), [(tmp, "/mnt")], log, {"COCO_UNLOCK_FORCE": "1"} if force else None)
    finally:
        cache.remove(tree)


def replace_file(path, text):
    """Write a file of a tree; never through the copy that it shares with other trees."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "w") as f:
        f.write(text)
