#include <fstream>
#include <iostream>

#include "distributed/error.hpp"
#include "distributed/output_guard.hpp"
#include "distributed/staged_path.hpp"
#include "src/commands/commands.hpp"
#include "src/reports/page/page.hpp"

namespace otfleet {

void run_report(const std::filesystem::path& folder, const std::filesystem::path& output) {
  const auto file = output.empty() ? folder / "report.html" : output;
  distributed::check_replaceable(file, page::page_mark());  // before anything is read
  const std::string html = page::page_of(folder);
  distributed::StagedPath staged(file, page::page_mark());
  std::ofstream stream(staged.temporary(), std::ios::binary);
  stream << html;
  stream.close();
  if (!stream) throw UserError(file.string() + ": cannot be written to the end");
  staged.commit();
  std::cout << "report: " << file.string() << "\n";
}

}  // namespace otfleet
