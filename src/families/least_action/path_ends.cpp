#include "src/families/least_action/path_ends.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "distributed/error.hpp"
#include "src/config/checks.hpp"
#include "src/data/array_file.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"

namespace otfleet {
namespace {

std::vector<double> first_samples(const Sampler& sampler, std::int64_t count) {
  std::vector<double> points(static_cast<std::size_t>(count * sampler.dimension()));
  sampler.fill(0, count, points.data());
  return points;
}

bool names_samples(const Job& job) {
  return !job.samples.pair.empty() || !job.samples.source.empty();
}

void draw_ends(const CommandContext& context, PathEnds& ends) {
  const Job& job = context.job;
  if (!names_samples(job))
    throw UserError(
        "otfleet solve with problem = 'least_action': path.from.file and path.to.file name no "
        "points, and samples.pair no samples");
  const auto samplers = make_samplers(job, SampleUse::evaluate);
  ends.file = context.job_file;
  ends.dimension = samplers.source->dimension();
  ends.from_count = ends.to_count = job.path.draws;
  ends.from = first_samples(*samplers.source, job.path.draws);
  ends.to = first_samples(*samplers.target, job.path.draws);
}

void read_ends(const Job& job, PathEnds& ends) {
  auto from = read_points(job.path.from, "point"), to = read_points(job.path.to, "point");
  if (from.shape[1] != to.shape[1])
    throw UserError(fmt::format("{}: points of {} coordinates, but {} has {}", name_of(job.path.to),
                                to.shape[1], name_of(job.path.from), from.shape[1]));
  ends.file = job.path.from.file;
  ends.dimension = from.shape[1];
  ends.from_count = from.shape[0];
  ends.to_count = to.shape[0];
  ends.from = std::move(from.values);
  ends.to = std::move(to.values);
  if (job.path.pairs == PathPairs::one_to_one && ends.from_count != ends.to_count)
    throw UserError(fmt::format(
        "{}: {} points, but {} has {}; path.pairs = 'all' takes every one with every one",
        name_of(job.path.to), ends.to_count, name_of(job.path.from), ends.from_count));
}

std::vector<double> gathered(const std::vector<double>& points, std::int64_t dimension,
                             distributed::Shard paths, const auto& place) {
  std::vector<double> rows;
  rows.reserve(static_cast<std::size_t>(paths.size() * dimension));
  for (std::int64_t k = paths.begin; k < paths.end; ++k) {
    const auto first = points.begin() + place(k) * dimension;
    rows.insert(rows.end(), first, first + dimension);
  }
  return rows;
}

}  // namespace

std::vector<double> PathEnds::from_points(distributed::Shard paths) const {
  return gathered(from, dimension, paths, [&](std::int64_t k) { return from_of(k); });
}
std::vector<double> PathEnds::to_points(distributed::Shard paths) const {
  return gathered(to, dimension, paths, [&](std::int64_t k) { return to_of(k); });
}

std::string PathEnds::fingerprint() const {
  Fnv hash;
  hash.add(std::vector<std::int64_t>{dimension, from_count, to_count, all ? 1 : 0});
  hash.add(from);
  hash.add(to);
  return hash.digits();
}

void require_sampled_ends(const Job& job, const std::string& command) {
  if (!job.path.from.empty())
    throw UserError(fmt::format(
        "otfleet {}: path.from.file and path.to.file are for solve; this takes samples: "
        "samples.pair, or samples.source and samples.target of files",
        command));
  if (!names_samples(job))
    throw UserError(fmt::format(
        "otfleet {} with problem = 'least_action': samples.pair names no samples, nor do "
        "samples.source and samples.target",
        command));
}

PathEnds read_path_ends(const CommandContext& context, const kernels::Lagrangian& lagrangian) {
  const Job& job = context.job;
  PathEnds ends;
  ends.all = job.path.pairs == PathPairs::all;
  if (job.path.from.empty())
    draw_ends(context, ends);
  else
    read_ends(job, ends);
  const bool drawn = job.path.from.empty();
  const std::string name = drawn ? "[samples]" : name_of(job.path.from);
  require_points_for(name, lagrangian, ends.from, ends.dimension);
  require_points_for(drawn ? name : name_of(job.path.to), lagrangian, ends.to, ends.dimension);
  if (static_cast<double>(ends.from_count) * static_cast<double>(ends.to_count) >
          static_cast<double>(checks::most) &&
      ends.all)
    throw UserError(fmt::format("{}: {} x {} paths are more than {}", name, ends.from_count,
                                ends.to_count, checks::most));
  return ends;
}

}  // namespace otfleet
