// Confines a process that reads what strangers made: no network, no other programs, no look into other processes, no
// writing but where its output goes, bounded memory and time. By the kernel's seccomp and Landlock, which threads
// inherit and nothing lifts.
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sinter {

struct SandboxPolicy {
  std::vector<std::string> writable; ///< folders with what is in them, and files; nothing else can be written
  int64_t memory = int64_t(8) << 30; ///< bytes of private memory; files that are mapped do not count
  int64_t seconds = 600;             ///< of processor time
};

/// Confines the calling process, which must not have started threads yet, for good. Answers what the system cannot
/// confine, as the end of a sentence that starts with "this system"; empty where it can do everything.
Expected<std::string> enterSandbox(const SandboxPolicy &policy);

/// Forks, confines the child, which runs `work` and exits with what that returns, and waits: also for at most the
/// policy's seconds by the clock. `warn` is told in the child what the system cannot confine. Ends the child where this
/// process is to end, after `cleanUp`. Fails where the child did not end by itself.
Expected<int> runConfined(const SandboxPolicy &policy, const std::function<int()> &work,
                          const std::function<void(const std::string &)> &warn, const std::function<void()> &cleanUp);

/// Outputs of a confined process: it writes them into a folder that is made for it, and they are put in their places
/// when it is gone.
class SandboxOutputs {
public:
  /// The folder lies beside `output`, or among temporary files where that folder takes no other.
  static Expected<SandboxOutputs> beside(const std::string &output);
  SandboxOutputs() = default;
  ~SandboxOutputs();
  SandboxOutputs(SandboxOutputs &&other) noexcept
      : folder_(std::move(other.folder_)), streams_(std::move(other.streams_)), products_(std::move(other.products_)) {
    other.folder_.clear();
  }

  const std::string &folder() const { return folder_; }
  /// The folder, and the pipes and devices that stand for themselves.
  std::vector<std::string> writable() const;
  /// Where the confined process writes in place of `path`: a file of the same name, or a pipe or device itself.
  std::string standIn(const std::string &path, bool isExecutable = false);
  /// Another file that may come to lie beside the stand-in of the last path: `path` has its name.
  void expectBeside(const std::string &path);
  /// Makes what was written the outputs, all or none.
  Status commit();
  void remove();

private:
  struct Product {
    std::string standIn, path;
    bool isExecutable, isOptional;
  };
  explicit SandboxOutputs(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  std::vector<std::string> streams_;
  std::vector<Product> products_;
};

} // namespace sinter
