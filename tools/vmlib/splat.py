# SPDX-License-Identifier: GPL-2.0
"""What on a guest's console means that the kernel is unwell.

Pure text logic: a console in, the offending lines out.
"""

import re

PATTERNS = (
    r"\bWARNING: ", r"\bBUG:? ", r"kernel BUG at", r"\bOops\b", r"Kernel panic",
    r"KASAN: ", r"UBSAN: ", r"KFENCE: ", r"KCSAN: ", r"ODEBUG: ",
    r"general protection fault", r"stack segment:", r"invalid opcode:", r"double fault",
    r"[Uu]nable to handle", r"stack guard page was hit",
    r"possible circular locking", r"possible recursive locking", r"possible deadlock",
    r"inconsistent lock state", r"irq lock inversion", r"-unsafe lock order",
    r"suspicious RCU usage", r"RCU used illegally", r"bad unlock balance", r"held lock freed",
    r"still held|lock held when returning", r"Invalid wait context", r"nested lock was not taken",
    r"trying to register non-static key", r"DEBUG_LOCKS_WARN_ON",
    r"INFO: task .* blocked for more than", r"soft lockup", r"hard LOCKUP",
    r"workqueue lockup", r"detected (expedited )?stalls?", r"self-detected stall",
    r"scheduling while atomic", r"sleeping function called", r"Voluntary context switch within RCU",
    r"refcount_t: ", r"list_(add|del) corruption", r"corrupted (list|stack)",
    r"Bad page (state|map|cache)", r"Bad rss-counter", r"Bad pagetable", r"non-zero pgtables_bytes",
    r"Object already free|Redzone|Poison overwritten|Objects remaining",
    r"page dumped because", r"page_owner.*corrupt",
)
SPLAT = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS))
# The scan after the command judges leaks by their age; see stage2.sh.
LEAK = re.compile(r"kmemleak: \d+ new suspected")
CONTEXT = 60


def after_boot(console, nonce):
    """The console's lines from the boot marker on, marker lines excluded.

    A boot that never reached the marker is looked at as a whole.
    """
    lines = console.replace("\r", "").split("\n")
    start = next((number for number, line in enumerate(lines) if f"{nonce} booted" in line), -1)
    return lines[start + 1:]


def find(console, nonce, allowed):
    """Indexes of splat lines, and the lines they index."""
    lines = after_boot(console, nonce)
    permit = [re.compile(pattern) for pattern in allowed]
    done, hits = False, []
    for number, line in enumerate(lines):
        done = done or f"{nonce} done" in line
        if not SPLAT.search(line) and (done or not LEAK.search(line)):
            continue
        if not any(pattern.search(line) for pattern in permit):
            hits.append(number)
    return hits, lines


def report(hits, lines):
    """The first splat with what surrounds it, for a human."""
    first = max(0, hits[0] - 3)
    text = lines[first:hits[0] + CONTEXT]
    more = [lines[hit] for hit in hits if hit >= hits[0] + CONTEXT]
    if more:
        text += ["...", *more[:20]]
    return "\n".join(text)
