#pragma once
#include <string>

namespace otfleet {

struct Job;

/// The defaults of problem = "neural_dual", where they are others than those of populations.
void set_potential_defaults(Job& job);

/// What does not go together in a job that seeks potentials, or asks for what only such a job can
/// have; empty: nothing is wrong. Local.
std::string potentials_complaint(const Job& job);

/// Where paths are not straight, what has to be otherwise than usual and is not given: networks see
/// points as they are, and the potential takes the target's.
void settle_least_action(Job& job);

/// Leaves out a predictor that does not learn: it would be a start worse than none.
void settle_predictor(Job& job);

}  // namespace otfleet
