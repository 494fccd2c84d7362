# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees of Debian: made by mmdebstrap from the archive, whatever Debian the machine has itself, and entered."""

import os

from . import cache

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def apt_tree(suite, directory, packages, extra=(), variant="essential"):
    """One mmdebstrap call; names no mirror, so the machine's own apt configuration decides."""
    argv = ["unshare", "--mount", "--propagation", "private", "mmdebstrap",
            "--aptopt=Acquire::Check-Valid-Until \"false\"", "--variant=" + variant,
            "--include=" + ",".join(packages), *extra, suite, directory]
    log = cache.path("build", f"mmdebstrap-{suite}-{os.path.basename(directory)}.log")
    if os.path.exists(log):
        os.unlink(log)
    cache.run(argv, log, title=suite)


def enter(tree, script, binds=(), log=None, env=None, title=None):
    """Run a shell script inside a tree, in a mount namespace of its own; binds: (outside, inside) directories."""
    mounts = ['mount -t proc proc "$0/proc"', 'mount --bind /dev "$0/dev"', 'mount -t sysfs -o ro sysfs "$0/sys"',
              'mount -t tmpfs tmpfs "$0/run"']
    for outside, inside in binds:
        mounts.append(f'mkdir -p "$0{inside}"; mount --bind "{outside}" "$0{inside}"')
    whole = "set -e; " + "; ".join(mounts) + '; exec chroot "$0" /bin/sh -ec "$1"'
    env = dict(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root", TMPDIR="/tmp", **(env or {}))
    return cache.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", whole, tree, script], log,
                     env=env, title=title)
