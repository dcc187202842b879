#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/families/neural_dual/samplers/sample_sequence.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// The pairs of distributions on the plane of w2ot (Amos, arXiv 2210.12153), with the constants of
/// its code (w2ot/data.py), which has them from Makkuva et al. 2020 (Gaussians), scikit-learn
/// (circles, moons, s_curve, swiss_roll), Huang et al. 2021 (CP-Flow; rings) and Papamakarios et
/// al. 2017 (maf_moon). Moments of each distribution stand in plane_pairs.cpp.
///
/// | name             | from                                     | to                           |
/// |------------------|------------------------------------------|------------------------------|
/// | eight_gaussians  | a narrow Gaussian at 0                   | eight on a circle of radius 5|
/// | square_gaussians | five: 0 and the corners of a square      | four on the axes             |
/// | circles          | a circle of radius 1                     | one of radius 1/2            |
/// | moons            | the lower half circle                    | the upper one                |
/// | s_curve          | an S, 10 high                            | N(0, I)                      |
/// | swiss_roll       | one and a half turns of a spiral         | N(0, I)                      |
/// | rings            | four concentric circles                  | N(0, I)                      |
/// | maf_moon         | a Gaussian bent into a crescent          | N(0, I)                      |
/// | moon_to_rings    | the crescent                             | the four circles             |
std::vector<std::string> pair_names();

/// The pair of that name. Throws UserError: no such pair.
SamplerPair plane_pair(const std::string& name, std::uint64_t seed, std::uint64_t pair_stream,
                       SampleSequence sequence = SampleSequence::random);

}  // namespace otfleet
