# SPDX-License-Identifier: GPL-2.0
"""The machines that tools/vm can be: nodes, their HMAT figures and the stores.

Owns the table of topologies and turns one into QEMU's arguments.
"""

import re
from dataclasses import dataclass, replace

MIB = 1 << 20
UNITS = {"": 1, "K": 1 << 10, "M": MIB, "G": 1 << 30}
CPU_DISTANCE, GPU_DISTANCE = 20, 40
# HMAT, in QEMU's units: nanoseconds, and bytes per second with a suffix.
FIGURES = {"cpu": (50, "100G"), "remote": (90, "60G"), "gpu": (200, "900G"), "cxl": (200, "50G")}
# Bytes and operations per second.
THROTTLE = {"nvme": (400_000_000, 50_000), "ssd": (100_000_000, 10_000),
            "hdd": (20_000_000, 200)}
# Sanitisers need room: KASAN's shadow and quarantine, lockdep's tables.
DEBUG_SCALE = 2


@dataclass(frozen=True)
class Topology:
    """One machine; sizes are in MiB."""
    help: str
    cpus: tuple = (512, 512)        # memory of the nodes with a CPU
    smp: int = 0                    # CPUs in all, 0: one a node
    gpu: int = 256                  # memory of the CPU-less node, 0: none
    figures: str = "gpu"            # of the CPU-less node
    movable: bool = False           # the CPU-less node is a hot-plugged DIMM
    stores: tuple = (("nvme", 512), ("ssd", 1024), ("hdd", 1024))
    throttled: bool = True


DEFAULT = Topology("two CPU nodes, a CPU-less node as GPU, three throttled stores")
TOPOLOGIES = {
    "default": DEFAULT,
    "one-node": replace(DEFAULT, help="one CPU node with two CPUs, GPU, stores",
                        cpus=(1024,), smp=2),
    "no-stores": replace(DEFAULT, help="two CPU nodes and GPU, no store", stores=()),
    "no-gpu": replace(DEFAULT, help="two CPU nodes and stores, no CPU-less node", gpu=0),
    "movable": replace(DEFAULT, help="as default, the GPU node is all ZONE_MOVABLE",
                       movable=True),
    "demo": replace(DEFAULT, help="one CPU node, GPU, larger stores", cpus=(1024,), smp=2,
                    stores=(("nvme", 1024), ("ssd", 2048), ("hdd", 4096))),
    "unthrottled": replace(DEFAULT, help="as default, stores as fast as they go",
                           throttled=False),
    "icount": replace(DEFAULT, help="one CPU, GPU, stores: for counting instructions",
                      cpus=(1024,)),
    "cxl": replace(DEFAULT, help="as icount, the CPU-less node slower in all than the CPU's",
                   cpus=(1024,), figures="cxl"),
}


def parse_size(text):
    """512M -> 512, in MiB."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match or int(match.group(1)) * UNITS[match.group(2)] % MIB:
        raise ValueError(f"{text}: not a size in whole MiB (say 512M or 2G)")
    return int(match.group(1)) * UNITS[match.group(2)] // MIB


def resize(topology, spec):
    """Apply --mem '0=1G,2=256M,nvme=2G'."""
    cpus, gpu, stores = list(topology.cpus), topology.gpu, dict(topology.stores)
    for item in filter(None, spec.split(",")):
        name, _, text = item.partition("=")
        size = parse_size(text)
        if name in stores:
            stores[name] = size
        elif name.isdigit() and int(name) < len(cpus):
            cpus[int(name)] = size
        elif gpu and name == str(len(cpus)):
            gpu = size
        else:
            raise ValueError(f"--mem {item}: no such node or store in this topology")
    return replace(topology, cpus=tuple(cpus), gpu=gpu, stores=tuple(stores.items()))


def scaled(topology):
    """The same machine with memory for a sanitised kernel."""
    return replace(topology, cpus=tuple(size * DEBUG_SCALE for size in topology.cpus),
                   gpu=topology.gpu * DEBUG_SCALE)


def node_args(topology):
    """Memory, CPUs, distances and HMAT."""
    smp = topology.smp or len(topology.cpus)
    fixed = sum(topology.cpus) + (0 if topology.movable else topology.gpu)
    memory = f"{fixed}M"
    if topology.movable:
        memory += f",slots=2,maxmem={fixed + 4 * topology.gpu}M"
    sockets = len(topology.cpus)
    args = ["-m", memory,
            "-smp", f"{smp},sockets={sockets},cores={smp // sockets},threads=1"]
    for node, size in enumerate(topology.cpus):
        args += ["-object", f"memory-backend-ram,id=m{node},size={size}M",
                 "-numa", f"node,nodeid={node},memdev=m{node},initiator={node}",
                 "-numa", f"cpu,node-id={node},socket-id={node}"]
    return args + gpu_args(topology) + figure_args(topology)


def gpu_args(topology):
    """The CPU-less node: ordinary memory or a hot-pluggable DIMM."""
    if not topology.gpu:
        return []
    node = len(topology.cpus)
    backend = ["-object", f"memory-backend-ram,id=m{node},size={topology.gpu}M"]
    if not topology.movable:
        return backend + ["-numa", f"node,nodeid={node},memdev=m{node},initiator=0"]
    return backend + ["-numa", f"node,nodeid={node},initiator=0",
                      "-device", f"pc-dimm,id=dimm{node},memdev=m{node},node={node}"]


def figure_args(topology):
    """Distances and HMAT's latency and bandwidth for each initiator and target."""
    initiators = range(len(topology.cpus))
    targets = range(len(topology.cpus) + bool(topology.gpu))
    args = []
    for source in initiators:
        for target in targets:
            gpu = target >= len(topology.cpus)
            kind = topology.figures if gpu else "cpu" if source == target else "remote"
            latency, bandwidth = FIGURES[kind]
            entry = f"hmat-lb,initiator={source},target={target},hierarchy=memory,data-type=access-"
            args += ["-numa", f"{entry}latency,latency={latency}",
                     "-numa", f"{entry}bandwidth,bandwidth={bandwidth}"]
            if target > source:
                args += ["-numa", f"dist,src={source},dst={target},"
                                  f"val={GPU_DISTANCE if gpu else CPU_DISTANCE}"]
    return args


def store_args(topology, folder):
    """The stores as sparse images in `folder`."""
    args = []
    if any(name != "nvme" for name, _ in topology.stores):
        args += ["-device", "virtio-scsi-pci,id=sc"]
    for name, size in topology.stores:
        image = folder / f"{name}.img"
        with open(image, "wb") as out:
            out.truncate(size * MIB)
        drive = (f"if=none,id={name},format=raw,cache=unsafe,discard=unmap,"
                 f"file={str(image).replace(',', ',,')}")
        if topology.throttled:
            rate, operations = THROTTLE[name]
            drive += f",throttling.bps-total={rate},throttling.iops-total={operations}"
        args += ["-drive", drive, "-device", STORE_DEVICES[name]]
    return args


STORE_DEVICES = {
    "nvme": "nvme,drive=nvme,serial=tier-nvme",
    "ssd": "scsi-hd,bus=sc.0,lun=0,drive=ssd,rotation_rate=1,product=TIERSSD",
    "hdd": "scsi-hd,bus=sc.0,lun=1,drive=hdd,rotation_rate=7200,product=TIERHDD",
}
