#pragma once
#include <string>
#include <vector>

namespace otfleet {

/// Where the wall seconds of a run go, averaged over its ranks.
struct RunParts {
  double serial = 0;         ///< what every rank does whatever their number
  double compute = 0;        ///< what is shared out
  double communication = 0;  ///< sums over the ranks
  double io = 0;             ///< files that all ranks share
  double waiting = 0;        ///< for ranks with more work

  double total() const { return serial + compute + communication + io + waiting; }
};

/// One run of a scaling study: `items` problems, solved once or trained on, over some ranks.
struct ScalingRun {
  int ranks = 1;
  double items = 0;
  RunParts parts;
  /// More ranks than cores: it says nothing about either.
  bool oversubscribed = false;

  double seconds() const { return parts.total(); }
  double per_second() const { return items / seconds(); }
};

/// Seconds of one sum over `ranks` of values of so many bytes.
struct ReductionTiming {
  int ranks = 1;
  double bytes = 0, seconds = 0;
};

/// What a run costs on p ranks:
///   serial + item_seconds · items / p + reductions + io_seconds · items + waiting
/// with a sum over the ranks taking latency ⌈log2 p⌉ + 2 (p − 1)/p · bytes / bandwidth (a tree for
/// small sums, a ring for large ones: Thakur, Rabenseifner & Gropp 2005, section 4). Files are
/// taken to be as fast for all ranks together as for one.
struct CostModel {
  double serial = 0;        ///< seconds a run
  double item_seconds = 0;  ///< one item on one rank
  double io_seconds = 0;    ///< of one item
  double waiting = 0;       ///< seconds a run, on more than one rank
  double latency = 0;       ///< seconds
  double bandwidth = 0;     ///< bytes a second; 0: not known, and nothing large is summed
  double small_sums = 0;    ///< a run
  double large_sums = 0;    ///< a run
  double large_bytes = 0;   ///< of one
  double exposed = 1;       ///< share of large sums that is not hidden behind computing

  double sum_seconds(int ranks, double bytes) const;
  RunParts predict(int ranks, double items) const;
};

/// Fits latency and bandwidth to timings on more than one rank: the smallest bytes say one, the
/// largest the other. Without such timings both stay 0.
void fit_network(CostModel& model, const std::vector<ReductionTiming>& timings);

/// Fits the other figures to runs that are not oversubscribed, by least squares, none below zero:
/// serial and item_seconds to (serial + compute) over items/ranks, io_seconds to io over items,
/// waiting to its mean on more than one rank; then, with the network and the sums known, exposed to
/// the communication. At least one such run is needed.
void fit_runs(CostModel& model, const std::vector<ScalingRun>& runs);

/// One of serial, communication, io and waiting: the largest.
std::string largest_overhead(const RunParts& parts);

/// Where adding ranks stops paying: the first of 1, 2, 4, … `most` ranks whose efficiency,
/// compute over total time, is predicted below one half, and what takes most of the rest. `ranks`
/// is 0 where there is none. Strong: `items` in all; weak: on every rank.
struct ScalingLimit {
  int ranks = 0;
  std::string by;
};
ScalingLimit find_limit(const CostModel& model, double items, bool weak, int most);

}  // namespace otfleet
