#pragma once
#include <string>

namespace otfleet {

struct Job;

/// The defaults of problem = "conditional_map", where they are others than those of potentials.
void set_conditional_defaults(Job& job);

/// What does not go together in a job that seeks conditional maps, or asks for what only such a job
/// can have; empty: nothing is wrong. Local.
std::string conditional_complaint(const Job& job);

}  // namespace otfleet
