# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark of a whole boot: from the kernel's start to the first instruction of the real root, by the kernel's
own clock, by turns: a plain root that a do-nothing /init mounts, which is the floor; the same with all that our image
has beside it, which the kernel has to unpack; an initramfs of our own; dracut's, with systemd and coco-unlock; and
dracut's with today's recipe. Kernel, machine, command line and what lies on the disk are the same. Beside it: what
images of our own weigh.

The floor loads what ours loads for the devices of this machine: the driver of the disk, and no more."""

import json
import os
import re
import shutil
import statistics

from . import cache, cases, disk, firmware, lvm, observe, tree, vm

GUEST, KERNEL = "d13", "stock"
PROGRAMS = ("floor", "first")
DRIVER = "virtio_blk"
DISK_MIB = 64
LEVEL = 19                      # what coco-mkinitramfs takes by itself
LIMIT = 600                     # seconds for a boot
FIRST = r"LAB first$"
FLOOR, LOADED, OWN = "plain root, the floor", "floor, our image's files", "own initramfs"
DRACUT, TODAY = "dracut, coco-unlock", "dracut, today's recipe"
AIM = 1.15
RECIPE = 1
MB = 1000000

EXT4 = "[Root]\nType=ext4\nOptions=rw\n"
# (name, configuration, limit in MB or None)
IMAGES = (("ext4", EXT4, 5.3), ("ext4, e2fsck", EXT4 + "Fsck=yes\n", 5.7),
          ("xfs", "[Root]\nType=xfs\nOptions=rw\n", 7.2), ("btrfs", "[Root]\nType=btrfs\nOptions=rw\n", 7.2),
          ("xfs and btrfs", "[Root]\nType=xfs\nOptions=rw\n[Image]\nModules=btrfs\n", 7.2),
          ("ext4 on LVM", EXT4 + f"Device={lvm.ROOT}\n", None))


# what is booted

def programs():
    """The directory with the static programs floor and first."""
    base = tree.trees(GUEST)

    def build(tmp):
        for name in PROGRAMS:
            shutil.copy(f"{tree.GUEST_FILES}/{name}.c", tmp)
        tree.enter(base + "/build", "cd /mnt; for name in " + " ".join(PROGRAMS) + "; do gcc -std=gnu11 -D_GNU_SOURCE "
                   "-O2 -Wall -Wextra -Werror -static -s -o $name $name.c; rm $name.c; done", [(tmp, "/mnt")])
    sources = [tree.read(f"{tree.GUEST_FILES}/{name}.c") for name in PROGRAMS]
    return cache.item("bench-programs", cache.key(base, sources, RECIPE), build)


def plain_disk():
    """The root, not encrypted. What systemd's switch-root takes for an operating system, and no more."""
    first = programs() + "/first"

    def build(tmp):
        top = tmp + "/tree"
        for name in "dev proc sys run tmp sbin etc usr/lib usr/bin var".split():
            os.makedirs(f"{top}/{name}")
        shutil.copy(first, top + "/sbin/init")
        disk.write(top + "/etc/os-release", "ID=lab\nPRETTY_NAME=lab\n")
        cache.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-U", disk.ROOT_FS_UUID, "-d", top,
                   tmp + "/disk", f"{DISK_MIB}M"])
        cache.remove(top)
    return cache.item("bench-plain", cache.key(first, RECIPE), build) + "/disk"


def encrypted_disk():
    """The same, encrypted as the lab's other disks."""
    source = plain_disk()

    def build(tmp):
        cache.run(["cp", "--sparse=always", source, tmp + "/disk"])
        disk.encrypt(tmp, cases.KEY, tmp + "/disk", disk.ROOT_UUID)
    return cache.item("bench-disk", cache.key(source, cases.KEY, RECIPE), build) + "/disk"


def own_image(conf=EXT4):
    return tree.standalone(GUEST, KERNEL, conf, level=LEVEL)


def floor_image(loaded=False):
    """The image of the do-nothing /init. Its module is that of the own image; what leads to the disk besides is built
    in. loaded: with the files of the own image beside it."""
    program, system, own = programs() + "/floor", tree.system(GUEST, KERNEL), own_image()
    script = f"""
        mkdir own floor; cd own; zstd -dcq ../own.zst | cpio -i --quiet; cd ../floor
        {"cp -a ../own/. ." if loaded else "mkdir dev proc sysroot"}; cp ../init init
        cp $(find ../own -name {DRIVER}.ko) .; echo /{DRIVER}.ko > modules
        find . | LC_ALL=C sort | cpio -o --quiet -H newc | zstd -q -{LEVEL} > ../initrd"""

    def build(tmp):
        os.mkdir(tmp + "/here")
        shutil.copy(program, tmp + "/here/init")
        shutil.copy(own, tmp + "/here/own.zst")
        tree.enter(system + "/tree", "cd /mnt\n" + script, [(tmp + "/here", "/mnt")], tmp + "/log")
        os.rename(tmp + "/here/initrd", tmp + "/initrd")
        os.rename(tmp + "/here/floor/modules", tmp + "/modules")
        cache.remove(tmp + "/here")
    return cache.item("bench-floor" + "-loaded" * loaded, cache.key(program, own, script, RECIPE), build) + "/initrd"


def kinds():
    """{name: (initramfs, disk)}"""
    return {FLOOR: (floor_image(), plain_disk()), LOADED: (floor_image(True), plain_disk()),
            OWN: (own_image(), encrypted_disk()),
            DRACUT: (tree.initramfs(GUEST, KERNEL), encrypted_disk()),
            TODAY: (tree.initramfs(GUEST, KERNEL, recipe=True), encrypted_disk())}


# boots

def boot(initrd, disk_file, log):
    """Boot once; returns the text of the console when the machine is off."""
    words = observe.CONSOLE.format(root="/dev/mapper/root")
    kernel = tree.system(GUEST, KERNEL) + "/vmlinuz"
    with vm.VM(firmware.get(), kernel, initrd, words, cases.GOOD, [(disk_file, "raw")], log=log) as machine:
        machine.finish(LIMIT)
        return machine.console


def stamp(console, pattern):
    """Seconds on the kernel's clock of the line that matches."""
    found = re.search(r"^\[ *(\d+\.\d{6})\] .*" + pattern, console, re.M)
    if not found:
        raise cache.LabError(f"the console has no line {pattern!r}")
    return float(found.group(1))


def own_stages(console):
    """{stage: seconds} of a boot of ours: log lines where they say it, else the program's own account."""
    status = json.loads(re.search(r"^LAB status ({.*?})\s*^LAB end$", console, re.M | re.S).group(1))
    took = {s["name"]: s["us"] / 1e6 for s in status["stages"]}
    marks = [stamp(console, mark) for mark in (
        "Run /init as init process", "coco-unlock: version", "coco-unlock: volume root: ", "coco-unlock: root: ",
        "coco-unlock: mounts: ", FIRST)]
    inside = {"unlock: the host's words, the judge": ("prepare",), "unlock: modules": ("modules",),
              "unlock: secret, its module and the wipe": ("secret-module", "read", "wipe"),
              "unlock: device": ("device",), "unlock: header": ("header",), "unlock: keyslot": ("keyslot",),
              "unlock: mapping, read back": ("mapping", "read-back")}
    stages = {"kernel to /init": marks[0], "/init to the program's first line": marks[1] - marks[0]}
    stages.update({name: sum(took.get(part, 0) for part in parts) for name, parts in inside.items()})
    stages["unlock: all else"] = marks[2] - marks[1] - sum(stages[name] for name in inside)
    stages["mount and first look"] = marks[3] - marks[2]
    stages["second look"] = marks[4] - marks[3]
    stages["hand-over"] = marks[5] - marks[4]
    return stages, status["peak_memory_kib"]


def run(count):
    results = observe.results_directory()
    vm.accelerator(lambda: tree.stock_kernel(GUEST))
    ways = kinds()
    sizes = [(name, os.path.getsize(own_image(conf)), limit) for name, conf, limit in IMAGES]
    consoles = {name: [] for name in ways}
    for number in range(count):
        for name, (initrd, disk_file) in ways.items():
            log = os.path.join(results, f"bench-{re.sub('[^a-z]+', '-', name)}-{number}")
            consoles[name].append(boot(initrd, disk_file, log))
            cache.say(f"boot {number + 1} of {count}, {name}: {stamp(consoles[name][-1], FIRST):.2f} s")
    for line in report(ways, consoles, sizes):
        print(line)
    return 0


def report(ways, consoles, sizes):
    count = len(consoles[FLOOR])
    yield (f"kernel's start to the real root's first instruction, {count} boots of each by turns, stock kernel "
           f"{tree.read(tree.system(GUEST, KERNEL) + '/kver')}, {vm.accelerator()}, {vm.CPU}; load of the machine "
           f"{os.getloadavg()[2]:.1f} in 15 minutes")
    yield f"{'':24} {'median, s':>10} {'ratio':>7} {'min':>8} {'max':>8} {'/init at':>9} {'image, MB':>10}"
    floor = statistics.median(stamp(c, FIRST) for c in consoles[FLOOR])
    for name, texts in consoles.items():
        times = [stamp(c, FIRST) for c in texts]
        begins = statistics.median(stamp(c, "Run /init as init process") for c in texts)
        yield (f"{name:24} {statistics.median(times):10.2f} {statistics.median(times) / floor:7.2f} {min(times):8.2f} "
               f"{max(times):8.2f} {begins:9.2f} {os.path.getsize(ways[name][0]) / MB:10.2f}")
    yield from own_account(consoles)
    yield "images of our own, level " + str(LEVEL)
    for name, size, limit in sizes:
        yield f"{name:24} {size / MB:10.2f} MB" + (f" (limit {limit})" if limit else "")
    weights = {name: size for name, size, _ in sizes}
    yield f"{'LVM weighs':24} {(weights['ext4 on LVM'] - weights['ext4']) / MB:10.2f} MB"


def own_account(consoles):
    """Where the time of our own kind goes, beside that of the floor, and its memory."""
    accounts = [own_stages(c) for c in consoles[OWN]]
    yield f"own initramfs, a line a stage (aim {AIM} times the floor), medians"
    for stage in accounts[0][0]:
        yield f"  {stage:44} {statistics.median(a[0][stage] for a in accounts):8.3f} s"
    floor = [stamp(c, FIRST) - stamp(c, "Run /init as init process") for c in consoles[FLOOR]]
    yield f"  {'the floor, from /init to the root':44} {statistics.median(floor):8.3f} s"
    yield f"peak memory of its largest process: {max(a[1] for a in accounts)} KiB"
