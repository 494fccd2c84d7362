# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own kernel, with the merged efi_secret driver that Debian's kernels leave out.

Built from Debian 12's linux-source-6.1 with `make tinyconfig` and kernel.config, by Debian 12's compiler in a tree of
its own, so that it is the same kernel on every machine. The build directory stays in the cache, so that an interrupted
build goes on where it was and a changed fragment rebuilds little."""

import os
import shutil

from . import cache
from .chroot import HERE, apt_tree, enter

FRAGMENT = os.path.join(HERE, "kernel.config")
SUITE = "bookworm"
SOURCE = "linux-source-6.1"
PACKAGES = [SOURCE] + "gcc make libc6-dev bc bison flex libelf-dev libssl-dev kmod xz-utils zstd".split()
RECIPE = 1


def source():
    """The directory with the source and what builds it: tree/, and its version in version."""
    def build(tmp):
        apt_tree(SUITE, tmp + "/tree", PACKAGES)
        version = cache.run(["dpkg-query", "--admindir", tmp + "/tree/var/lib/dpkg", "-W", "-f", "${Version}", SOURCE])
        with open(tmp + "/version", "w") as f:
            f.write(version)
    return cache.item("kernel-source", cache.key(SUITE, PACKAGES, 1), build, f"the tree with {SOURCE}")


def merged():
    """The directory of the finished kernel: vmlinuz, config, lib/modules/RELEASE, release."""
    base = source()
    with open(base + "/version") as f:
        version = f.read()
    with open(FRAGMENT, "rb") as f:
        fragment = f.read()
    return cache.item("kernel-merged", cache.key(version, fragment, RECIPE),
                      lambda tmp: build(tmp, base + "/tree", version),
                      f"Linux {version} with efi_secret (8 minutes on 2 cores)")


def unpack(tools, version):
    tree = cache.path("build", f"linux-{version}")
    if not os.path.isdir(tree):
        cache.say(f"unpacking {SOURCE}")
        tmp = tree + ".tmp"
        cache.remove(tmp)
        os.makedirs(tmp)
        enter(tools, f"tar -xf /usr/src/{SOURCE}.tar.xz -C /mnt --strip-components=1", [(tmp, "/mnt")])
        os.rename(tmp, tree)
    return tree


def wanted(fragment):
    """The lines of the fragment as {option: value}, n for an option that is to be off."""
    for line in open(fragment):
        line = line.strip()
        if line.startswith("CONFIG_"):
            name, value = line.split("=", 1)
            yield name, value
        elif line.endswith(" is not set"):
            yield line.split()[1], "n"


def check_config(config, fragment):
    """Kconfig drops silently what it cannot satisfy: every line of the fragment must have survived."""
    have = dict(wanted(config))
    lost = [f"{k}={v}" for k, v in wanted(fragment) if have.get(k, "n") != v]
    if lost:
        raise cache.LabError("the kernel configuration lost: " + " ".join(lost))


def build(out, tools, version):
    tree = unpack(tools, version)
    log = cache.path("build", "kernel.log")
    binds = [(tree, "/mnt"), (out, "/srv")]
    make = "make -C /mnt KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab "
    config = os.path.join(tree, ".config")
    enter(tools, make + "tinyconfig", binds, log)
    with open(config, "a") as f, open(FRAGMENT) as fragment:
        f.write(fragment.read())
    enter(tools, make + "olddefconfig", binds, log)
    check_config(config, FRAGMENT)
    enter(tools, make + f"-j{os.cpu_count()} bzImage modules", binds, log, title="kernel")
    enter(tools, make + "INSTALL_MOD_PATH=/srv INSTALL_MOD_STRIP=1 modules_install; rm -f /srv/lib/modules/*/build "
          "/srv/lib/modules/*/source; " + make + "-s --no-print-directory kernelrelease > /srv/release", binds, log)
    shutil.copy(tree + "/arch/x86/boot/bzImage", out + "/vmlinuz")
    shutil.copy(config, out + "/config")
