#include "src/reports/page/settings_tables.hpp"

#include <algorithm>
#include <map>
#include <optional>

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
  if (value.is_null()) return {};
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

/// The values that a key has in some runs, each with the names of its runs.
using Alternatives = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Setting {
  Alternatives choices;
  bool is_default = true;  ///< in all runs
};

/// "0.01", or "6 (make, solve); 0.5 (train)" where runs differ.
std::string text_of(const Alternatives& choices) {
  if (choices.size() == 1) return choices.front().first;
  std::string text;
  for (const auto& [value, names] : choices) {
    text += (text.empty() ? "" : "; ") + (value.empty() ? "none" : value) + " (";
    for (std::size_t k = 0; k < names.size(); ++k) text += (k > 0 ? ", " : "") + names[k];
    text += ")";
  }
  return text;
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
  std::map<std::string, Setting> settings;
  std::optional<Defaults> defaults;
  for (const auto& [run, solution] : runs) {
    const auto& configuration = at(run.report, {"configuration"});
    if (!configuration.is_object()) continue;
    if (!defaults) defaults.emplace(configuration);
    Values values;
    flatten(configuration, "", values);
    for (const auto& [path, value] : values) {
      auto& setting = settings[path];
      const auto usual = defaults->values.find(path);
      if (usual == defaults->values.end() || usual->second != value) setting.is_default = false;
      const auto text = text_of(value);
      auto same = std::find_if(setting.choices.begin(), setting.choices.end(),
                               [&](const auto& other) { return other.first == text; });
      if (same == setting.choices.end())
        same = setting.choices.insert(same, {text, std::vector<std::string>()});
      same->second.push_back(run.name);
    }
  }
  Table changed("Not the default"), rest("At their default");
  changed.column("key", Kind::text).column("value", Kind::text).column("default", Kind::text);
  changed.column("meaning", Kind::text);
  rest.column("key", Kind::text).column("value", Kind::text).column("meaning", Kind::text);
  for (const auto& [path, setting] : settings) {
    const auto& meaning = defaults->meanings[path];
    if (setting.is_default)
      rest.row({path, text_of(setting.choices), meaning});
    else
      changed.row({path, text_of(setting.choices), text_of(defaults->values[path]), meaning});
  }
  const auto folded_rest = rest.html();
  return changed.html() +
         (folded_rest.empty() ? "" : folded("Settings at their default", folded_rest));
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
