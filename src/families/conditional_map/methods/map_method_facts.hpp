#pragma once
#include <memory>
#include <string>
#include <vector>

namespace otfleet {

struct Job;
struct CloudPopulation;
class ConditionalModel;
class MapMethod;

/// What jobs know of a way to make conditional maps, see list.hpp. Its entry there has facts(), and
/// make(), which keeps references to all; `model` may be null unless it is needed.
struct MapMethodFacts {
  const char* name;          ///< map.method
  const char* doc;           ///< of `otfleet --keys`
  bool needs_model = false;  ///< a trained one
  bool solves = false;       ///< plans, by the keys of [solver]
  bool draws = false;        ///< depends on the seed
  /// Of [map], that are for this and those that name them, too.
  std::vector<std::string> keys = {};
};

/// All of list.hpp. Local.
const std::vector<MapMethodFacts>& map_methods();
/// That of a job's map.method. Local.
const MapMethodFacts& map_method_of(const Job& job);
/// What map.method may be. Local.
std::vector<std::string> map_method_names();
/// "a trained model (model), …", for `otfleet --keys`. Local.
std::string map_method_doc();

}  // namespace otfleet
