#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

// What problems between clouds may have besides their measures, for maps that depend on it:
//   /problems/context [P, C]  numbers that describe a problem: a dose, a time, which drug
//   /problems/image [N, d]    where the true map takes the source's points, all of problem 0 first,
//                             to judge maps by
// All local.

namespace otfleet {

struct Contexts {
  std::int64_t width = 0;      ///< C; 0: there are none
  std::vector<double> values;  ///< [P, C]
};

/// What a file says; empty: nothing. Throw UserError. `dimension` is d.
Contexts read_contexts(const distributed::Hdf5File& file);
std::vector<double> read_images(const distributed::Hdf5File& file, std::int64_t dimension);

/// Write nothing where there is nothing.
void write_contexts(distributed::Hdf5File& file, const Contexts& contexts);
void write_images(distributed::Hdf5File& file, const std::vector<double>& images,
                  std::int64_t dimension);

/// Unless there are none, or a finite row for every problem. Throws UserError that begins with
/// `name`, the file.
void check_contexts(const std::string& name, const Contexts& contexts, std::int64_t problems);
/// Unless there are none, or `points` finite rows.
void check_images(const std::string& name, const std::vector<double>& images, std::int64_t points,
                  std::int64_t dimension);

}  // namespace otfleet
