# SPDX-License-Identifier: GPL-2.0
"""The Python module: libtw's functions under libtw's own rules."""

import errno
import os
import pickle
import re
from pathlib import Path

import pytest

import libtw
from libtw import Event, Level, Reason, Switch, Tier, Temperature
import tw
from command import tw_run
from libtw.verbs import Verbs
from support import Layout, store_path
from tw import PAGE

pytestmark = pytest.mark.once

SYMBOLS = Path(__file__).resolve().parents[2] / "libtw" / "libtw.map"


@pytest.fixture(scope="module", autouse=True)
def library():
    return tw.load_libtw()


@pytest.fixture
def device():
    with libtw.Device() as opened:
        yield opened


@pytest.fixture
def region(device):
    with device.region(16 * PAGE) as made:
        yield made


def test_every_function_has_its_prototype():
    """NAME_v1 is what <tw.h>'s macro NAME calls."""
    exported = {name.removesuffix("_v1")
                for name in re.findall(r"\b(tw_\w+);", SYMBOLS.read_text())}
    assert exported == set(libtw.lib.PROTOTYPES)


def test_every_function_is_used_by_the_module():
    """Each is somewhere behind a method."""
    sources = "".join(path.read_text() for path in Path(libtw.__file__).parent.glob("*.py")
                      if path.name != "lib.py")
    unused = {name for name in libtw.lib.PROTOTYPES
              if not re.search(rf"\b{name.removesuffix('_by_id')}\b", sources)}
    assert unused == set()


def test_names():
    assert libtw.version() == "1.0.0"
    assert [libtw.tier_name(tier) for tier in Tier] == ["gpu", "cpu", "nvme", "ssd", "hdd", "none"]
    assert libtw.tier_parse("NVMe") is Tier.NVME
    with pytest.raises(ValueError, match="'tape'.*gpu, cpu"):
        libtw.tier_parse("tape")
    assert [libtw.level_name(level) for level in Level] == ["low", "medium", "high", "critical"]
    assert [libtw.reason_name(reason) for reason in Reason] == [
        reason.name.lower() for reason in Reason]
    assert [libtw.event_name(event) for event in Event] == [
        event.name.lower().replace("_", "-") for event in Event]


def test_a_region_of_folios(device):
    """Of 2 MiB, by the flag."""
    with device.region(4 << 20, flags=libtw.TW_REGION_HUGE) as region:
        region.memory[5 * PAGE] = 1
        assert region.info().pages[Tier.CPU] == (2 << 20) // PAGE


def test_refusals():
    with pytest.raises(FileNotFoundError):
        libtw.Device("/dev/no-such-device")
    with pytest.raises(OSError) as caught:
        libtw.Device("/dev/null")
    assert caught.value.errno == errno.ENOTTY


def test_errors_name_the_call_and_the_object(device, region):
    """What is refused says which function it was and of what, in its text and by itself."""
    with pytest.raises(OSError) as caught:
        libtw.Device("/dev/null")
    assert str(caught.value).endswith(": tw_open of '/dev/null'")
    with pytest.raises(OSError) as caught:
        region.migrate(0, PAGE, 9)
    assert (caught.value.errno, caught.value.call) == (errno.EINVAL, "tw_region_migrate")
    assert caught.value.subject is region
    sent = pickle.loads(pickle.dumps(caught.value))     # as another process has it
    assert (sent.errno, sent.subject) == (errno.EINVAL, repr(region))
    assert str(caught.value) == (f"[Errno {errno.EINVAL}] Invalid argument: tw_region_migrate "
                                 f"of <Region {region.id}: {16 * PAGE} bytes>")
    with pytest.raises(FileNotFoundError, match="tw_agent_stats_by_id of <Device descriptor"):
        device.agent_stats(78)


def test_objects_show_what_they_are(device, region):
    """Handles by what tells them from others, structs by their members."""
    assert repr(device) == f"<Device descriptor {device.fileno()}>"
    assert repr(region) == f"<Region {region.id}: {16 * PAGE} bytes>"
    with device.agent(79) as agent, device.stream(agent=agent) as stream:
        assert repr(agent) == "<Agent 79>"
        assert repr(stream) == f"<Stream {stream.rings} rings, descriptor {stream.fileno()}>"
    assert repr(agent) == "<Agent closed>" and repr(stream) == "<Stream closed>"
    region.memory[0] = 1
    shown = repr(region.info())
    assert shown.startswith(f"RegionInfo(id={region.id}, bytes={16 * PAGE}, ")
    assert "pages=[0, 1, 0, 0, 0]" in shown and "size=" not in shown


def test_events_in_place(device):
    """Each event is seen where it lies: the same ones that read() gives, none twice."""
    with device.agent(80) as agent, device.region(8 * PAGE, agent=agent) as region, \
            device.stream(Event.FAULT.bit(), agent=agent, events=64) as stream, \
            libtw.Stream.from_fd(os.dup(stream.fileno())) as copied:
        assert stream.peek() is None and not stream.ok()
        for index in range(8):
            region.memory[index * PAGE] = 1
        seen = []
        while (view := stream.peek()) is not None:
            assert view.readonly and view.nbytes == libtw.abi.Event.LAYOUT.size
            with pytest.raises(TypeError):
                view[0] = 0
            members = libtw.abi.Event.LAYOUT.unpack_from(view)
            assert bytes(stream.peek()) == bytes(view), "it moves on by ok() alone"
            assert stream.ok() and not stream.ok()
            seen.append(members)
            view.release()
        assert sorted(seen) == sorted(
            libtw.abi.Event.LAYOUT.unpack(bytes(event)) for event in copied.read())
        assert sorted(one[2] for one in seen) == [region.page(at * PAGE) for at in range(8)]
        assert (stream.seen, stream.lost) == (8, 0)


def test_overwritten_events_are_not_ok(device, one_cpu):
    """What the driver writes over while it is looked at is told, and counted exactly."""
    del one_cpu     # One ring has all events, in order.
    with device.agent(81) as agent, device.region(256 * PAGE, agent=agent) as region, \
            device.stream(Event.MIGRATE.bit(), agent=agent, events=64) as stream:
        region.memory[:] = bytes(256 * PAGE)
        region.migrate(0, PAGE, Tier.GPU)
        with stream.peek():
            assert region.migrate(PAGE, 255 * PAGE, Tier.GPU).moved == 255
            assert not stream.ok()
        assert (stream.seen, stream.lost) == (0, 1)
        while stream.peek() is not None:
            assert stream.ok()
        assert stream.lost > 256 - 64 and stream.seen + stream.lost == 256


def test_a_stream_that_is_looked_at_is_not_closed(device):
    with device.agent(82) as agent, device.region(2 * PAGE, agent=agent) as region, \
            device.stream(Event.FAULT.bit(), agent=agent, events=64) as stream:
        region.memory[0] = 1
        view = stream.peek()
        with pytest.raises(BufferError):
            stream.close()
        assert not stream.closed and stream.ok()
        view.release()
        stream.close()
        with pytest.raises(ValueError, match="Stream is closed"):
            stream.peek()
        with pytest.raises(ValueError, match="Stream is closed"):
            stream.ok()
        # What went wrong first is told, not that it could not be closed for that.
        with pytest.raises(KeyError):
            with device.stream(Event.FAULT.bit(), agent=agent, events=64) as other:
                region.memory[PAGE] = 1
                view = other.peek()
                assert view is not None
                raise KeyError
        view.release()


def test_words_of_the_command(device):
    """Each method of Verbs is a verb of tw's, and those that tw has and libtw as well are there."""
    verbs = {name for name in vars(Verbs) if not name.startswith("_")}
    assert all(callable(getattr(device, name)) for name in verbs)
    for name in sorted(verbs):
        words = name.split("_")
        if name != "pressure_set":          # tw pressure's help has it
            assert tw_run(*words, "--help").returncode == 0, name
    assert verbs >= {"tier_list", "tier_bind", "tier_unbind", "agent_list", "agent_show",
                     "agent_limit", "policy_show", "policy_set", "status", "page"}


def test_verbs_are_the_methods(device, region, dev):
    """They do what the library's names do."""
    assert [one.tier for one in device.tier_list()] == list(range(5))
    assert device.status().regions == device.module_stats().regions == 1
    moved = device.tier_unbind(Tier.NVME)
    assert moved == 0 and Tier.NVME not in device.bound()
    with pytest.raises(TypeError, match="not both"):
        device.tier_bind(Tier.NVME, store_path(tw.NVME), nodes=1)
    told = device.tier_bind(Tier.NVME, store_path(tw.NVME), capacity=64)
    assert told.capacity == 64 and Tier.NVME in device.bound()
    Layout.restore(dev)
    region.memory[0] = 1
    number = region.page(0)
    assert device.page([number])[0].tier == device.page_info([number])[0].tier == Tier.CPU
    before = device.policy_show()
    assert device.policy_set(min_stay=before.min_stay + 1).min_stay == before.min_stay + 1
    assert device.set_policy(min_stay=before.min_stay).min_stay == before.min_stay
    with device.agent(3, create=True) as agent:
        limits = [libtw.TW_NO_LIMIT] * 5
        limits[Tier.CPU] = 7
        assert list(device.agent_limit(agent, limits).pages) == limits
        assert list(device.agent_limit(3).pages) == list(device.agent_limits(3).pages) == limits
        assert 3 in {one.id for one in device.agent_list()}
        assert device.agent_show(3).regions == device.agent_stats(3).regions
        with pytest.raises(TypeError, match="not both"):
            device.agent_limit(agent, group="/x")
    none = [libtw.TW_NO_LIMIT] * 5
    assert list(device.agent_limit(pages=limits, group="/x").pages) == limits
    assert list(device.agent_limit(pages=none, group="/x").pages) == none
    first = device.thresholds(Tier.SSD)
    now = device.pressure_set(Tier.SSD, (50, 60, 70), (40, 50, 60))
    assert list(now.enter) == [50, 60, 70]
    device.pressure_set(Tier.SSD, list(first.enter), list(first.leave))


def test_bound_tiers(device, dev):
    assert set(device.bound()) == dev.bound()
    for tier in device.bound():
        assert bytes(device.tier_info(tier)) == bytes(dev.tier_info(tier))
        assert device.pressure(tier).capacity == dev.pressure(tier).capacity
        assert device.tier_stats(tier).capacity == device.tier_info(tier).capacity
    with pytest.raises(OSError) as caught:
        device.tier_info(5)
    assert caught.value.errno == errno.EINVAL


def test_a_region_moves_and_keeps_its_bytes(device, region):
    for index in range(16):
        region.memory[index * PAGE] = index + 1
    assert region.info().pages[Tier.CPU] == 16
    moves = region.migrate(0, 8 * PAGE, Tier.NVME)
    assert (moves.moved, moves.failed, moves.status) == (8, 0, [0] * 8)
    assert [page.tier for page in region.pages()] == [Tier.NVME] * 8 + [Tier.CPU] * 8
    again = device.migrate([region.page(0), region.page(9 * PAGE)], Tier.NVME)
    assert (again.moved, again.already, again.status) == (1, 1, [tw.TW_MOVE_ALREADY, 0])
    assert device.migrate_addr(region.addr, 2 * PAGE, Tier.GPU).moved == 2
    assert [page.tier for page in device.page_info([region.page(0), region.page(9 * PAGE)])] == [
        Tier.GPU, Tier.NVME]
    assert [region.memory[index * PAGE] for index in range(16)] == list(range(1, 17))
    assert region.discard(0, 4 * PAGE) == 4
    assert region.memory[0] == 0 and region.memory[4 * PAGE] == 5


def test_pages_have_numbers(device, region):
    assert region.page(3 * PAGE + 5) == libtw.TW_PAGE(region.id, 3)
    assert device.addr_page(region.addr + 3 * PAGE) == region.page(3 * PAGE)
    for offset in (-1, 16 * PAGE):
        with pytest.raises(ValueError, match="not within"):
            region.page(offset)


def test_a_refused_move_changes_nothing(region):
    region.memory[0] = 7
    before = bytes(region.info())
    with pytest.raises(OSError) as caught:
        region.migrate(0, PAGE, 9)
    assert caught.value.errno == errno.EINVAL
    assert bytes(region.info()) == before


def test_a_region_in_use_is_not_closed(region):
    view = memoryview(region.memory)
    with pytest.raises(BufferError):
        region.close()
    assert not region.closed
    view.release()
    region.close()
    assert region.closed
    with pytest.raises(ValueError, match="Region is closed"):
        region.info()


def test_agents(device):
    with device.agent(77, create=True) as agent:
        assert agent.id == 77
        with pytest.raises(FileExistsError):
            device.agent(77, create=True)
        with device.agent(77) as same, device.region(4 * PAGE, agent=same) as region:
            region.memory[0] = 1
            assert device.agent_stats(agent).pages[Tier.CPU] == 1
            assert list(device.agent_stats(77).pages) == list(device.agent_stats(agent).pages)
            assert [entry.pages[Tier.CPU] for entry in device.agents() if entry.id == 77] == [1]
            limits = [libtw.TW_NO_LIMIT] * 5
            limits[Tier.GPU] = 12
            device.set_agent_limits(limits, agent)
            assert list(device.agent_limits(77).pages) == limits
            assert device.agent_migrate(Tier.SSD, agent=77) == (1, 0)
            assert region.info().pages[Tier.SSD] == 1
    with pytest.raises(FileNotFoundError):
        device.agent_stats(78)


def test_groups(device):
    limits = [libtw.TW_NO_LIMIT] * 5
    limits[Tier.HDD] = 12
    for group in ("/a/b", 65534):
        device.set_group_limits(limits, group)
        assert list(device.group_limits(group).pages) == limits
    assert {group: list(found.pages) for group, found in device.groups().items()} == \
        {"/a/b": limits, 65534: limits}
    for group in ("/a/b", 65534):
        device.set_group_limits([libtw.TW_NO_LIMIT] * 5, group)
    assert device.groups() == {}
    with device.region(PAGE):
        (entry,) = device.agents()
        with device.open_agent(entry) as agent:
            assert agent.id == entry.id and device.agent_stats(agent).is_default == 1


def test_events(device):
    with device.agent(78) as agent, device.region(8 * PAGE, agent=agent) as region, \
            device.stream(Event.FAULT.bit() | Event.MIGRATE.bit(), agent=agent,
                          events=64) as stream:
        assert stream.read() == [] and not stream.wait(0)
        for index in range(8):
            region.memory[index * PAGE] = 1
        region.migrate(0, PAGE, Tier.HDD)
        assert stream.wait(1000)
        events = stream.read()
        assert [event.type for event in events].count(Event.FAULT) == 8
        moved = [event for event in events if event.type == Event.MIGRATE]
        assert [(event.tier, event.to_tier, event.page) for event in moved] == [
            (Tier.CPU, Tier.HDD, region.page(0))]
        assert (stream.seen, stream.lost) == (9, 0)


def test_requests_and_marks(device, region):
    region.memory[0] = region.memory[PAGE] = 1
    done = device.request([libtw.Request(page=region.page(0), from_tier=Tier.NONE,
                                         to_tier=Tier.NVME)], wait=True)
    assert [request.status for request in done] == [0]
    assert region.pages(0, PAGE)[0].tier == Tier.NVME
    each = device.mark([region.page(PAGE), libtw.TW_PAGE(region.id, 99)], Temperature.HOT)
    assert (each.ok, each.failed, each.status) == (1, 1, [0, -errno.ENOENT])
    assert region.page(PAGE) in [page.page for page in device.page_list(Temperature.HOT)]
    assert region.page(PAGE) in [page.page for page in device.page_sample()]
    assert len(device.page_sample(most=1)) == 1


def test_statistics(device, region):
    before = device.counters(Tier.CPU).first
    region.memory[0] = 1
    assert device.counters(Tier.CPU).first == before + 1
    assert device.stats().regions >= 1
    assert device.module_stats().regions == device.stats().regions
    assert device.fault_stats(Tier.CPU).first >= 1


def test_policy(device):
    old = device.policy()
    try:
        assert device.set_policy(min_stay=5).min_stay == 5
        assert device.set_policy(enabled=Switch.WATCH).enabled == Switch.WATCH == 2
        with pytest.raises(OSError) as caught:
            device.set_policy(min_stay=5000, max_rate=1)
        assert caught.value.errno == errno.EINVAL
        with pytest.raises(TypeError, match="no knob 'speed'.*min_stay"):
            device.set_policy(speed=1)
        assert device.policy().max_rate == old.max_rate
    finally:
        device.set_policy(**old.knobs())
    assert bytes(device.policy()) == bytes(old)
