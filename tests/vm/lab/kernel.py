# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own kernel, with the merged efi_secret driver that Debian's kernels leave out.

Built from the Debian package linux-source-6.1 with `make tinyconfig` and kernel.config. The build directory
stays in the cache, so that an interrupted build goes on where it was and a changed fragment rebuilds little."""

import glob
import os
import shutil
import subprocess

from . import cache

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FRAGMENT = os.path.join(HERE, "kernel.config")
SOURCE = "/usr/src/linux-source-6.1.tar.xz"
RECIPE = 1


def source_version():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "linux-source-6.1"],
                          capture_output=True, text=True)
    if done.returncode or not os.path.exists(SOURCE):
        raise cache.LabError("linux-source-6.1 is not installed (make deps installs it)")
    return done.stdout.strip()


def merged():
    """The directory of the finished kernel: vmlinuz, config, lib/modules/RELEASE, release."""
    version = source_version()
    with open(FRAGMENT, "rb") as f:
        fragment = f.read()
    return cache.item("kernel-merged", cache.key(version, fragment, RECIPE),
                      lambda tmp: build(tmp, version), f"Linux {version} with efi_secret (8 minutes on 2 cores)")


def unpack(version):
    tree = cache.path("build", f"linux-{version}")
    if not os.path.isdir(tree):
        cache.say(f"unpacking {SOURCE}")
        tmp = tree + ".tmp"
        cache.remove(tmp)
        os.makedirs(tmp)
        cache.run(["tar", "-xf", SOURCE, "-C", tmp, "--strip-components=1"])
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


def build(out, version):
    tree = unpack(version)
    log = cache.path("build", "kernel.log")
    make = ["make", "-C", tree, "KBUILD_BUILD_USER=lab", "KBUILD_BUILD_HOST=lab"]
    config = os.path.join(tree, ".config")
    cache.run(make + ["tinyconfig"], log)
    with open(config, "a") as f, open(FRAGMENT) as fragment:
        f.write(fragment.read())
    cache.run(make + ["olddefconfig"], log)
    check_config(config, FRAGMENT)
    cache.run(make + [f"-j{os.cpu_count()}", "bzImage", "modules"], log, title="kernel")
    cache.run(make + ["INSTALL_MOD_PATH=" + out, "INSTALL_MOD_STRIP=1", "modules_install"], log)
    release = subprocess.run(make[:3] + ["-s", "kernelrelease"], capture_output=True, text=True,
                             check=True).stdout.split()[-1]
    for link in glob.glob(out + "/lib/modules/*/build") + glob.glob(out + "/lib/modules/*/source"):
        os.unlink(link)
    shutil.copy(tree + "/arch/x86/boot/bzImage", out + "/vmlinuz")
    shutil.copy(config, out + "/config")
    with open(out + "/release", "w") as f:
        f.write(release + "\n")
