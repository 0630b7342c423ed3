/* SPDX-License-Identifier: MIT */
/* Where a planted bug runs: in a bare context, or in a task (-DIN_TASK). */
#ifdef IN_TASK
#include "in_task.h"
#else
#include "in_context.h"
#endif
