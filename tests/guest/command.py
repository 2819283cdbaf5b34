# SPDX-License-Identifier: GPL-2.0
"""Running tw: as whom, and what a refusal must look like."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Optional

import documents
from support import PATIENCE, REPO, device_gid

TW = REPO / "build" / "tools" / "tw"
FAILED, USAGE, NO_DEVICE, NO_PERMISSION, TIMEOUT, INTERRUPTED = 1, 2, 3, 4, 124, 130
LIMIT = 120 * PATIENCE


def _who(uid: Optional[int], member: bool) -> dict[str, Any]:
    if uid is None:
        return {}
    return {"user": uid, "group": uid, "extra_groups": [device_gid()] if member else []}


def tw_run(*words: Any, uid: Optional[int] = None, member: bool = True,
           **more: Any) -> subprocess.CompletedProcess:
    """Run tw, as another user if asked: in the device's group or not."""
    return subprocess.run([TW, *map(str, words)], capture_output=True, text=True, check=False,
                          timeout=LIMIT, stdin=subprocess.DEVNULL, **_who(uid, member), **more)


def tw_text(*words: Any, **who: Any) -> str:
    """What it prints when all is well."""
    done = tw_run(*words, **who)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def tw_json(*words: Any, code: int = 0, **who: Any) -> Any:
    """The one document, on one line, that it prints."""
    done = tw_run(*words, "--json", **who)
    assert done.returncode == code, done
    assert done.stdout.count("\n") == 1 and done.stdout.endswith("\n")
    document = json.loads(done.stdout)
    verb = " ".join(["tw", *map(str, words)])
    for one in document if isinstance(document, list) else [document]:
        assert documents.is_ours(one), one
        assert any(verb.startswith(title) for title in documents.titles(one["schema"])), one
    return document


def tw_refused(code: int, said: str, *words: Any, **who: Any) -> str:
    """It must end with this code, say why to stderr and print nothing else."""
    done = tw_run(*words, **who)
    assert done.returncode == code, done
    assert done.stderr and said in done.stderr, done.stderr
    assert done.stdout == "", done.stdout
    return done.stderr
