#include "src/mpi_environment.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

extern char** environ;

namespace otfleet {
namespace {

/// Is there a variable of mpirun's, of srun's or of another launcher?
bool was_launched() {
  for (char** variable = environ; *variable != nullptr; ++variable)
    for (const char* prefix : {"OMPI_COMM_WORLD_", "PMIX_", "PMI_", "PMI2_", "SLURM_STEP_ID"})
      if (std::strncmp(*variable, prefix, std::strlen(prefix)) == 0) return true;
  return false;
}

}  // namespace

void prepare_mpi_environment() {
  if (was_launched()) return;
  // The session folder of all processes that no launcher started is one and the same: who ends
  // first removes it, and another one that is about to use it fails.
  for (const auto& [name, value] :
       {std::pair{"OMPI_MCA_ess_singleton_isolated", "1"},
        std::pair{"OMPI_MCA_orte_create_session_dirs", "0"}, std::pair{"OMPI_MCA_pml", "ob1"},
        std::pair{"OMPI_MCA_btl", "self"}})
    setenv(name, value, /*overwrite=*/0);
}

}  // namespace otfleet
