/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm.c - a question to the person at the terminal.
 * Trusts that person. Reads nothing but the answer.
 */
#include "owner/io/confirm.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/paths.h"

int confirm(const char *what, const char *question, bool yes, struct fault *f)
{
	_cleanup_close_ int fd = -EBADF;
	char answer[16] = "";
	ssize_t n;

	if (yes)
		return 0;
	(void)fflush(stdout); /* what the question is about; cmd_finish() looks at the stream */
	fd = open(PATH_TTY, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fault_about(f, EXITCODE_REFUSED, what, "run it on a terminal, or with --yes",
				   "there is no terminal to ask: %s", question);
	(void)dprintf(fd, "%s Type yes: ", question);
	n = read(fd, answer, sizeof(answer) - 1); /* a terminal gives a line */
	if (n > 0 && strcmp(answer, "yes\n") == 0)
		return 0;
	return fault_about(f, EXITCODE_REFUSED, what, "type yes if you mean it",
			   "it was not confirmed, and nothing has changed");
}
