#pragma once

namespace otfleet {

/// The first line of scaling.csv.
inline constexpr const char* scaling_csv_header =
    "command,scaling,origin,ranks,items,seconds,items_per_second,efficiency,serial,compute,"
    "communication,io,waiting";

}  // namespace otfleet
