#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace otfleet {

struct Job;

/// Sets of points of the plane, one after the other; mass moves from each to the next.
struct SetSequence {
  std::string name;
  std::int64_t sets = 0, of_set = 0;
  std::vector<double> points;  ///< [sets, of_set, 2]

  std::span<const double> set(std::int64_t which) const {
    const auto size = static_cast<std::size_t>(2 * of_set);
    return std::span(points).subspan(static_cast<std::size_t>(which) * size, size);
  }
  /// From one set to the next.
  std::int64_t moves() const { return sets - 1; }

  /// 16 hex digits over all of it. Local.
  std::string fingerprint() const;
};

/// Sequences from which Scarvelis & Solomon 2023 ('Riemannian metric learning via optimal
/// transport') and NLOT (arXiv 2406.00288, section 4.2) learn metrics, each with the name of the
/// Lagrangian whose directions are the true ones:
///
///   circle    24 Gaussians on a circle of radius 1, deviation 0.1
///   vee       10 mixtures from N(0, I) to half N((10, 10), I), half N((10, −10), I)
///   crossing  11 mixtures of two Gaussians of deviation 0.1, one of which goes from (−1, −1) to
///             (1, 1), the other one from (−1, 1) to (1, −1)
std::vector<std::string> set_sequence_names();

/// What a job says of [metric]. Throws UserError: a file that cannot be read, no array [T, N, 2]
/// with T and N from 2 on, values that are not finite, a point beyond metric.box. Local.
SetSequence read_set_sequence(const Job& job);

/// metric.box, or what holds the points and a tenth of that more on every side. Throws UserError:
/// points so far apart that differences are not finite. Local.
std::vector<double> box_of(const Job& job, const SetSequence& sequence);

}  // namespace otfleet
