#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace otfleet {

/// Progress of long work on rank 0: a bar with rate and time left, redrawn in place, when stderr is
/// a terminal; otherwise one plain line at most every few seconds. Silent when not enabled.
class Progress {
 public:
  /// `unit` is plural ("steps", "problems"); total 0 means unknown.
  Progress(std::string title, std::string unit, std::int64_t total, bool enabled);
  ~Progress();

  /// `note` is short and optional, such as the current loss.
  void update(std::int64_t done, const std::string& note = {});
  /// The same, with as much done as before; a note that takes work to write is better given as a
  /// function.
  template <class MakeNote>
  void note(const MakeNote& make_note) {
    if (is_due()) update(done_, make_note());
  }

 private:
  bool is_due() const;
  void draw(const std::string& note, bool last);
  std::string title_, unit_;
  std::int64_t total_, done_ = 0;
  bool enabled_, terminal_;
  std::string note_;
  std::chrono::steady_clock::time_point begin_, drawn_;
};

}  // namespace otfleet
