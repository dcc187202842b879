#pragma once
#include <string>

#include "src/reports/page/run_tables.hpp"

namespace otfleet::page {

/// The pictures of a run as HTML: curves and histograms drawn from its numbers, and the PNG files
/// that show something else, inlined. Empty where there are none. Local.
std::string run_pictures(const ShownRun& shown);

}  // namespace otfleet::page
