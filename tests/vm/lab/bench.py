# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench."""


def run(count):
    return 1
