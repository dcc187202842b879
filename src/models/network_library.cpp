#include "src/models/network_library.hpp"

#include <dlfcn.h>

#include <string>

#include "distributed/error.hpp"
#include "kernels/runtime.hpp"
#include "src/models/torch_device.hpp"

// Null unless the program is linked with the library.
extern "C" __attribute__((weak)) const otfleet::NetworkLibrary* otfleet_network_library();

namespace otfleet {
namespace {

const NetworkLibrary& load() {
  if (otfleet_network_library != nullptr) return *otfleet_network_library();
  // The program's run path says where: beside it, or where it was installed.
  const char* const file = "otfleet_networks.so";
  void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw UserError(std::string("models need LibTorch, which cannot be loaded: ") + dlerror() +
                    "; install what is missing (jobs/install.sh), or otfleet anew, of which " +
                    file + " is a part");
  using Function = const NetworkLibrary* (*)();
  const auto function = reinterpret_cast<Function>(dlsym(library, "otfleet_network_library"));
  if (function == nullptr)
    throw UserError(std::string(file) + " is of another otfleet: " + dlerror());
  return *function();
}

}  // namespace

const NetworkLibrary& network_library() {
  static const NetworkLibrary& library = []() -> const NetworkLibrary& {
    const NetworkLibrary& loaded = load();
    const auto fault = torch_device_fault(loaded.visible_gpus(), kernels::device_number(),
                                          kernels::visible_devices());
    if (!fault.empty()) throw UserError(fault);
    return loaded;
  }();
  return library;
}

}  // namespace otfleet
