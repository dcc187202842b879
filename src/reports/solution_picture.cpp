#include "src/reports/solution_picture.hpp"

#include <spdlog/spdlog.h>

#include "distributed/file_mark.hpp"
#include "distributed/output_guard.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;

void remove_old(const fs::path& picture) {
  std::error_code ignored;
  if (distributed::FileMark::png().is_on(picture) && !distributed::is_input(picture))
    fs::remove(picture, ignored);
}

}  // namespace

DrawnPicture draw_solution_picture(const CommandContext& context, const fs::path& solution,
                                   const fs::path& population) {
  const auto picture = context.output / solution_picture_name;
  try {
    remove_old(picture);
    if (!context.job.solution.picture) return {};
    const auto file = distributed::Hdf5File::open(solution);
    const SolvedProblems solved{file, population, context.job};
    for (const auto* one : solution_pictures::list())
      if (one->fits(solved))
        return one->draw(solved, picture) ? DrawnPicture{picture, one->shows()} : DrawnPicture{};
  } catch (const std::exception& error) {
    spdlog::warn("no {}: {}", picture.string(), error.what());
  }
  return {};
}

}  // namespace otfleet
