#pragma once

// What the networks need of LibTorch. torch/torch.h would bring all of it: data sets, optimizers,
// every module.

#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>
#include <torch/utils.h>
