"""device_layout_test.py PROBE: do host and device agree on the sizes and offsets of what kernels capture?

PROBE (device_layout_probe.cpp) prints the host's; the device's are the constants that its kernel
otfleet_device_layout stores, in the PTX that cuobjdump shows. No GPU is needed. Exit code 77: no
cuobjdump.
"""
import os
import re
import struct
import subprocess
import sys


def device_layout(ptx):
    """The numbers that the kernel stores, by their place."""
    kernels = [text for text in ptx.split(".entry ")[1:] if "otfleet_device_layout" in text.split("(")[0]]
    assert kernels, "the probe has no kernel otfleet_device_layout"
    registers = dict(re.findall(r"mov\.\w+\s+(%\w+), (\w+);", kernels[0]))
    stored = {}
    for place, value in re.findall(r"st\.global\.\w+\s+\[%\w+\+?(\d*)\], (%?\w+);", kernels[0]):
        value = registers.get(value, value)
        bits = int(value[2:], 16) if value.startswith("0d") else int(value)
        stored[int(place or 0) // 8] = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return [stored[k] for k in range(len(stored))]


def main():
    probe = sys.argv[1]
    cuobjdump = os.environ.get("CUOBJDUMP", "cuobjdump")
    try:
        ptx = subprocess.run([cuobjdump, "-ptx", probe], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        print(f"{cuobjdump} is not there; set CUOBJDUMP")
        return 77
    printed = subprocess.run([probe], capture_output=True, text=True, check=True).stdout
    host, device = [float(number) for number in printed.split()], device_layout(ptx)
    print("host  ", host)
    print("device", device)
    if host != device:
        print("they differ: build Kokkos with -DKokkos_ENABLE_IMPL_VIEW_LEGACY=ON, or use another version of it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
