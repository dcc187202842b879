#include "src/reports/page/settings_tables.hpp"

#include <map>

#include "src/job.hpp"
#include "src/reports/page/html.hpp"
#include "src/reports/page/json_values.hpp"

namespace otfleet::page {
namespace {

using Kind = Table::Kind;
using Values = std::map<std::string, nlohmann::json>;  ///< by the path of the key

/// Every value that is no object under its path.
void flatten(const nlohmann::json& json, const std::string& path, Values& values) {
  if (!json.is_object()) {
    values[path] = json;
    return;
  }
  for (const auto& [name, value] : json.items())
    flatten(value, path.empty() ? name : path + "." + name, values);
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return short_number(value.get<double>());
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The defaults for the problems of a configuration, and what keys mean.
struct Defaults {
  Values values;
  std::map<std::string, std::string> meanings;

  explicit Defaults(const nlohmann::json& configuration) {
    const auto kind = value_of<ProblemKind>(text_at(configuration, {"problem", "kind"}));
    Job job = Job::defaults(kind.value_or(ProblemKind::linear));
    flatten(job.resolved(), "", values);
    for (const auto& key : job_keys(job)) meanings[key.path] = key.doc;
  }
};

std::string tables_of(const nlohmann::json& configuration) {
  const Defaults defaults(configuration);
  Values values;
  flatten(configuration, "", values);
  Table changed("Settings that are not the default"), rest("Settings at their default");
  changed.column("key", Kind::text).column("value", Kind::text).column("default", Kind::text);
  changed.column("meaning", Kind::text);
  rest.column("key", Kind::text).column("value", Kind::text).column("meaning", Kind::text);
  for (const auto& [path, value] : values) {
    const auto found = defaults.values.find(path);
    const auto meaning = defaults.meanings.find(path);
    const auto words = meaning == defaults.meanings.end() ? std::string() : meaning->second;
    if (found != defaults.values.end() && found->second == value)
      rest.row({path, text_of(value), words});
    else
      changed.row({path, text_of(value),
                   found == defaults.values.end() ? std::string() : text_of(found->second), words});
  }
  const auto folded_rest = rest.html();
  return changed.html() +
         (folded_rest.empty() ? "" : folded("Settings at their default", folded_rest));
}

/// Runs whose reports agree in something, by their names.
using Groups = std::vector<std::pair<std::string, nlohmann::json>>;

template <class Take>
Groups groups_of(const std::vector<ShownRun>& runs, const Take& take) {
  Groups groups;
  for (const auto& [run, solution] : runs) {
    const nlohmann::json value = take(run.report);
    if (!value.is_object()) continue;
    bool found = false;
    for (auto& [names, other] : groups) {
      if (other != value) continue;
      names += ", " + run.name;
      found = true;
      break;
    }
    if (!found) groups.emplace_back(run.name, value);
  }
  return groups;
}

template <class Show>
std::string show(const Groups& groups, const Show& show_one) {
  std::string html;
  for (const auto& [names, value] : groups)
    html += (groups.size() > 1 ? element("h3", escaped(names)) : "") + show_one(value);
  return html;
}

}  // namespace

std::string settings_tables(const std::vector<ShownRun>& runs) {
  return show(groups_of(runs, [](const auto& report) { return at(report, {"configuration"}); }),
              tables_of);
}

std::string version_tables(const std::vector<ShownRun>& runs) {
  const auto take = [](const nlohmann::json& report) {
    nlohmann::json versions = at(report, {"versions"});
    if (!versions.is_object()) return nlohmann::json();
    for (const char* key : {"revision", "execution_space"})
      if (const auto text = text_at(report, {key}); !text.empty()) versions[key] = text;
    return versions;
  };
  return show(groups_of(runs, take), [](const nlohmann::json& versions) {
    Table table("Versions");
    table.column("of", Kind::text).column("version", Kind::text);
    for (const auto& [name, version] : versions.items())
      table.row({name == "execution_space" ? "execution space" : name, text_of(version)});
    return table.html();
  });
}

}  // namespace otfleet::page
