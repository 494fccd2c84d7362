# SPDX-License-Identifier: GPL-2.0-or-later
"""A plugin for nbdkit: a disk whose header is another one from the Nth read on.

Parameters: disk=FILE, evil=FILE (its first 32 KiB are the other header). The export `disk` is the disk, in memory;
the export `control` is one page: what is written there, "DIRECTION N", begins anew with a clean disk, and from the
Nth read that overlaps the header the other header is served: good-evil begins with the disk's own, evil-good with
the other one. What is read there is "reads=R evil=E": how many there were, and how many of them served evil."""

import pathlib

import nbdkit

API_VERSION = 2
HEADER = 32768
PAGE = 4096
files, state = {}, {}


def config(name, value):
    files[name] = value


def config_complete():
    for name in ("disk", "evil"):
        state[name] = pathlib.Path(files[name]).read_bytes()
    begin("good-evil", 1 << 30)


def begin(direction, number):
    state.update(data=bytearray(state["disk"]), direction=direction, number=number, reads=0, served=0)


def thread_model():
    return nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS


def open(readonly):      # pylint: disable=redefined-builtin
    return nbdkit.export_name() or "disk"


def get_size(export):
    return PAGE if export == "control" else len(state["disk"])


def pread(export, buf, offset, flags):
    if export == "control":
        page = f"reads={state['reads']} evil={state['served']}\n".encode().ljust(PAGE, b"\0")
        buf[:] = page[offset:offset + len(buf)]
        return
    data = state["data"]
    buf[:] = data[offset:offset + len(buf)]
    if offset < HEADER:
        state["reads"] += 1
        changed = state["reads"] >= state["number"]
        if changed == (state["direction"] == "good-evil"):
            state["served"] += 1
            size = min(len(buf), HEADER - offset)
            buf[:size] = state["evil"][offset:offset + size]


def pwrite(export, buf, offset, flags):
    if export == "control":
        words = bytes(buf).split(b"\0")[0].decode().split()
        begin(words[0], int(words[1]))
    else:
        state["data"][offset:offset + len(buf)] = buf


def flush(export, flags):
    pass
