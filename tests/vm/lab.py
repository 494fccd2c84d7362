#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM lab's one command; tests/vm/README says what it does and how to add a case."""

import sys

sys.dont_write_bytecode = True

from lab import cli  # noqa: E402

sys.exit(cli.main(sys.argv[1:]))
