#pragma once
#include <string>

#include "distributed/hdf5_file.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/model_options.hpp"

// The architecture of a StartModel in its checkpoint: attributes of /model architecture, embedding,
// output_rank, pooling, output_pooling (absent: 1); and /model/hidden, /model/head. Local.

namespace otfleet {

void write_architecture(distributed::Hdf5File& file, const ModelOptions& model);
/// Throws UserError: not a checkpoint, or not of problem.kind linear.
ModelOptions read_architecture(const CheckpointFile& file);

/// Throws UserError where inputs or outputs are pooled, which needs a grid.
void refuse_pooling(const ModelOptions& model);

/// "mlp with hidden = [512, 512]".
std::string architecture_text(const ModelOptions& model);
/// Throws UserError, named by the file, unless both say the same.
void require_same_architecture(const std::string& file, const ModelOptions& found,
                               const ModelOptions& wanted);

}  // namespace otfleet
