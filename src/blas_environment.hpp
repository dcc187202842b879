#pragma once

namespace otfleet {

/// Gives OpenBLAS the settings that suit many small problems on many ranks, where the user has set
/// none: OPENBLAS_CORETYPE=SkylakeX on processors with AVX-512, for which the program replaces
/// itself by itself once (it then loads LibTorch a second time, half a second; set the variable to
/// spare that), and one thread per rank (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS). Call it first,
/// before MPI_Init. Where the replacement fails the program is only slower.
void prepare_blas_environment(char** arguments);

}  // namespace otfleet
