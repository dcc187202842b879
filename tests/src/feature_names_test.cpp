#include "src/data/feature_names.hpp"

#include <gtest/gtest.h>

#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_anndata.hpp"

namespace otfleet {
namespace {

using Names = std::vector<std::string>;

class FeatureNames : public ::testing::Test {
 protected:
  ArraySource write(const std::string& file, const Names& genes, const std::string& dataset = "X") {
    testing::write_anndata(folder_ / file,
                           {std::vector<float>(2 * genes.size(), 1), {0, 0}, {"control"}, genes});
    return {folder_ / file, dataset};
  }
  /// Files that train and test measures come from.
  static DataOptions data(const ArraySource& train, const ArraySource& test) {
    DataOptions data;
    data.train = train;
    data.test = test;
    return data;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(FeatureNames, TheSameInTheSameOrder) {
  const Names genes = {"ACTB", "TP53", "a gene with a long name"};
  const auto a = write("a.h5ad", genes), b = write("b.h5ad", genes, "/X");
  EXPECT_NO_THROW(check_feature_names(data(a, b)));
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_ / "b.h5ad", "layers/counts"})));
  EXPECT_NO_THROW(check_feature_names({}));
}

TEST_F(FeatureNames, TheFirstThatDiffers) {
  const auto a = write("a.h5ad", {"g0", "g1", "g2"});
  const auto refused = [&](const Names& genes, const std::string& words) {
    const auto b = write("b.h5ad", genes);
    testing::expect_error([&] { check_feature_names(data(a, b)); }, "b.h5ad: /var/_index " + words,
                          "a.h5ad", "the same columns in the same order");
  };
  refused({"g0", "g2"}, "lacks 'g1', column 1 of ");
  refused({"g0", "g1"}, "lacks 'g2', column 2 of ");
  refused({"g0", "new", "g1", "g2"}, "has 'new' in column 1, which ");
  refused({"g0", "g1", "g2", "g0"}, "has 'g0' in column 3, which ");
  refused({"g0", "g2", "g1"}, "has 'g2' in column 1, where ");
  refused({}, "lacks 'g0', column 0 of ");
}

TEST_F(FeatureNames, OfTargets) {
  DataOptions data;
  data.test = write("source.h5ad", {"g0", "g1"});
  data.test_target = write("target.h5ad", {"g1", "g0"});
  testing::expect_error([&] { check_feature_names(data); },
                        "target.h5ad: /var/_index has 'g1' in column 0");
  data.test_target.dataset = "layers/counts";
  testing::expect_error([&] { check_feature_names(data); }, "target.h5ad: /var/_index");
}

/// The columns of other arrays have no names, or none that var says.
TEST_F(FeatureNames, ArraysWithoutNames) {
  const auto a = write("a.h5ad", {"g0", "g1"}), b = write("b.h5ad", {"h0"}, "obsm/X_pca");
  EXPECT_NO_THROW(check_feature_names(data(a, b)));
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_ / "absent.h5ad", "X"})));
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_.path(), "X"})));
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_ / "b.h5ad", "raw/X"})));
  auto plain = distributed::Hdf5File::create(folder_ / "plain.h5");
  plain.write<double>("/X", {1, 2}, std::vector<double>{1, 2});
  plain.write<double>("/var/_index", {2}, std::vector<double>{1, 2});
  plain.close();
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_ / "plain.h5", "X"})));
  testing::AmendedFile(folder_ / "plain.h5").set("/var", "_index", "_index");
  EXPECT_NO_THROW(check_feature_names(data(a, {folder_ / "plain.h5", "X"})));
}

}  // namespace
}  // namespace otfleet
