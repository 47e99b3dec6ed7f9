// A compiled library read as data: none of it is mapped or run. Every number in the file is hostile until it
// is checked.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Seal.h"
#include "runtime/Status.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// A library without its weights.
class Library {
public:
  /// Reads the file of the descriptor, called `name` in messages, but for its weights, each byte once. Fails
  /// where it is no library, is for another machine (unless `ofAnyMachine`), carries no seal, or differs from
  /// it: in size, or in any byte that is not of the weights.
  static Expected<std::shared_ptr<const Library>> read(int descriptor, const std::string &name,
                                                       bool ofAnyMachine = false);

  /// Reads the weights through the same descriptor and compares their checksum.
  Status checkWeights(int descriptor, const std::string &name) const;

  const Seal &seal() const { return seal_; }
  /// Where the seal lies once the library is mapped, relative to where that is.
  uint64_t sealAddress() const { return sealAddress_; }
  bool isForThisMachine() const;

  /// The bytes that will be mapped at [address, address + bytes): nothing where these are not in the file, or are
  /// weights.
  std::optional<std::span<const std::byte>> at(uint64_t address, uint64_t bytes) const;
  /// From `address` to the end of what is mapped there.
  std::span<const std::byte> from(uint64_t address) const;
  /// A pointer that the loader will write at `address`, as an address in the library; 0 is null. Nothing
  /// where it is none.
  std::optional<uint64_t> pointerAt(uint64_t address) const;
  size_t bytes() const { return size_; }

private:
  struct Segment {
    uint64_t address, offset, bytes;
  };
  struct Relocation {
    uint64_t address, value;
  };
  Library() = default;
  Status readContent(int descriptor, const std::string &name, bool ofAnyMachine);
  Status readRest(int descriptor, const std::string &name, std::span<const std::byte> head, uint64_t fileBytes);
  bool findSeal(std::span<const std::byte> head, uint64_t from, uint64_t bytes);
  void readRelocations(uint64_t dynamic, uint64_t bytes);

  uint16_t machine_ = 0;
  std::unique_ptr<std::byte[]> content_; ///< the file without the weights
  size_t size_ = 0;
  Seal seal_ = {};
  uint64_t sealOffset_ = 0, sealAddress_ = 0;
  std::vector<Segment> segments_;
  std::vector<Relocation> relocations_; ///< pointers into the library, by address
};

/// The chain of tables in a library, checked: names, shapes and texts lie in `library`, which the owner keeps
/// alive; `run` and `weights` are null, and so are the kernels unless `withKernels`. A table of another
/// version is the last and holds nothing but its magic and version.
Expected<std::shared_ptr<const SinterModel>> readTables(std::shared_ptr<const Library> library, const std::string &name,
                                                        bool withKernels);

} // namespace sinter
