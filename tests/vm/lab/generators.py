# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host's credentials make of the system manager, before and beside the first of our units: their real names,
each with what it would do. The guard looks at the names alone, and comes after the generators."""

import base64
import os

from . import attack, cache, table, tree
from .case import ATTACKERS, COCO12, COCO13, EVEN, GOOD, ODD, UNGUARDED, Case, Disk, unlock
from .verdict import Boot, Falls, Refuse

# A mount over the folder of our program, in time: the disk has another one of that name.
OVER_US = ("/dev/vdb /usr/bin ext4 ro,x-systemd.required-by=coco-unlock.service,"
           "x-systemd.before=coco-unlock.service 0 0\n")
SAYS = "/bin/sh -c 'echo ATTACKER ROOT >/dev/console'"
# systemd.system-credentials(7); what reads each, up to systemd 257.
CREDENTIALS = {
    "systemd.unit-dropin.systemd-journald.service": f"[Service]\nExecStartPre=-{SAYS}\n",       # debug-generator
    "systemd.extra-unit.systemd-sysctl.service": f"[Service]\nType=oneshot\nExecStart={SAYS}\n",
    "fstab.extra": "/dev/vdb /bin ext4 ro 0 0\n",                                               # fstab-generator
    "getty.ttys.serial": "ttyS0\n",                                                             # getty-generator
    "ssh.listen": "vsock::22\n",                                                                # ssh-generator
    "tmpfiles.extra": "w /dev/console - - - - ATTACKER\\x20ROOT\n",                             # tmpfiles, a service
    "sysctl.extra": "kernel.core_pattern=|/bin/sh\n",                                           # sysctl, the same
    "udev.rules.lab": f'RUN+="{SAYS}"\n',                                                       # udev-load-credentials
    "network.hosts": "10.0.0.1 lab\n", "journal.forward_to_socket": "vsock:2:9999\n",
}


def over_fw_cfg(name, text):
    return ("-fw_cfg", f"name=opt/io.systemd.credentials/{name},string={text.replace(',', ',,')}")


def over_smbios(name, text):
    return ("-smbios", f"type=11,value=io.systemd.credential.binary:{name}={base64.b64encode(text.encode()).decode()}")


def programs():
    """A disk with the attacker's program by the name of ours."""
    def build(tmp):
        os.mkdir(tmp + "/bin")
        cache.run(["cp", attack.init(), tmp + "/bin/coco-unlock"])
        cache.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-d", tmp + "/bin", tmp + "/disk", "8M"])
        cache.remove(tmp + "/bin")
    return attack.item("programs", build, tree.read(__file__))


def credential(name, give, *texts, says=None, **more):
    says = (says or texts[0][0]).replace(".", r"\.")
    return Case(name, Refuse(26, "foreign-credential", says=says), GOOD, (Disk(), Disk(made=programs)),
                qemu=tuple(word for text in texts for word in give(*text)), **more)


FSTAB = ("fstab.extra.initrd", OVER_US)
# systemd asks its environment where generators are. The wrappers and masks are in /etc.
NO_WRAPPERS = dict(cmdline=("SYSTEMD_GENERATOR_PATH=/usr/lib/systemd/system-generators",), config=UNGUARDED,
                   on=(COCO13,))
# Something of the real root's fstab is mounted in the initramfs: systemd-fstab-generator by its other name, which
# Debian 12 gives it as argv[0], and 13 by a link.
WRITE = "echo '/dev/mapper/root /opt ext4 x-initrd.mount 0 0' >> /etc/fstab; sync; grep -c /opt /etc/fstab"
MOUNTED = "journalctl -b -o cat -u sysroot-opt.mount | grep -c '^Mounted'; findmnt -n -o SOURCE /opt"
CASES = [
    credential("credential-fw-cfg", over_fw_cfg, FSTAB, on=EVEN),
    credential("credential-smbios", over_smbios, FSTAB, on=ODD),
    credential("credential-others", over_smbios, *CREDENTIALS.items(), on=EVEN,
               says=f"({'|'.join(CREDENTIALS)})"),
    # Without the wrapper. Debian 12's systemd does not know this credential.
    Case("credential-control", ATTACKERS, GOOD, (Disk(), Disk(made=programs)), qemu=over_fw_cfg(*FSTAB),
         limit=150, **NO_WRAPPERS),
    Case("credential-others-control", Falls("ATTACKER ROOT"), GOOD, limit=150,
         qemu=sum((over_smbios(*c) for c in list(CREDENTIALS.items())[:1]), ()), **NO_WRAPPERS),
    Case("fstab-initrd", Boot(found=1, checks=((WRITE, "1"),)), GOOD, commands=(WRITE,), on=ODD, then=(
        Case("mounted", Boot(found=1, checks=((MOUNTED, "1\n/dev/mapper/root"),)), GOOD, commands=(MOUNTED,)),)),
    # A job that waits too long does not say for what.
    Case("long-fsck", Refuse(22, "aborted", says="systemd-fsck-root.service is still at work"), GOOD, on=ODD, idle=True,
         config=unlock(Timeout="10s", RootTimeout="60s"), files={
             "/etc/systemd/system/systemd-fsck-root.service.d/60-lab.conf":
                 "[Service]\nExecStart=\nExecStart=/usr/bin/sleep 9999\n"}),
]
