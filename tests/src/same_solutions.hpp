#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet::testing {

/// The same bits, or NaN in both. Names the first difference, and says how many there are.
inline void expect_same_numbers(const std::vector<double>& a, const std::vector<double>& b,
                                const std::string& name) {
  ASSERT_EQ(a.size(), b.size()) << name;
  std::size_t first = a.size(), last = 0, count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    first = std::min(first, i);
    last = i;
    ++count;
  }
  if (count > 0)
    ADD_FAILURE() << name << ": " << count << " numbers differ, from number " << first << " ("
                  << a[first] << ", " << b[first] << ") to number " << last << " (" << a[last]
                  << ", " << b[last] << ")";
}

/// Two solution files: dataset by dataset and attribute by attribute, bit by bit.
inline void expect_same_solutions(const std::filesystem::path& first,
                                  const std::filesystem::path& second) {
  const auto a = distributed::Hdf5File::open(first), b = distributed::Hdf5File::open(second);
  EXPECT_EQ(a.string_attribute("/", "otfleet_kind"), "solution");
  EXPECT_EQ(a.number_attribute("/", "otfleet_version"), 1);
  EXPECT_EQ(a.attributes("/"), b.attributes("/"));
  EXPECT_EQ(a.children("/"), b.children("/"));
  for (const auto& group : a.children("/")) {
    EXPECT_EQ(a.attributes("/" + group), b.attributes("/" + group));
    const auto names = a.children("/" + group);
    EXPECT_EQ(names, b.children("/" + group));
    for (const auto& name : names) {
      const auto dataset = "/" + group + "/" + name;
      EXPECT_EQ(a.info(dataset).shape, b.info(dataset).shape) << dataset;
      if (a.info(dataset).is_integer) {
        EXPECT_EQ(a.read<std::int64_t>(dataset), b.read<std::int64_t>(dataset)) << dataset;
      } else {
        expect_same_numbers(a.read<double>(dataset), b.read<double>(dataset), dataset);
      }
    }
  }
}

}  // namespace otfleet::testing
