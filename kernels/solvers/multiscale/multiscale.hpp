#pragma once
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/solvers/multiscale/settings.hpp"

namespace otfleet::kernels {

/// sinkhorn() for large clouds of up to three dimensions, coarse to fine and block-sparse.
///
/// Both clouds are coarsened by factors of eight: the points of a run of a CellTree become their
/// center, with their weight. The coarsest problem, some hundreds of points a side, is solved at a
/// large epsilon, which falls by factors of four; once epsilon is about what it costs to cross a
/// run, a finer level takes over. Its potentials begin as the soft minimum of the coarser ones at
/// the finer points (exact kernel values, not those of the nearest center). Every level iterates by
/// Sinkhorn with momentum on the blocks that cell_pairs.hpp keeps: pairs of cells whose largest
/// entry may exceed a cutoff, so chosen that the bound of what is left out stays below
/// settings.left_out. It is evaluated after every iteration, and blocks are chosen anew where it
/// has grown beyond.
///
/// The error that an instance stops by is |P1 − a|_1 over the kept blocks plus twice that bound: no
/// less than the true one, but for rounding. iterations [B] counts those on all points at the
/// epsilon asked for, and so does max_iterations; 0: the coarser levels were good enough. A start
/// is iterated on all points at once; where its first error is above doubtful_error the coarse
/// levels are solved instead, and replaced [B] is 1. `watch` and observers are asked on coarser
/// levels, too, as before the first iteration: what is ended there has no potential to go on from.
///
/// Memory: O((n + m) d) and the lists of blocks, 8 bytes for each of at most 1,024 ranges of cells
/// for 96 points. Where measures are distributed every rank takes the points of all and shares the
/// work on pairs. The sum of a row is made on one rank, and what steers is computed by all alike:
/// results are the same whatever the number of ranks, but for the last digit of the weights, whose
/// sum is one over ranks. Throws std::invalid_argument as sinkhorn(), and for clouds of which
/// multiscale_complaint() has a complaint. Source: Schmitzer 2019 (truncation, epsilon scaling);
/// Feydy, GeomLoss 2020 (the extension by soft c-transforms); the bound is ours.
template <class Scalar, class ExecutionSpace>
void multiscale_sinkhorn(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                         const MultiscaleSettings& settings, bool from_zeros,
                         const Vector<double, ExecutionSpace>& f,
                         const Vector<int, ExecutionSpace>& iterations,
                         const Vector<int, ExecutionSpace>& status,
                         const Vector<int, ExecutionSpace>& replaced = {},
                         const IterationWatch& watch = {});

}  // namespace otfleet::kernels
