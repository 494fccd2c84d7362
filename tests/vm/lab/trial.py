# SPDX-License-Identifier: GPL-2.0-or-later
"""The subcommand `try`: boots a disk, a secret table, a kernel and an initramfs of the user's, as the lab boots its
own, with the terminal as the guest's console. It judges nothing and keeps nothing; the disk is not written to."""

import contextlib
import os
import selectors
import signal
import sys
import termios
import tty

from . import cache, firmware, vm


def add_arguments(parser):
    parser.add_argument("--kernel", required=True, help="as it is given to QEMU")
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--append", required=True, help="the kernel command line")
    parser.add_argument("--memory", type=int, default=1024, help="of the guest, in MiB (1024)")
    parser.add_argument("disk", help="its only disk, raw")
    parser.add_argument("table", help="the secret table, as coco-secret prepare writes it")


def run(args):
    for path in (args.kernel, args.initrd, args.disk, args.table):
        if not os.access(path, os.R_OK):
            raise cache.LabError(f"{path}: cannot be read")
    with open(args.table, "rb") as f:
        secret = f.read()
    kernel = os.path.abspath(args.kernel)
    vm.accelerator(lambda: kernel)
    machine = vm.VM(firmware.get(), kernel, args.initrd, args.append, secret, [(args.disk, "raw")], ram=args.memory)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with terminal(), machine:
            with contextlib.suppress(ValueError, PermissionError):      # no input, or a file
                machine.selector.register(sys.stdin, selectors.EVENT_READ, lambda: forward(machine))
            follow(machine)
            reason = machine.reason()
    except KeyboardInterrupt:
        reason = "interrupt"
    cache.say(f"the machine ended by {reason}")
    return 0 if reason == "poweroff" else 1


@contextlib.contextmanager
def terminal():
    """Each key is passed on as it is pressed; the guest, not the terminal, shows it."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def forward(machine):
    text = os.read(sys.stdin.fileno(), 4096)
    if text:
        machine.type(text.decode(errors="replace"))
    else:
        machine.selector.unregister(sys.stdin)


def follow(machine):
    """Shows the console until the machine ends."""
    shown = 0
    while machine.ended is None and machine.reason() == "running":
        machine.pump(1)
        sys.stdout.write(machine.console[shown:])
        sys.stdout.flush()
        shown = len(machine.console)
