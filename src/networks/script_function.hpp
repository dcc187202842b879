#pragma once
#include "src/models/network_library.hpp"

namespace otfleet {

/// As NetworkLibrary::run_script.
ScriptValues run_script(const std::string& file, std::span<const double> rows, std::int64_t width);

}  // namespace otfleet
