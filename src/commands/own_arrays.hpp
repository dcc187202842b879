#pragma once
#include <string>
#include <vector>

#include "src/commands/own_data.hpp"
#include "src/config/choice.hpp"

namespace otfleet {

/// What arrays of users are.
enum class OwnKind { weights, images, points };

template <>
struct Choices<OwnKind> {
  static constexpr Choice<OwnKind> list[] = {
      {"weights", OwnKind::weights}, {"images", OwnKind::images}, {"points", OwnKind::points}};
};

/// A side's array by its shape and the options.
struct OwnArray {
  std::string name;
  std::vector<std::int64_t> shape;
  OwnKind kind = OwnKind::points;
  bool is_sparse = false;  ///< most entries are zero
};

/// Reads the array that an option names to see its shape. Throws UserError. Local.
OwnArray look_at(const std::string& name, const OwnData& data);

/// "a.npy [200, 3]: 200 points of 3 coordinates", one line for people.
std::string describe(const OwnArray& array, const OwnData& data);

/// "a.npy was taken for points (--kind says otherwise)", to follow what is wrong with it.
std::string taken_for(const OwnArray& array, const OwnData& data);

}  // namespace otfleet
