#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""coverage.py PROGRAMS CORPUS [TARGET...] - feeds seeds, crashes and what fuzzing has found to programs that were
built with FUZZ=coverage, and prints how much of the code that a target is for was reached; then, over all targets,
the functions that nobody entered and the lines of the others that nobody reached."""

import collections
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# What each target is for: files of src/.
DECIDES = {
    "answer": ["broker/answer.c", "broker/rcar.c"],
    "binheader": ["disk/binheader.c"],
    "certificates": ["broker/certificates.c"],
    "challenge": ["rescue/challenge.c", "rescue/fields.c"],
    "cmdline": ["boot/cmdline.c", "conf/conf.c"],
    "cocotab": ["conf/cocotab.c", "conf/reference.c"],
    "codec": ["owner/io/codec.c", "owner/io/file.c"],
    "dialog": ["boot/dialog.c", "rescue/line.c"],
    "eckey": ["source/kbs/jwe.c"],
    "eventlog": ["broker/eventlog.c"],
    "firmware": ["owner/launch/firmware.c"],
    "frame": ["source/kbs/frame.c"],
    "gpt": ["owner/disk/partition.c", "owner/disk/gpt.c"],
    "http": ["broker/http.c"],
    "ini": ["conf/ini.c", "conf/conf.c"],
    "jsontext": ["disk/jsontext.c"],
    "judge": ["disk/judge.c"],
    "jwe": ["broker/answer.c", "base/base64.c"],
    "launch": ["owner/launch/launch.c", "owner/launch/options.c", "base/options.c"],
    "line": ["rescue/line.c", "base/base64.c"],
    "mbr": ["owner/disk/mbr.c"],
    "mountinfo": ["rootfs/mounts.c"],
    "opened": ["rootfs/opened.c"],
    "packet": ["owner/launch/packet.c"],
    "policy": ["disk/policy.c", "disk/jsontext.c"],
    "policy_entry": ["volume/pins.c", "volume/imagepolicy.c", "owner/table/policytext.c"],
    "quote": ["broker/tdx.c", "broker/eventlog.c"],
    "rescue_answer": ["rescue/answer.c", "rescue/sealed.c", "rescue/fields.c", "rescue/hpke.c"],
    "snp": ["broker/snp.c", "broker/certificates.c", "broker/evidence.c"],
    "table": ["source/table.c", "owner/table/table.c", "base/guid.c"],
    "volume": ["volume/volume.c", "disk/header.c"],
}


class File:
    """Counts of one source file: of its lines, and of its functions with their first lines."""

    def __init__(self):
        self.lines, self.starts, self.calls = collections.Counter(), {}, collections.Counter()

    def add(self, other):
        self.lines.update(other.lines)
        self.starts.update(other.starts)
        self.calls.update(other.calls)

    def entered(self):
        """Lines of functions that were entered. In front of the first one are macros, which count, too."""
        return [n for n in sorted(self.lines)
                if self.calls[max(((start, name) for name, start in self.starts.items() if start <= n),
                                  default=(0, None))[1]]]

    def missed(self):
        """Functions that nobody entered, and lines of the others that nobody reached."""
        return sorted(name for name in self.starts if not self.calls[name]), \
            [n for n in self.entered() if not self.lines[n]]

    def share(self):
        """Reached and all lines of the functions that were entered."""
        entered = self.entered()
        return sum(self.lines[n] > 0 for n in entered), len(entered)


def run(program, inputs, profile):
    env = dict(os.environ, LLVM_PROFILE_FILE=profile + ".raw")
    out = subprocess.run([program, *inputs], env=env, stdout=subprocess.PIPE, check=True).stdout.decode().split()
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", profile, profile + ".raw"], check=True)
    os.unlink(profile + ".raw")
    return int(out[1])


def read(program, profile):
    """The files of src/ by name."""
    files, current = {}, None
    text = subprocess.run(["llvm-cov", "export", "-format=lcov", "-instr-profile", profile, program],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    for kind, _, rest in (line.partition(":") for line in text.splitlines()):
        if kind == "SF":
            current = files.setdefault(os.path.relpath(os.path.abspath(rest), TOP), File())
        elif kind == "FN":
            start, name = rest.split(",")
            current.starts[name.rpartition(":")[2]] = int(start)
        elif kind == "FNDA":
            count, name = rest.split(",")
            current.calls[name.rpartition(":")[2]] += int(count)
        elif kind == "DA":
            number, count = rest.split(",")[:2]
            current.lines[int(number)] += int(count)
    return {name: file for name, file in files.items() if name.startswith("src/")}


def tell_missed(name, file):
    functions, lines = file.missed()
    reached, all_lines = file.share()
    print(f"\n{name}: {reached} of {all_lines} lines of what was entered")
    if functions:
        print("  not entered: " + " ".join(functions))
    with open(os.path.join(TOP, name), encoding="utf-8") as source:
        text = source.read().splitlines()
    for number in lines:
        print(f"  {number:5}  {text[number - 1].strip()}")


def main(programs, corpus, *targets):
    total = {}
    print(f"{'target':<14} {'inputs':>7}  lines of the functions that were entered")
    for target in targets or sorted(DECIDES):
        inputs = [path for path in (os.path.join(HERE, "seeds", target) + "/", os.path.join(HERE, "crashes", target),
                                    os.path.join(corpus, target)) if glob.glob(os.path.join(path, "*"))]
        program, profile = os.path.join(programs, target), os.path.join(programs, target + ".profile")
        nr = run(program, inputs, profile)
        files = {name: file for name, file in read(program, profile).items()
                 if name[len("src/"):] in DECIDES[target]}
        print(f"{target:<14} {nr:>7}  " + ", ".join("%s %d/%d" % (name, *file.share())
                                                    for name, file in sorted(files.items())))
        for name, file in files.items():
            total.setdefault(name, File()).add(file)
    for name, file in sorted(total.items()):
        tell_missed(name, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
