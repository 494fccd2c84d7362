# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM lab: boots real Debian guests from a launch secret under QEMU and takes the verdict from inside."""
