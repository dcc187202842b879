#pragma once

namespace otfleet {

/// Gives OpenBLAS the settings that suit many small problems on many ranks, where the user has set
/// none: OPENBLAS_CORETYPE=SkylakeX on processors with AVX-512, and one thread per rank
/// (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS). OpenBLAS reads these when it is loaded, before main(),
/// so the program replaces itself by itself once; call this first, before MPI_Init. Returns when
/// nothing had to change, and also when the replacement fails (the program is then only slower).
void prepare_blas_environment(char** arguments);

}  // namespace otfleet
