#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A region in Python: work in it, move a half of it away, look where its pages are and how
hot, and read the events of that where the driver has written them."""

import libtw
from libtw import Event, Reason, Temperature, Tier

LABEL = 1003
PAGES = 64
PAGE = 4096


def slowest_store(device: libtw.Device) -> Tier | None:
    """The slowest store that is bound."""
    stores = [tier for tier in device.bound() if device.tier_info(tier).kind == 2]
    return stores[-1] if stores else None


def show(region: libtw.Region) -> None:
    """Some pages: tier, heat, temperature."""
    for index, page in enumerate(region.pages()):
        if index % (PAGES // 4) == 0:
            print(f"page {index:2}: {libtw.tier_name(page.tier):4} heat {page.heat:3}, "
                  f"{Temperature(page.temperature).name.lower()}")


def moves_of(stream: libtw.Stream) -> list[tuple[str, str, str]]:
    """From where, to where and why, without a copy of any event."""
    found = []
    while (view := stream.peek()) is not None:
        with view:
            *_, source, to, reason, _status, _flags, _ = libtw.abi.Event.LAYOUT.unpack_from(view)
        # The driver writes on: only now it is sure that what was read was an event.
        if stream.ok():
            found.append((libtw.tier_name(source), libtw.tier_name(to),
                          libtw.reason_name(reason)))
    return found


def main() -> None:
    """The whole of it."""
    with libtw.Device() as device, device.agent(LABEL, create=True) as agent, \
            device.stream(Event.MIGRATE.bit(), agent=agent) as stream, \
            device.region(PAGES * PAGE, agent=agent) as region:
        print(device, agent, region, stream, sep="\n")
        for index in range(PAGES):
            region.memory[index * PAGE] = index + 1
        store = slowest_store(device)
        if store is not None:
            moves = region.migrate(0, PAGES // 2 * PAGE, store, reason=Reason.COLD)
            print(f"{moves.moved} pages went to {libtw.tier_name(store)}")
        show(region)
        for way in sorted(set(told := moves_of(stream))):
            print(f"{told.count(way)} events: {way[0]} to {way[1]}, {way[2]}")
        assert [region.memory[index * PAGE] for index in range(PAGES)] == \
            list(range(1, PAGES + 1))
        try:
            region.migrate(0, PAGE + 1, Tier.CPU)
        except OSError as error:
            print(f"refused: {error}")


if __name__ == "__main__":
    main()
