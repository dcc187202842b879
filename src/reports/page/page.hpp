#pragma once
#include <filesystem>
#include <string>

#include "distributed/file_mark.hpp"

namespace otfleet::page {

/// page.html and page.css of this folder, which the build puts into the program.
extern const char* const page_html;
extern const char* const page_css;

/// What is in a file that otfleet report wrote.
distributed::FileMark page_mark();

/// A folder's runs as one HTML page, which needs no other file. Solutions are read in pieces. What
/// is missing or damaged is said in the page. Throws UserError where no run has a report. Local.
std::string page_of(const std::filesystem::path& folder);

}  // namespace otfleet::page
