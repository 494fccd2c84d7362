# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache: every slow thing is built once, kept under a key of all it depends on, and never half there.

An item is a directory NAME-KEY. It is built in a temporary directory beside it, under a lock of its own,
and renamed when complete, so two runs may overlap and an interrupted one leaves nothing that looks done.
Also here, because only builders use them: the progress lines, and the one way to run a command."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from . import cost

BASE = os.environ.get("COCO_UNLOCK_CACHE") or "/var/cache/coco-unlock"
STARTED = time.monotonic()
_say_lock = threading.Lock()
_last_live = STARTED
_failed = {}                    # what this run could not build, so that each case need not try again


class LabError(Exception):
    """Something the lab needs did not work; the text says what and where to look."""


class Lack(LabError):
    """This machine has not what a case needs, and nothing can be installed for it."""


def say(text):
    """One progress line on stderr, with the seconds since the start."""
    with _say_lock:
        clear = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{clear}[{time.monotonic() - STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


def live(text, every=30):
    """Progress within a step: on a terminal a line that the next one replaces, else now and then a plain line."""
    global _last_live
    if not sys.stderr.isatty():
        if time.monotonic() - _last_live > every:
            _last_live = time.monotonic()
            say("  " + text)
    else:
        with _say_lock:
            line = f"[{time.monotonic() - STARTED:6.1f} s] {text}"
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)


def calm():
    """Starts the wait for the next plain line anew, so that short steps have none."""
    global _last_live
    _last_live = time.monotonic()


def path(*parts):
    return os.path.join(BASE, *parts)


def key(*parts):
    """A short hash of everything an item depends on."""
    text = json.dumps(parts, sort_keys=True, default=lambda b: hashlib.sha256(b).hexdigest())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def lock(name):
    for directory in ("locks", "build", "results"):
        os.makedirs(path(directory), exist_ok=True)
    with open(path("locks", name), "w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for somebody else: {name}")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def item(name, item_key, build, what=None):
    """The directory of an item; build(tmpdir) makes its contents when it is not there yet."""
    final = path(f"{name}-{item_key}")
    if os.path.isdir(final):
        os.utime(final)
        return final
    with contextlib.ExitStack() as stack:
        with cost.elsewhere():
            stack.enter_context(lock(os.path.basename(final)))
        if os.path.isdir(final):
            return final
        if final in _failed:
            raise _failed[final]
        stack.enter_context(cost.of(name.split("-")[0], what or name))
        say(f"building {what or name}")
        calm()
        began = time.monotonic()
        tmp = path("." + os.path.basename(final))
        remove(tmp)                     # what a run that was killed has left
        os.mkdir(tmp, 0o755)
        try:
            build(tmp)
        except BaseException as e:
            remove(tmp)
            if isinstance(e, LabError):
                _failed[final] = e
            raise
        os.rename(tmp, final)
        say(f"built {what or name} in {time.monotonic() - began:.1f} s")
        forget_old(name, final)
    return final


def forget_old(name, current):
    """Drop the items of this name that were used least lately, beyond a number of them: a run needs many small
    ones (images, attack disks), and few large ones."""
    keep = 24 if name.startswith(("initramfs", "standalone", "attack")) else 4
    stem = name + "-"
    old = [e.path for e in os.scandir(BASE) if e.is_dir() and e.name.startswith(stem)
           and len(e.name) == len(stem) + 16 and e.path != current]
    old.sort(key=last_use, reverse=True)
    for p in old[keep:]:
        if time.time() - last_use(p) > 3600:
            remove(p)


def last_use(path):
    """When an item was used last; now, if somebody else has just dropped it."""
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return time.time()


def remove(tree):
    """Delete a tree, but nothing that is mounted in it."""
    subprocess.run(["rm", "-rf", "--one-file-system", tree], check=False)


def run(argv, log=None, cwd=None, env=None, stdin=None, title=None):
    """Run a command; its output goes to a log file (and, on a terminal, its last line is shown live)."""
    out = open(log, "ab") if log else None
    tail = []
    full_env = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
    p = subprocess.Popen(argv, cwd=cwd, env=full_env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
    if stdin is not None:
        p.stdin.write(stdin)
        p.stdin.close()
    for raw in p.stdout:
        if out:
            out.write(raw)
            out.flush()
        line = raw.decode(errors="replace").rstrip()
        tail = (tail + [line])[-25:]
        if title and line.strip():
            live(f"{title}: {line.strip()}")
    code = p.wait()
    if out:
        out.close()
    if code:
        where = f" (log: {log})" if log else ""
        raise LabError(f"{' '.join(map(str, argv))[:300]}: exit {code}{where}\n" + "\n".join(tail))
    return "\n".join(tail)
