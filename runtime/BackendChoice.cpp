// Every choice becomes the list of backends that are asked; generated code stands behind every library.
#include "runtime/BackendChoice.h"

namespace sinter {

static constexpr std::string_view automatic = "auto";

std::string_view backendTitle(std::string_view name) {
  for (const BackendName &backend : backendNames)
    if (backend.name == name)
      return backend.title;
  return name;
}

BackendChoice::BackendChoice(std::string_view choice) : text(choice) {
  for (const BackendName &backend : backendNames)
    if (text == automatic || text == backend.name)
      asked.push_back(backend.name);
  if (prefersLibrary())
    asked.push_back(generatedCode);
}

std::vector<std::string> BackendChoice::all() {
  std::vector<std::string> names{std::string(automatic)};
  for (const BackendName &backend : backendNames)
    names.emplace_back(backend.name);
  names.emplace_back(reference);
  return names;
}

bool BackendChoice::isAuto() const { return text == automatic; }
bool BackendChoice::isReference() const { return text == reference; }

} // namespace sinter
