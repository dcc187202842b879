#include "src/models/potential_checkpoint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "distributed/hdf5_file.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::blob_population;
using testing::dense_population;
using testing::expect_error;
using testing::read_bytes;
using testing::set_parameter;
using testing::TemporaryFolder;
using testing::write_bytes;

Job small_job(const std::string& architecture) {
  Job job;
  job.model.architecture = architecture;
  job.model.hidden = {7, 5};
  job.model.embedding = 4;
  job.model.head = {3, 5};
  job.model.output_rank = 2;
  job.problem.epsilon = 0.05;
  return job;
}

DeviceArray<float> moments(std::size_t size, float first) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = first + 0.25f * static_cast<float>(i);
  return upload<float>("otfleet::test::moment", values);
}

class Checkpoint : public ::testing::Test {
 protected:
  Checkpoint() {
    state_.step = 123;
    state_.seconds = 4.5;
    state_.job = "a run";
    state_.history = {50, 0.25, 1.5, 0.1, 1e-3, 100, 0.125, 1.25, 0.05, 5e-4};
    state_.optimizer = {{"first_moment", moments(model_.parameters().extent(0), -3)},
                        {"second_moment", moments(model_.parameters().extent(0), 2)},
                        {"factors", moments(12, 5)}};
  }

  /// Expects that reading `file` fails with one line that names it and holds every part.
  template <class... Parts>
  void expect_refused(const ModelDescription& wanted, const Parts&... parts) {
    TrainingState state;
    expect_error([&] { read_checkpoint(file_, wanted, &state); }, "model.h5", parts...);
  }

  /// Takes an object out of the checkpoint.
  void remove_object(const std::string& object) {
    const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(H5Ldelete(file, object.c_str(), H5P_DEFAULT), 0);
    H5Fclose(file);
  }

  /// Puts a dataset of zeros in the place of another.
  void replace_dataset(const std::string& object, hsize_t size) {
    remove_object(object);
    const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t dataset = H5Dcreate2(file, object.c_str(), H5T_NATIVE_FLOAT, space, H5P_DEFAULT,
                                     H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fclose(file);
  }

  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "model.h5";
  const Population population_ = blob_population(4, 3, 2);
  const ModelDescription description_ = describe_model(small_job("mlp"), population_);
  PotentialModel model_{description_, 1};
  TrainingState state_;
};

TEST_F(Checkpoint, ModelsComeBackBitByBit) {
  const Population dense = dense_population(6, 9, 3, 2);
  for (const char* architecture : {"mlp", "pair_encoder", "pair_product"})
    for (const Population* population : {&population_, &dense}) {
      const auto description = describe_model(small_job(architecture), *population);
      PotentialModel model(description, 5);
      // Values that text or double rounding would lose.
      set_parameter(model, 0, 0x1.fffffep-127f);
      set_parameter(model, 1, -0.0f);
      write_checkpoint(file_, model);
      PotentialModel back = read_checkpoint(file_, description);
      const auto weights = model.parameters().download(), copy = back.parameters().download();
      ASSERT_EQ(copy.size(), weights.size());
      EXPECT_EQ(std::memcmp(copy.data(), weights.data(), weights.size() * sizeof(float)), 0);

      const auto found = read_description(file_);
      EXPECT_EQ(found.architecture.architecture, architecture);
      EXPECT_EQ(found.architecture.hidden, description.architecture.hidden);
      EXPECT_EQ(found.architecture.embedding, 4);
      EXPECT_EQ(found.architecture.head, (std::vector<std::int64_t>{3, 5}));
      EXPECT_EQ(found.architecture.output_rank, 2);
      EXPECT_EQ(found.n, population->geometry.n);
      EXPECT_EQ(found.m, population->geometry.m);
      EXPECT_EQ(found.shared_measures, population->shared_measures);
      EXPECT_EQ(found.epsilon, 0.05);
      EXPECT_EQ(found.geometry, population->geometry.fingerprint());
      EXPECT_EQ(back.description().geometry, found.geometry);
    }
}

TEST_F(Checkpoint, TrainingStateComesBack) {
  write_checkpoint(file_, model_, &state_);
  TrainingState back;
  read_checkpoint(file_, description_, &back);
  EXPECT_EQ(back.step, state_.step);
  EXPECT_EQ(back.seconds, state_.seconds);
  EXPECT_EQ(back.job, state_.job);
  EXPECT_EQ(back.history, state_.history);
  ASSERT_EQ(back.optimizer.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(back.optimizer[k].name, state_.optimizer[k].name);
    EXPECT_EQ(back.optimizer[k].values.download(), state_.optimizer[k].values.download());
  }

  // A model without a state leaves the caller's as it was.
  write_checkpoint(file_, model_);
  TrainingState untouched;
  untouched.step = 7;
  read_checkpoint(file_, description_, &untouched);
  EXPECT_EQ(untouched.step, 7);
  EXPECT_TRUE(untouched.optimizer.empty());
  // A state without any row of history, as after the first step.
  state_.history.clear();
  write_checkpoint(file_, model_, &state_);
  back.history = {1, 2, 3, 4, 5};
  read_checkpoint(file_, description_, &back);
  EXPECT_TRUE(back.history.empty());
}

TEST_F(Checkpoint, OverwritesAndLeavesNothingElse) {
  write_bytes(file_, "of somebody");
  expect_error([&] { write_checkpoint(file_, model_); }, "model.h5: is there already");
  EXPECT_EQ(read_bytes(file_), "of somebody");
  std::filesystem::remove(file_);
  write_checkpoint(file_, model_, &state_);
  write_checkpoint(file_, model_);
  read_checkpoint(file_, description_);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    ++files;
  EXPECT_EQ(files, 1);
  expect_error([&] { write_checkpoint(folder_ / "none/model.h5", model_); }, "none");
}

TEST_F(Checkpoint, OtherModelsAndCostsAreRefused) {
  write_checkpoint(file_, model_);
  expect_refused(describe_model(small_job("pair_encoder"), population_),
                 "holds mlp with hidden = [7, 5], but the job asks for pair_encoder");
  auto job = small_job("mlp");
  job.model.hidden = {7, 6};
  expect_refused(describe_model(job, population_), "hidden = [7, 5]", "hidden = [7, 6]");
  job.model.hidden = {7, 5, 5};
  expect_refused(describe_model(job, population_), "hidden = [7, 5, 5]");

  // As many points, but somewhere else.
  Population moved = population_;
  moved.geometry.axes[0].back() = 2;
  expect_refused(describe_model(small_job("mlp"), moved), "another cost");
  expect_refused(describe_model(small_job("mlp"), blob_population(5, 3, 2)), "another cost",
                 "16 x 16", "25 x 25");
  Population separate = population_;
  separate.shared_measures = false;
  expect_refused(describe_model(small_job("mlp"), separate), "one set of measures");

  // Another embedding is another pair_encoder, but nothing to an mlp; epsilon is the caller's.
  job = small_job("mlp");
  job.model.embedding = 99;
  job.problem.epsilon = 1;
  EXPECT_EQ(read_checkpoint(file_, describe_model(job, population_)).description().epsilon, 0.05);
  PotentialModel pair(describe_model(small_job("pair_encoder"), population_), 1);
  write_checkpoint(file_, pair);
  job.model.architecture = "pair_encoder";
  expect_refused(describe_model(job, population_), "embedding = 4", "embedding = 99");
  job.model = small_job("pair_encoder").model;
  job.model.head = {3};
  expect_refused(describe_model(job, population_), "head = [3, 5]", "head = [3]");
  job.model = small_job("pair_encoder").model;
  job.model.output_rank = 0;
  expect_refused(describe_model(job, population_), "output_rank = 2", "output_rank = 0");
  job.model = small_job("pair_encoder").model;
  job.model.pooling = 3;
  expect_refused(describe_model(job, population_), "pooling = 1", "pooling = 3");
}

TEST_F(Checkpoint, PoolingNeedsAGrid) {
  Job job = small_job("pair_encoder");
  job.model.pooling = 3;
  const ModelDescription pooled = describe_model(job, population_);
  EXPECT_EQ(pooled.grid, (std::vector<std::int64_t>{4, 4}));
  PotentialModel pair(pooled, 1);
  write_checkpoint(file_, pair);
  EXPECT_EQ(read_checkpoint(file_, pooled).description().grid, pooled.grid);
  const Population dense = dense_population(5, 4, 3, 2);
  expect_error([&] { describe_model(job, dense); }, "model.pooling = 3", "grid");
}

TEST_F(Checkpoint, FilesThatAreNoCheckpointsAreRefused) {
  expect_refused(description_);  // none at all
  write_bytes(file_, "");
  expect_refused(description_);
  write_bytes(file_, "not HDF5 either, but a few words of text");
  expect_refused(description_);
  std::filesystem::remove(file_);
  write_population(file_, population_);
  expect_refused(description_, "not an otfleet checkpoint");
  expect_error([&] { read_description(file_); }, "model.h5", "not an otfleet checkpoint");
}

TEST_F(Checkpoint, NewerFormatsAreRefused) {
  write_checkpoint(file_, model_);
  const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t attribute = H5Aopen(file, "otfleet_version", H5P_DEFAULT);
  const std::int64_t version = 2;
  EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_INT64, &version), 0);
  H5Aclose(attribute);
  H5Fclose(file);
  expect_refused(description_, "format version 2");
}

TEST_F(Checkpoint, TruncatedFilesAreRefused) {
  write_checkpoint(file_, model_, &state_);
  const auto bytes = read_bytes(file_);
  for (std::size_t part = 0; part < 20; ++part) {
    write_bytes(file_, bytes.substr(0, bytes.size() * part / 20));
    expect_refused(description_);
  }
  write_bytes(file_, bytes.substr(0, bytes.size() - 1));
  expect_refused(description_);
}

TEST_F(Checkpoint, WeightsThatAreNotFiniteAreRefused) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const auto& entry : model_.entries()) {
      PotentialModel bad = model_.clone();
      set_parameter(bad, entry.offset + entry.size - 1, value);
      write_checkpoint(file_, bad);
      expect_refused(description_, "/model/parameters/" + entry.name, "not finite");
    }
  }
}

TEST_F(Checkpoint, MissingPartsAreRefused) {
  std::vector<std::string> objects = {"/model",
                                      "/model/hidden",
                                      "/training/history",
                                      "/training/first_moment",
                                      "/training/second_moment",
                                      "/model/parameters"};
  for (const auto& entry : model_.entries()) objects.push_back("/model/parameters/" + entry.name);
  for (const auto& object : objects) {
    write_checkpoint(file_, model_, &state_);
    remove_object(object);
    expect_refused(description_, object.substr(0, 6));
  }
  for (const auto& object : {objects[3], objects[4], objects.back()}) {
    write_checkpoint(file_, model_, &state_);
    replace_dataset(object, 3);
    expect_refused(description_, object, "another");
  }
  // Every row of the history has its columns.
  write_checkpoint(file_, model_, &state_);
  replace_dataset("/training/history", 3);
  expect_refused(description_, "/training/history");
}

}  // namespace
}  // namespace otfleet
