# SPDX-License-Identifier: GPL-2.0
"""The same doors, tried by every kind of caller: what opens is no more than its right.

What docs/security.md says of callers, in one table.
"""

import errno

import pytest

import tw
from support import (CLONE_NEWPID, CLONE_NEWUSER, NOBODY, OTHER, device_gid, errno_of, fill,
                     in_pid_namespace, run_child, run_user, wrong)
from test_permissions import PARAMETERS, Owner
from tw import CPU, GPU, PAGE

FAULT = tw.TW_EVENT_BIT(tw.TW_EVENT_FAULT)
REGIONS = 2     # that a user may have here; the owner of the others' pages has one


@pytest.fixture(autouse=True)
def few_regions():
    """A cap that is reached soon."""
    path = PARAMETERS / "max_user_regions"
    before = path.read_text()
    path.write_text(str(REGIONS))
    yield
    path.write_text(before)


def live(device) -> bool:
    """A region of one's own can be used in every way."""
    with device.region(4 * PAGE) as region, region.map() as mapping:
        fill(mapping, range(4), 1)
        status = device.migrate([region.page(index) for index in range(4)], GPU).status
        return (status == [0] * 4 and region.tiers() == [GPU] * 4 and
                wrong(mapping, range(4), 1) == [])


def frames(device) -> bool:
    """Frame numbers are told, of one's own page."""
    with device.region(PAGE) as region, region.map() as mapping:
        mapping.write(0, b"x")
        return region.pages()[0].pfn != 0


def capped(device) -> int:
    """What ends the making of regions."""
    held = []
    try:
        while len(held) <= REGIONS:
            held.append(device.region(PAGE))
    except OSError as error:
        return error.errno
    finally:
        for region in held:
            region.close()
    return 0


def doors(owner: Owner):
    """What each door says; an errno when not even the device is opened."""
    try:
        device = tw.Device()
    except OSError as error:
        return error.errno
    with device:
        return {"own region": live(device),
                "capped": capped(device),
                "others' pages": owner.tried(device) != Owner.NOTHING,
                "frame numbers": frames(device),
                "everybody's events": errno_of(device.stream),
                "bind": errno_of(device.bind, CPU),
                "policy": errno_of(device.policy, **device.policy().knobs())}


ADMIN = {"own region": True, "capped": 0, "others' pages": True, "frame numbers": True,
         "everybody's events": 0, "bind": errno.EBUSY, "policy": 0}
USER = {"own region": True, "capped": errno.EDQUOT, "others' pages": False,
        "frame numbers": False, "everybody's events": errno.EPERM, "bind": errno.EPERM,
        "policy": errno.EPERM}


def in_user_namespace(function, flags=0):
    """As root of a user namespace that a member of the group has made."""
    def inside():
        tw.check(tw.libc.unshare(CLONE_NEWUSER | flags))
        return run_child(function) if flags else function()
    return run_user(inside)


def member(uid):
    """Another process, in the device's group."""
    return {"uid": uid, "gid": uid, "groups": [device_gid()]}


CALLERS = {
    "root": (run_child, ADMIN),
    "a member of the group": (lambda function: run_user(function, uid=OTHER), USER),
    "another process of the owner's uid": (run_user, USER),
    "nobody": (lambda function: run_child(function, uid=NOBODY, gid=NOBODY), errno.EACCES),
    "root in a user namespace": (in_user_namespace, USER),
    "root in a PID namespace": (in_pid_namespace, ADMIN),
    "a member in a PID namespace": (
        lambda function: in_pid_namespace(function, **member(OTHER)), USER),
    "nobody in a PID namespace": (
        lambda function: in_pid_namespace(function, uid=NOBODY, gid=NOBODY), errno.EACCES),
    "root in a user and a PID namespace": (
        lambda function: in_user_namespace(function, CLONE_NEWPID), USER),
}


@pytest.mark.parametrize("caller", CALLERS)
def test_doors(caller):
    run_as, wanted = CALLERS[caller]
    with Owner() as owner:
        assert run_as(lambda: doors(owner)) == wanted
        assert owner.tiers() == [CPU] * 4


def test_events_in_a_pid_namespace(stream):
    """A user there is told no process, root there those of the first namespace."""

    def touched(**who):
        def listen():
            with tw.Device() as device, device.agent(1) as agent, \
                    device.stream(FAULT, agent=agent if who else None) as one, \
                    device.region(4 * PAGE, agent=agent) as region, region.map() as mapping:
                fill(mapping, range(4), 1)
                return {event.pid for event in one.reader().read()}
        return in_pid_namespace(listen, **who)

    every = stream(FAULT).reader()
    assert touched(**member(OTHER)) == {0}
    every.read()
    told = touched()
    assert told == {event.pid for event in every.read()} and 1 not in told
