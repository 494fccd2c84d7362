# SPDX-License-Identifier: GPL-2.0-or-later
#
# resource-policy.rego - releases default/guest/table to guests that are affirming in every part.
# See README. Change the path to that of your resource.
package policy

import rego.v1

default allow := false

allow if {
	data.plugin == "resource"
	data["resource-path"] == ["default", "guest", "table"]
	count(input.submods) > 0
	every _, submod in input.submods {
		submod["ear.status"] == "affirming"
	}
}
