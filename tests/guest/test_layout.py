# SPDX-License-Identifier: GPL-2.0
"""The binding against the header, as the compiler sees it."""

import re
import subprocess
from pathlib import Path

import pytest

import tw

pytestmark = pytest.mark.once

HEADER = Path(__file__).resolve().parents[2] / "uapi" / "linux" / "tierwatch.h"
FAR = tw.TW_PAGE((7 << 28) - 1, (1 << 35) - 1)
MACROS = {"TW_PAGE": ((5 << 28) + 3, 1 << 34), "TW_PAGE_REGION": (FAR,),
          "TW_PAGE_INDEX": (FAR,), "TW_PAGE_OWNER": ((3 << 28) + 9,), "TW_EVENT_BIT": (6,)}


def header_text() -> str:
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)


def header_structs() -> dict[str, list[str]]:
    """Struct name -> member names, in order."""
    structs = {}
    for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", header_text(), re.S | re.M):
        structs[name] = re.findall(r"(\w+)(?:\[\w+\])?;", body)
    return structs


def header_constants() -> list[str]:
    """Plain macros and enumerators."""
    text = header_text()
    names = re.findall(r"^#define (TW_\w+)[ \t]+\S", text, re.M)
    for body in re.findall(r"^enum \w+ \{\n(.*?)^\};", text, re.S | re.M):
        names += re.findall(r"^\t(TW_\w+)", body, re.M)
    return names


@pytest.fixture(scope="module")
def compiler(tmp_path_factory) -> dict[str, int]:
    """What the compiler says: 'struct', 'struct.member' (offset), 'struct.member#' (size)
    and the value of each constant."""
    lines = []
    for name, members in header_structs().items():
        lines.append(f'P("{name}", sizeof(struct {name}));')
        for member in members:
            lines.append(f'P("{name}.{member}", offsetof(struct {name}, {member}));')
            lines.append(f'P("{name}.{member}#", sizeof(((struct {name} *)0)->{member}));')
    for name in header_constants():
        if name not in ("TW_DEVICE", "TW_STORE_MAGIC"):
            lines.append(f'P("{name}", {name});')
    for name, args in MACROS.items():
        lines.append(f'P("{name}()", {name}({", ".join(f"{arg}ULL" for arg in args)}));')
    folder = tmp_path_factory.mktemp("layout")
    source = folder / "layout.c"
    source.write_text("#include <stddef.h>\n#include <stdio.h>\n"
                      f'#include "{HEADER}"\n'
                      '#define P(n, v) printf("%s %llu\\n", n, (unsigned long long)(v))\n'
                      "int main(void)\n{\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
    program = folder / "layout"
    subprocess.run(["gcc", "-O0", "-o", program, source], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in map(str.split, output.splitlines())}


def test_every_struct_is_mirrored():
    assert set(header_structs()) == set(tw.STRUCTS)
    assert len(tw.STRUCTS) >= 20


def test_every_constant_is_mirrored():
    names = header_constants()
    assert len(names) > 80
    assert [name for name in names if not hasattr(tw, name)] == []


@pytest.mark.parametrize("name", sorted(tw.STRUCTS))
def test_struct(name, compiler):
    struct = tw.STRUCTS[name]
    assert [member for member, _ in struct._fields_] == header_structs()[name]
    for member, _ in struct._fields_:
        field = getattr(struct, member)
        assert field.offset == compiler[f"{name}.{member}"], member
        assert field.size == compiler[f"{name}.{member}#"], member
    assert tw.sizeof(struct) == compiler[name]


def test_constants(compiler):
    wrong = {name: (getattr(tw, name), value) for name, value in compiler.items()
             if re.fullmatch(r"[A-Z_0-9]+", name) and getattr(tw, name) != value}
    assert wrong == {}
    text = HEADER.read_text()
    assert f'"{tw.TW_DEVICE}"' in text and f'"{tw.TW_STORE_MAGIC}"' in text


@pytest.mark.parametrize("name", sorted(MACROS))
def test_macros(name, compiler):
    assert getattr(tw, name)(*MACROS[name]) == compiler[f"{name}()"]


def test_no_struct_has_holes():
    """Every byte belongs to a member: nothing of the kernel's can leak through padding."""
    for name, struct in tw.STRUCTS.items():
        assert sum(getattr(struct, member).size for member, _ in struct._fields_) == \
            tw.sizeof(struct), name


# What a 32-bit machine needs: each u64 in one load. gcc says by this macro that it can.
@pytest.mark.parametrize("header", ["tw_ring.h", "tw_stats.h"])
@pytest.mark.parametrize("machine,good", [("i686", True), ("i386", False)])
def test_headers_on_32_bits(header, machine, good, tmp_path):
    """They load 64 bits in one piece there, or are refused."""
    top = HEADER.parents[2]
    source, result = tmp_path / "use.c", tmp_path / "use.s"
    source.write_text(f'#include "{top}/libtw/{header}"\n'
                      "unsigned long long ring(struct tw_ring_header *h)\n"
                      "{ return __atomic_load_n(&h->head, __ATOMIC_ACQUIRE); }\n"
                      "#ifdef tw_stats_has\n"
                      "void tier(struct tw_stats *s, struct tw_stats_tier *t)\n"
                      "{ tw_stats_tier_read(s, 1, t); }\n#endif\n")
    done = subprocess.run(
        ["gcc", "-m32", f"-march={machine}", "-O2", "-Wall", "-Werror", "-S", "-o", result, source,
         f"-I{top}/uapi", "-idirafter", "/usr/include/x86_64-linux-gnu"],
        check=False, capture_output=True, text=True)
    assert (done.returncode == 0) == good, done.stderr
    if good:
        assert "__atomic_load" not in result.read_text(), "a call that need not be one load"
    else:
        assert "in one piece" in done.stderr


def test_events_fill_a_cache_line():
    assert tw.sizeof(tw.Event) == 64
    assert tw.sizeof(tw.StreamCtl) == tw.PAGE
