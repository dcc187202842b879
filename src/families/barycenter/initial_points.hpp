#pragma once
#include <cstdint>
#include <vector>

#include "src/families/barycenter/free_support_population.hpp"

namespace otfleet {

/// Where `count` points of a problem's barycenter begin, [count, d]: points of its measures, spread
/// out as those of k-means++ (Arthur & Vassilvitskii 2007): the first one is drawn by weight (the
/// measure's in the mean times the point's in the measure), each that follows by weight times the
/// squared distance from the nearest one that was drawn. No two are equal where the measures have
/// so many different points; beyond, a point lies at random between two random ones of these.
/// Depends on seed, problem and the problem's measures alone. Local. Work: `count` distances for
/// each of the measures' points.
std::vector<double> draw_initial_points(const FreeSupportPopulation& population,
                                        std::int64_t problem, std::int64_t count,
                                        std::int64_t seed);

}  // namespace otfleet
