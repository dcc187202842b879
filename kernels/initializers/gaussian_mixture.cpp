#include "kernels/initializers/gaussian_mixture.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/backend.hpp"
#include "kernels/initializers/mixture_fit.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Entropic transport from component k to component l: its cost, and the potential
///   |x|² − 2 <to, x> − (x − from)' map (x − from) + constant.
struct ComponentPair {
  double cost = 0;
  double constant = 0;  ///< makes the mean of the potential over component k zero
  SmallMatrix map;
};

/// Janati et al. 2020: with s = epsilon/2 and D = (4 A^(1/2) B A^(1/2) + s²)^(1/2), the plan's
/// conditional mean is an affine map with the matrix A^(-1/2) (D − s)/2 A^(-1/2), and the cost
/// |m_a − m_b|² + tr A + tr B − tr D + s sum over axes of (1 − log 2s + log(D + s)).
KOKKOS_FUNCTION ComponentPair make_pair(const GaussianComponent& a, const GaussianComponent& b,
                                        double epsilon) {
  const int d = a.covariance.d;
  const double s = epsilon / 2;
  ComponentPair pair;
  double values[max_dimension];
  SmallMatrix vectors;
  a.root.times(b.covariance).times(a.root).diagonalize(values, vectors);
  for (int p = 0; p < d; ++p) {
    const double half = ::sqrt((values[p] > 0 ? values[p] : 0.0) + s * s / 4);  // of D
    pair.cost += a.covariance.at[p][p] + b.covariance.at[p][p] - 2 * half +
                 s * (1 + ::log((2 * half + s) / (2 * s))) +
                 (a.mean[p] - b.mean[p]) * (a.mean[p] - b.mean[p]);
    values[p] = half - s / 2;
  }
  pair.map = a.inverse_root.times(SmallMatrix::compose(values, vectors)).times(a.inverse_root);
  for (int p = 0; p < d; ++p) {
    pair.constant -= a.mean[p] * a.mean[p] + a.covariance.at[p][p] - 2 * b.mean[p] * a.mean[p];
    for (int q = 0; q < d; ++q) pair.constant += pair.map.at[p][q] * a.covariance.at[q][p];
  }
  return pair;
}

/// −epsilon log of a sum of exponentials, term after term.
struct SoftMinimum {
  double epsilon;
  double least = Kokkos::Experimental::infinity<double>::value, sum = 0;

  KOKKOS_FUNCTION void add(double share, double value) {
    if (!(share > 0)) return;
    if (value < least) {
      sum = sum * ::exp((value - least) / epsilon) + share;
      least = value;
    } else {
      sum += share * ::exp((least - value) / epsilon);
    }
  }
  KOKKOS_FUNCTION double value() const { return least - epsilon * ::log(sum); }
};

template <class ExecutionSpace>
struct MixtureKernel {
  static constexpr int most_rounds = 50;
  static constexpr double settled = 1e-3;  ///< change of a potential, in units of epsilon

  StartBatch<ExecutionSpace> problems;
  Mixtures<ExecutionSpace> sources, targets;
  double epsilon;
  int components;

  static std::size_t scratch_bytes(int components) {
    return sizeof(ComponentPair) * components * components + 2 * sizeof(double) * components + 128;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = team.league_rank(), count = components, d = problems.source.dimension();
    const GaussianComponent* a = &sources.components(sources.row(problems.source_index(k)), 0);
    const GaussianComponent* b = &targets.components(targets.row(problems.target_index(k)), 0);
    auto* pairs = static_cast<ComponentPair*>(team.team_shmem().get_shmem_aligned(
        sizeof(ComponentPair) * count * count, alignof(ComponentPair)));
    auto* phi =
        static_cast<double*>(team.team_shmem().get_shmem_aligned(sizeof(double) * count, 8));
    auto* psi =
        static_cast<double*>(team.team_shmem().get_shmem_aligned(sizeof(double) * count, 8));
    const double regularization = epsilon;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count * count), [&](int at) {
      const GaussianComponent &from = a[at / count], &to = b[at % count];
      if (from.share > 0 && to.share > 0) pairs[at] = make_pair(from, to, regularization);
    });
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int c) { phi[c] = psi[c] = 0; });
    team.team_barrier();
    couple(team, a, b, pairs, phi, psi);

    const int measure = problems.source_index(k);
    const double* x = problems.source.points_of(measure);
    double* result = problems.start(k);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, problems.source.size(measure)), [&](int i) {
      const double* point = x + i * d;
      const int from = nearest_component(a, count, point, d);
      double norm = 0;
      for (int p = 0; p < d; ++p) norm += point[p] * point[p];
      SoftMinimum least{regularization};
      for (int to = 0; to < count; ++to) {
        if (!(b[to].share > 0)) continue;
        const ComponentPair& pair = pairs[from * count + to];
        double value = norm + pair.constant + pair.cost - psi[to];
        for (int p = 0; p < d; ++p) {
          value -= 2 * b[to].mean[p] * point[p];
          for (int q = 0; q < d; ++q)
            value -=
                (point[p] - a[from].mean[p]) * pair.map.at[p][q] * (point[q] - a[from].mean[q]);
        }
        least.add(b[to].share, value);
      }
      result[i] = least.value();
    });
  }

  /// The potential psi of entropic transport between the components, phi along with it: Sinkhorn's
  /// iteration, until little changes.
  KOKKOS_FUNCTION void couple(const Team<ExecutionSpace>& team, const GaussianComponent* a,
                              const GaussianComponent* b, const ComponentPair* pairs, double* phi,
                              double* psi) const {
    const int count = components;
    const double regularization = epsilon;
    for (int round = 0; round < most_rounds; ++round) {
      double change = 0;
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, count),
          [&](int l, double& most) {
            if (!(b[l].share > 0)) return;
            SoftMinimum least{regularization};
            for (int k = 0; k < count; ++k)
              least.add(a[k].share, pairs[k * count + l].cost - phi[k]);
            const double moved = ::fabs(least.value() - psi[l]);
            psi[l] = least.value();
            if (moved > most) most = moved;
          },
          Kokkos::Max<double>(change));
      team.team_barrier();
      if (round > 0 && change <= settled * regularization) return;
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int k) {
        if (!(a[k].share > 0)) return;
        SoftMinimum least{regularization};
        for (int l = 0; l < count; ++l) least.add(b[l].share, pairs[k * count + l].cost - psi[l]);
        phi[k] = least.value();
      });
      team.team_barrier();
    }
  }
};

void check(const GaussianMixtureSettings& settings) {
  if (!(settings.epsilon > 0) || !std::isfinite(settings.epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  const int components = settings.components;
  if (components < 1 || components > max_components || (components & (components - 1)) != 0)
    throw std::invalid_argument("a mixture has 1, 2, 4, 8 or 16 components, not " +
                                std::to_string(components));
  if (settings.iterations < 0) throw std::invalid_argument("iterations must be >= 0");
}

template <class ExecutionSpace>
void run(const ExecutionSpace& space, const StartBatch<ExecutionSpace>& problems,
         const GaussianMixtureSettings& settings) {
  const int d = problems.source.dimension();
  if (d < 1 || d > most_mixture_dimension || problems.target.dimension() != d)
    throw std::invalid_argument("mixtures of Gaussians need points of one to three dimensions");
  using Kernel = MixtureKernel<ExecutionSpace>;
  const Kernel kernel{problems,
                      fit_mixtures(space, problems.source, problems.source_index,
                                   settings.components, settings.iterations),
                      fit_mixtures(space, problems.target, problems.target_index,
                                   settings.components, settings.iterations),
                      settings.epsilon, settings.components};
  Policy<ExecutionSpace> policy(space, problems.size(), Backend<ExecutionSpace>::team_size, 1);
  policy.set_scratch_size(
      0, Kokkos::PerTeam(static_cast<int>(Kernel::scratch_bytes(settings.components))));
  Kokkos::parallel_for("otfleet::initializers::gaussian_mixture", policy, kernel);
  space.fence();
}

}  // namespace

template <class ExecutionSpace>
void gaussian_mixture_initializer(const ExecutionSpace& space,
                                  const Matrix<const double, ExecutionSpace>& source_points,
                                  const Matrix<const double, ExecutionSpace>& target_points,
                                  const ProblemBatch<ExecutionSpace>& problems,
                                  const GaussianMixtureSettings& settings,
                                  const Matrix<double, ExecutionSpace>& f) {
  check(settings);
  if (problems.size() > 0)
    run(space, start_batch(problems, source_points, target_points, f), settings);
}

template <class ExecutionSpace>
void gaussian_mixture_initializer(const ExecutionSpace& space,
                                  const CloudBatch<ExecutionSpace>& problems,
                                  const GaussianMixtureSettings& settings,
                                  const Vector<double, ExecutionSpace>& f) {
  check(settings);
  if (problems.size() > 0) run(space, start_batch(problems, f), settings);
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void gaussian_mixture_initializer<Space>(                                             \
      const Space&, const Matrix<const double, Space>&, const Matrix<const double, Space>&,      \
      const ProblemBatch<Space>&, const GaussianMixtureSettings&, const Matrix<double, Space>&); \
  template void gaussian_mixture_initializer<Space>(const Space&, const CloudBatch<Space>&,      \
                                                    const GaussianMixtureSettings&,              \
                                                    const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
