#include "kernels/solvers/semidiscrete/winners.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/backend.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/matrix_product.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

union FloatBits {
  float number;
  std::uint32_t bits;
};

KOKKOS_INLINE_FUNCTION std::uint32_t bits_of(float value) {
  FloatBits both{};
  both.number = value;
  return both.bits;
}

KOKKOS_INLINE_FUNCTION float score_of(std::uint64_t key) {
  const auto ordered = static_cast<std::uint32_t>(key >> 32);
  FloatBits both{};
  both.bits = (ordered >> 31) != 0 ? ordered & 0x7fffffffu : ~ordered;
  return both.number;
}

constexpr float lowest_score = -std::numeric_limits<float>::max();

/// A tile of columns a team: rotates the scores of a batch in its memory and finds the largest.
template <class ExecutionSpace, bool soft>
struct TileWinners {
  using L = PointLanes<ExecutionSpace, float>;
  using Pack = typename L::Pack;
  static constexpr int batch = Winners<ExecutionSpace>::batch;
  static constexpr int width = Backend<ExecutionSpace>::score_columns;
  static constexpr int packs = width / L::pack_width;
  using Tile = Kokkos::View<float*, typename ExecutionSpace::scratch_memory_space,
                            Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

  Matrix<const float, ExecutionSpace> scores;   ///< [batch, columns], of a block
  Vector<const float, ExecutionSpace> heights;  ///< of all points
  Matrix<const float, ExecutionSpace> signs;
  Vector<std::uint64_t, ExecutionSpace> keys;
  int first, count;  ///< of the block's points, and of all
  float temperature;
  std::uint64_t seed;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Tile tile(team.team_scratch(Backend<ExecutionSpace>::score_scratch),
                    static_cast<std::size_t>(batch * width));
    const int column = team.league_rank() * width;
    for_each_pack(team, batch, [&](int row, int at) {
      L::store(&tile(row * width + at), L::load(&scores(row, column + at)));
    });
    team.team_barrier();
    const int rotations = static_cast<int>(signs.extent(0)) + 1;
    for (int r = 0; r < rotations; ++r) {
      if (r > 0) rotate(team, tile, r - 1);
      find(team, tile, column, r * batch);
      team.team_barrier();
    }
  }

  /// body(row, first column) for all packs of so many rows.
  template <class Body>
  KOKKOS_INLINE_FUNCTION void for_each_pack(const Team<ExecutionSpace>& team, int rows,
                                            const Body& body) const {
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows), [&](int row) {
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, packs),
                           [&](int p) { body(row, p * L::pack_width); });
    });
  }

  KOKKOS_INLINE_FUNCTION void rotate(const Team<ExecutionSpace>& team, const Tile& tile,
                                     int number) const {
    for_each_pack(team, batch, [&](int row, int at) {
      float* const here = &tile(row * width + at);
      L::store(here, L::load(here) * Pack(signs(number, row)));
    });
    team.team_barrier();
    static_assert(batch == 256, "four stages of radix four");
    for (int step = 1; step < batch; step *= 4) {
      for_each_pack(team, batch / 4, [&](int q, int at) {
        const int row = q / step * 4 * step + q % step;
        float* const here = &tile(row * width + at);
        const Pack a = L::load(here), b = L::load(here + step * width),
                   c = L::load(here + 2 * step * width), e = L::load(here + 3 * step * width);
        const Pack sum = a + b, less = a - b, other = c + e, other_less = c - e;
        L::store(here, sum + other);
        L::store(here + step * width, less + other_less);
        L::store(here + 2 * step * width, sum - other);
        L::store(here + 3 * step * width, less - other_less);
      });
      team.team_barrier();
    }
  }

  /// What a point has in sample number `sample`.
  KOKKOS_INLINE_FUNCTION float score(const Tile& tile, int row, int at, int point,
                                     int sample) const {
    const float plain = tile(row * width + at) + heights(point);
    if constexpr (!soft) return plain;
    const CounterRandom random(seed, static_cast<std::uint64_t>(sample));
    const auto bits = random.bits(static_cast<std::uint64_t>(point)) >> 32;
    const float v = (static_cast<float>(bits) + 0.5f) * 0x1.0p-32f;
    return plain - temperature * logf(-log1pf(-(v < 1 ? v : 0x1.fffffep-1f)));
  }

  KOKKOS_INLINE_FUNCTION void find(const Team<ExecutionSpace>& team, const Tile& tile, int column,
                                   int first_sample) const {
    if constexpr (L::pack_width > 1 && !soft) {
      for (int row = 0; row < batch; ++row) find_by_packs(tile, column, row, first_sample + row);
    } else {
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch), [&](int row) {
        const int sample = first_sample + row;
        std::uint64_t best = 0;
        Kokkos::parallel_reduce(
            Kokkos::ThreadVectorRange(team, width),
            [&](int at, std::uint64_t& most) {
              const int point = first + column + at;
              if (point >= count) return;
              const auto key = key_of(bits_of(score(tile, row, at, point, sample)), point);
              if (key > most) most = key;
            },
            Kokkos::Max<std::uint64_t>(best));
        Kokkos::single(Kokkos::PerThread(team), [&]() { offer(sample, best); });
      });
    }
  }

  void find_by_packs(const Tile& tile, int column, int row, int sample) const {
    const float* const from = &tile(row * width);
    const float* const height = &heights(first + column);
    Pack most = L::load(from) + L::load(height);
    for (int p = 1; p < packs; ++p)
      most = max(most, L::load(from + p * L::pack_width) + L::load(height + p * L::pack_width));
    float lanes[L::pack_width];
    L::store(lanes, most);
    float best = lanes[0];
    for (int lane = 1; lane < L::pack_width; ++lane) best = lanes[lane] > best ? lanes[lane] : best;
    // Where a key of this score could win, which is rarely so, the point is looked for.
    if (key_of(bits_of(best), 0) <= keys(sample)) return;
    for (int at = 0; at < width; ++at)
      if (from[at] + height[at] == best) {
        if (first + column + at < count) offer(sample, key_of(bits_of(best), first + column + at));
        return;
      }
  }

  KOKKOS_INLINE_FUNCTION void offer(int sample, std::uint64_t key) const {
    if (key > keys(sample)) Kokkos::atomic_fetch_max(&keys(sample), key);
  }
};

/// A sample a thread: the largest score and the next one, of a block and those before.
template <class ExecutionSpace>
struct LargestTwo {
  Matrix<const float, ExecutionSpace> scores;
  Vector<const float, ExecutionSpace> heights;
  Matrix<float, ExecutionSpace> largest;  ///< [batch, 2]
  int first, used;

  KOKKOS_FUNCTION void operator()(int row) const {
    float most = largest(row, 0), second = largest(row, 1);
    for (int j = 0; j < used; ++j) {
      const float score = scores(row, j) + heights(first + j);
      if (score > most) {
        second = most;
        most = score;
      } else if (score > second) {
        second = score;
      }
    }
    largest(row, 0) = most;
    largest(row, 1) = second;
  }
};

/// A pack of columns a thread.
template <class ExecutionSpace>
struct SharesOfPoints {
  using L = PointLanes<ExecutionSpace, float>;
  using Pack = typename L::Pack;

  Matrix<const float, ExecutionSpace> scores;
  Vector<const float, ExecutionSpace> heights;
  Vector<const std::uint64_t, ExecutionSpace> keys;
  Vector<float, ExecutionSpace> sums;
  int first;
  float rate;

  KOKKOS_FUNCTION void operator()(int pack) const {
    const int at = pack * L::pack_width;
    const Pack height = L::load(&heights(first + at)), most(60.0f), factor(rate);
    Pack sum = L::load(&sums(first + at));
    for (int row = 0; row < static_cast<int>(scores.extent(0)); ++row)
      sum = sum + exp(min((L::load(&scores(row, at)) + height - Pack(score_of(keys(row)))) * factor,
                          most));
    L::store(&sums(first + at), sum);
  }
};

}  // namespace

template <class ExecutionSpace>
Winners<ExecutionSpace>::Winners(const ExecutionSpace& space,
                                 const Vector<const float, ExecutionSpace>& points, int count,
                                 int dimension)
    : space_(space), count_(count) {
  constexpr int width = Backend<ExecutionSpace>::score_columns;
  if (count < 1 || dimension < 1 ||
      points.extent(0) != static_cast<std::size_t>(count) * static_cast<std::size_t>(dimension))
    throw std::invalid_argument("winners are among points [N, d]");
  padded_ = (count + width - 1) / width * width;
  points_ = Matrix<float, ExecutionSpace>("otfleet::semidiscrete::points", padded_, dimension);
  Kokkos::deep_copy(space, Vector<float, ExecutionSpace>(points_.data(), points.extent(0)), points);
  const int block = std::min(Backend<ExecutionSpace>::score_block, padded_);
  scores_ = Vector<float, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::semidiscrete::scores"),
      static_cast<std::size_t>(batch) * static_cast<std::size_t>(block));
}

template <class ExecutionSpace>
template <class Work>
void Winners<ExecutionSpace>::for_each_block(const Matrix<const float, ExecutionSpace>& samples,
                                             const Work& work) const {
  const int d = static_cast<int>(points_.extent(1));
  if (static_cast<int>(samples.extent(0)) != batch || static_cast<int>(samples.extent(1)) != d)
    throw std::invalid_argument("samples are a batch of rows as long as points");
  for (int first = 0; first < padded_; first += Backend<ExecutionSpace>::score_block) {
    const int columns = std::min(Backend<ExecutionSpace>::score_block, padded_ - first);
    const Matrix<const float, ExecutionSpace> points(&points_(first, 0), columns, d);
    const Matrix<float, ExecutionSpace> scores(scores_.data(), batch, columns);
    detail::multiply<ExecutionSpace, float>(detail::Form::a_bt, samples, points, 0, scores, 2);
    work(first, columns, scores);
  }
}

template <class ExecutionSpace>
void Winners<ExecutionSpace>::find(const Matrix<const float, ExecutionSpace>& samples,
                                   const Matrix<const float, ExecutionSpace>& signs,
                                   const Vector<const float, ExecutionSpace>& heights,
                                   float temperature, std::uint64_t seed, const Keys& keys) const {
  if (static_cast<int>(heights.extent(0)) < padded())
    throw std::invalid_argument("heights are those of all points and what pads them");
  if (keys.extent(0) != (signs.extent(0) + 1) * batch ||
      (signs.extent(0) > 0 && static_cast<int>(signs.extent(1)) != batch))
    throw std::invalid_argument("there is a key for each sample of each rotation");
  Kokkos::deep_copy(space_, keys, std::uint64_t(0));
  for_each_block(samples, [&](int first, int columns, const Matrix<float, ExecutionSpace>& scores) {
    constexpr int width = Backend<ExecutionSpace>::score_columns,
                  level = Backend<ExecutionSpace>::score_scratch;
    const auto launch = [&](const auto& kernel) {
      using Tile = typename std::decay_t<decltype(kernel)>::Tile;
      Policy<ExecutionSpace> policy(space_, columns / width, Backend<ExecutionSpace>::team_size,
                                    Backend<ExecutionSpace>::vector_length);
      policy.set_scratch_size(level,
                              Kokkos::PerTeam(static_cast<int>(Tile::shmem_size(batch * width))));
      Kokkos::parallel_for("otfleet::semidiscrete::winners", policy, kernel);
    };
    if (temperature > 0)
      launch(TileWinners<ExecutionSpace, true>{scores, heights, signs, keys, first, count_,
                                               temperature, seed});
    else
      launch(TileWinners<ExecutionSpace, false>{scores, heights, signs, keys, first, count_, 0, 0});
  });
  space_.fence();
}

template <class ExecutionSpace>
void Winners<ExecutionSpace>::add_shares(const Matrix<const float, ExecutionSpace>& samples,
                                         const Vector<const float, ExecutionSpace>& heights,
                                         float temperature, const Keys& keys,
                                         const Vector<float, ExecutionSpace>& sums) const {
  if (static_cast<int>(sums.extent(0)) < padded_ || keys.extent(0) != batch)
    throw std::invalid_argument("shares are those of all points and what pads them");
  for_each_block(samples, [&](int first, int columns, const Matrix<float, ExecutionSpace>& scores) {
    using Kernel = SharesOfPoints<ExecutionSpace>;
    Kokkos::parallel_for(
        "otfleet::semidiscrete::shares",
        Kokkos::RangePolicy<ExecutionSpace>(space_, 0, columns / Kernel::L::pack_width),
        Kernel{scores, heights, keys, sums, first, 1 / temperature});
  });
  space_.fence();
}

template <class ExecutionSpace>
double Winners<ExecutionSpace>::mean_gap(const Matrix<const float, ExecutionSpace>& samples,
                                         const Vector<const float, ExecutionSpace>& heights) const {
  if (count_ < 2) return 0;
  const Matrix<float, ExecutionSpace> largest("otfleet::semidiscrete::largest", batch, 2);
  Kokkos::deep_copy(space_, largest, lowest_score);
  for_each_block(samples, [&](int first, int columns, const Matrix<float, ExecutionSpace>& scores) {
    Kokkos::parallel_for("otfleet::semidiscrete::gaps",
                         Kokkos::RangePolicy<ExecutionSpace>(space_, 0, batch),
                         LargestTwo<ExecutionSpace>{scores, heights, largest, first,
                                                    std::min(columns, count_ - first)});
  });
  double sum = 0;
  Kokkos::parallel_reduce(
      "otfleet::semidiscrete::mean_gap", Kokkos::RangePolicy<ExecutionSpace>(space_, 0, batch),
      KOKKOS_LAMBDA(int row, double& here) {
        here += static_cast<double>(largest(row, 0)) - static_cast<double>(largest(row, 1));
      },
      sum);
  return sum / batch;
}

#define OTFLEET_INSTANTIATE(Space) template class Winners<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
