#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# without-credentials.sh - stands in an image in /etc, in the place of a generator of the same
# name in /usr/lib: the same, but blind to credentials. They are the host's, systemd gives its
# generators the directories in the environment, and fstab.extra.initrd mounts what it likes
# before the first of our units.
unset CREDENTIALS_DIRECTORY ENCRYPTED_CREDENTIALS_DIRECTORY
exec "/usr/lib${0#/etc}" "$@"
