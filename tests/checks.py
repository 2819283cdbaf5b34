# SPDX-License-Identifier: GPL-2.0
"""Checks of tests that are programs of their own: a line each, and what failed."""

failures: list[str] = []


def check(name: str, good: object, more: str = "") -> bool:
    """One line of the result."""
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    if not good:
        failures.append(name)
        for line in more.strip().splitlines()[-40:]:
            print(f"    {line[:300]}")
    return bool(good)
