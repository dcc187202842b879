"""Writes land.h5: where ships cannot go, and some ports.

Usage: python3 make_land.py [land.h5]     (needs global-land-mask, numpy and h5py)

`land` [180, 360] is 1 where most of a cell of one degree is land, and 0 at sea. Its first row lies at latitude -89.5,
its first column at longitude -179.5. Cells beyond 66 degrees north and 60 degrees south count as ice, which is 1 too.
Three places are too narrow for cells of one degree, and are set by hand: the strait of Malacca is open, Panama and Suez
are closed. `from` and `to` are longitude and latitude of places off some ports.
"""

import pathlib
import sys

import h5py
import numpy as np
from global_land_mask import globe

SAMPLES = 10  # of a cell, along each side
ICE_NORTH, ICE_SOUTH = 66, -60

# Cells that begin at longitudes west up to before east, latitudes south up to before north.
OPEN = [(99, 101, 3, 4), (101, 103, 2, 3), (102, 104, 1, 2), (103, 104, 0, 1)]  # Malacca
CLOSED = [(-83, -77, 8, 9), (32, 35, 29, 32)]                                   # Panama, Suez

FROM = {"Brest": (-7, 48.5), "New York": (-72, 39), "Santos": (-44, -25)}
TO = {"Cape Town": (17, -35), "Mumbai": (71, 18), "Singapore": (104.5, 2), "Shanghai": (124, 31), "Sydney": (153, -34)}


def land():
    longitude = -180 + (np.arange(360 * SAMPLES) + 0.5) / SAMPLES
    latitude = -90 + (np.arange(180 * SAMPLES) + 0.5) / SAMPLES
    samples = globe.is_land(latitude[:, None], longitude[None, :])
    cells = samples.reshape(180, SAMPLES, 360, SAMPLES).mean(axis=(1, 3)) > 0.5
    cells[90 + ICE_NORTH:] = True
    cells[:90 + ICE_SOUTH] = True
    for boxes, value in (OPEN, False), (CLOSED, True):
        for west, east, south, north in boxes:
            cells[90 + south:90 + north, 180 + west:180 + east] = value
    return cells.astype(np.uint8)


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "land.h5"
    with h5py.File(output, "w") as file:
        file.attrs["source"] = "GLOBE land mask (PyPI package global-land-mask, MIT)"
        file.create_dataset("land", data=land(), compression="gzip", compression_opts=9)
        for name, ports in ("from", FROM), ("to", TO):
            file.create_dataset(name, data=np.array(list(ports.values()), dtype=float))
            file[name].attrs["names"] = list(ports)


if __name__ == "__main__":
    main()
