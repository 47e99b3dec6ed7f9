// Headers and seal lie at the file's beginning, which is read first and says where the weights are; then the
// rest is read.
#include "runtime/Library.h"

#include "runtime/Checksum.h"
#include "runtime/OptionMark.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter {
namespace {

#if defined(__x86_64__)
constexpr uint16_t ownMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t ownMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr uint16_t ownMachine = EM_RISCV;
#endif

struct Machine {
  uint16_t number;
  const char *name;
  uint32_t relative; ///< the relocation that is a pointer into the library
};
constexpr Machine machines[] = {{EM_X86_64, "x86_64", R_X86_64_RELATIVE},
                                {EM_AARCH64, "aarch64", R_AARCH64_RELATIVE},
                                {EM_RISCV, "riscv64", R_RISCV_RELATIVE}};

const Machine *findMachine(uint16_t number) {
  auto found = std::ranges::find(machines, number, &Machine::number);
  return found == std::end(machines) ? nullptr : found;
}

std::string machineName(uint16_t number) {
  const Machine *machine = findMachine(number);
  return machine ? machine->name : fmt::format("ELF machine {}", number);
}

/// Where headers and seal must lie.
constexpr size_t maxHeadBytes = 64 << 10;
/// More than linkers can place apart from the weights.
constexpr uint64_t maxContentBytes = uint64_t(1) << 31;

bool isWithin(uint64_t offset, uint64_t bytes, uint64_t size) { return offset <= size && bytes <= size - offset; }

/// A T at `offset`, which the caller knows to be within.
template <typename T> T loadAt(std::span<const std::byte> bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Reads all of `bytes`; false at the file's end, with errno 0, and for errors.
bool readAt(int descriptor, std::span<std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t got = ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got == 0)
      errno = 0;
    if (got <= 0)
      return false;
    offset += static_cast<uint64_t>(got);
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return true;
}

Status notRead(const std::string &name) {
  if (errno == 0)
    return {ErrorCode::Io, fmt::format("{} became shorter while it was read", name)};
  return {ErrorCode::Io, fmt::format("cannot read {}: {}", name, std::strerror(errno))};
}

Status notCompiled(const std::string &name, std::string_view what) {
  return {ErrorCode::InvalidFile, fmt::format("{} is not a compiled model: {}", name, what)};
}

Status damaged(const std::string &name, std::string_view what) {
  return {ErrorCode::InvalidFile, fmt::format("{} is damaged: {}", name, what)};
}

/// A library of an earlier version exports the table, too.
Status withoutSeal(const std::string &name, std::span<const std::byte> head) {
  constexpr std::string_view symbol("\0sinter_model", 14);
  std::string_view text(reinterpret_cast<const char *>(head.data()), head.size());
  if (text.find(symbol) == text.npos)
    return notCompiled(name, "it carries no seal of Sinter's (make one with: sinter compile MODEL.onnx -o MODEL.so)");
  return {ErrorCode::Incompatible, fmt::format("{} carries no seal of this version: an earlier version of "
                                               "Sinter compiled it, another linker linked it "
                                               "anew, or it is damaged: compile the model again",
                                               name)};
}

} // namespace

bool Library::isForThisMachine() const { return machine_ == ownMachine; }

Expected<std::shared_ptr<const Library>> Library::read(int descriptor, const std::string &name, bool ofAnyMachine) {
  std::shared_ptr<Library> library(new Library);
  if (Status status = library->readContent(descriptor, name, ofAnyMachine); !status.ok())
    return status.failure();
  return std::shared_ptr<const Library>(std::move(library));
}

Status Library::readContent(int descriptor, const std::string &name, bool ofAnyMachine) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0)
    return {ErrorCode::Io, fmt::format("cannot read {}: {}", name, std::strerror(errno))};
  auto size = S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
  std::vector<std::byte> head(std::min<uint64_t>(size, maxHeadBytes));
  if (!readAt(descriptor, head, 0))
    return notRead(name);
  if (head.size() < sizeof(Elf64_Ehdr) || std::memcmp(head.data(), ELFMAG, SELFMAG) != 0)
    return notCompiled(name, "it is no shared library (make one with: sinter compile MODEL.onnx -o MODEL.so)");
  auto header = loadAt<Elf64_Ehdr>(head, 0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN)
    return notCompiled(name, "it is no 64-bit little-endian shared library");
  machine_ = header.e_machine;
  if (!findMachine(machine_) || (!ofAnyMachine && !isForThisMachine()))
    return {ErrorCode::Incompatible,
            fmt::format("{} was compiled for {}, this machine is {}: recompile it for this one ({})", name,
                        machineName(machine_), machineName(ownMachine), optionMark("target-triple"))};
  uint64_t headersEnd = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size || headersEnd > size)
    return notCompiled(name, "it is truncated");
  if (headersEnd > head.size())
    return withoutSeal(name, head);
  std::optional<Elf64_Phdr> dynamic;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    auto segment = loadAt<Elf64_Phdr>(head, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!isWithin(segment.p_offset, segment.p_filesz, size))
      return notCompiled(name, "it is truncated");
    if (segment.p_type == PT_LOAD)
      segments_.push_back({segment.p_vaddr, segment.p_offset, segment.p_filesz});
    else if (segment.p_type == PT_DYNAMIC)
      dynamic = segment;
    else if (segment.p_type == PT_NOTE && sealOffset_ == 0)
      findSeal(head, segment.p_offset, segment.p_filesz);
  }
  if (sealOffset_ == 0)
    return withoutSeal(name, head);
  if (size != seal_.fileBytes)
    return damaged(name, fmt::format("it {}: {} bytes instead of {}. Copy it again, or compile the model again; "
                                     "strip and the like change a library, too",
                                     size < seal_.fileBytes ? "is truncated" : "has grown", size, seal_.fileBytes));
  // Weights lie behind the headers and the seal.
  uint64_t described = std::max(headersEnd, sealOffset_ + sizeof(Seal));
  if (!isWithin(seal_.weightsOffset, seal_.weightBytes, size) ||
      (seal_.weightBytes > 0 && seal_.weightsOffset < described))
    return damaged(name, "its weights are not where they should be");
  if (Status status = readRest(descriptor, name, head, size); !status.ok())
    return status;
  for (const Segment &segment : segments_)
    if (segment.offset <= sealOffset_ && isWithin(sealOffset_ - segment.offset, sizeof(Seal), segment.bytes))
      sealAddress_ = segment.address + (sealOffset_ - segment.offset);
  if (dynamic)
    readRelocations(dynamic->p_vaddr, dynamic->p_filesz);
  return {};
}

/// Looks through the notes at [from, from + bytes) of the file, as far as the head goes.
bool Library::findSeal(std::span<const std::byte> head, uint64_t from, uint64_t bytes) {
  uint64_t end = std::min<uint64_t>(head.size(), from + bytes);
  // Content follows the name, and another note the content, at multiples of four bytes: other alignments
  // begin with the same.
  for (uint64_t at = from; at < end && isWithin(at, sizeof(SealNote), end);) {
    auto note = loadAt<SealNote>(head, at);
    SealNote expected;
    if (std::memcmp(&note, &expected, offsetof(SealNote, seal)) == 0) {
      sealOffset_ = at + offsetof(SealNote, seal);
      std::memcpy(&seal_, note.seal, sizeof seal_);
      return true;
    }
    auto aligned = [](uint64_t size) { return (size + 3) & ~uint64_t(3); };
    at += offsetof(SealNote, name) + aligned(note.nameBytes) + aligned(note.contentBytes);
  }
  return false;
}

/// Fills `content_` and compares its checksum.
Status Library::readRest(int descriptor, const std::string &name, std::span<const std::byte> head, uint64_t fileBytes) {
  uint64_t behind = seal_.weightsOffset + seal_.weightBytes;
  if (fileBytes - seal_.weightBytes > maxContentBytes)
    return damaged(name, "it holds more than code and weights");
  size_ = static_cast<size_t>(fileBytes - seal_.weightBytes);
  content_.reset(new (std::nothrow) std::byte[size_]);
  if (!content_)
    return {ErrorCode::OutOfMemory, fmt::format("not enough memory to check {}: {} bytes", name, size_)};
  auto fill = [&](std::byte *to, uint64_t from, uint64_t end) {
    uint64_t known = from < head.size() ? std::min<uint64_t>(end, head.size()) - from : 0;
    std::copy_n(head.data() + (known > 0 ? from : 0), known, to);
    return readAt(descriptor, {to + known, static_cast<size_t>(end - from - known)}, from + known);
  };
  if (!fill(content_.get(), 0, seal_.weightsOffset) || !fill(content_.get() + seal_.weightsOffset, behind, fileBytes))
    return notRead(name);
  Checksum checksum;
  uint64_t field = sealOffset_ + offsetof(Seal, checksum), rest = field + sizeof(Seal::checksum);
  static constexpr std::byte zeros[sizeof(Seal::checksum)] = {};
  checksum.add(content_.get(), field);
  checksum.add(zeros, sizeof zeros);
  checksum.add(content_.get() + rest, size_ - rest);
  if (checksum.value() != seal_.checksum)
    return damaged(name, "its checksum differs. Copy it again, or compile the model again; strip and the "
                         "like change a library, too");
  return {};
}

Status Library::checkWeights(int descriptor, const std::string &name) const {
  Checksum checksum;
  std::vector<std::byte> buffer(std::min<uint64_t>(seal_.weightBytes, 1 << 20));
  for (uint64_t at = 0; at < seal_.weightBytes; at += buffer.size()) {
    std::span part(buffer.data(), static_cast<size_t>(std::min<uint64_t>(buffer.size(), seal_.weightBytes - at)));
    if (!readAt(descriptor, part, seal_.weightsOffset + at))
      return notRead(name);
    checksum.add(part.data(), part.size());
  }
  if (checksum.value() != seal_.weightChecksum)
    return damaged(name, "the checksum of its weights differs. Copy it again, or compile the model again");
  return {};
}

std::span<const std::byte> Library::from(uint64_t address) const {
  for (const Segment &segment : segments_) {
    if (address < segment.address || address - segment.address >= segment.bytes)
      continue;
    uint64_t offset = segment.offset + (address - segment.address), end = segment.offset + segment.bytes;
    uint64_t behind = seal_.weightsOffset + seal_.weightBytes;
    if (offset >= behind) // also where there are no weights
      return {content_.get() + (offset - seal_.weightBytes), static_cast<size_t>(end - offset)};
    if (offset < seal_.weightsOffset)
      return {content_.get() + offset, static_cast<size_t>(std::min(end, seal_.weightsOffset) - offset)};
    return {};
  }
  return {};
}

std::optional<std::span<const std::byte>> Library::at(uint64_t address, uint64_t bytes) const {
  std::span<const std::byte> found = from(address);
  if (found.size() < bytes)
    return std::nullopt;
  return found.first(bytes);
}

/// Keeps the pointers into the library that the dynamic section lists.
void Library::readRelocations(uint64_t dynamic, uint64_t bytes) {
  uint64_t table = 0, tableBytes = 0;
  std::span<const std::byte> entries = from(dynamic);
  for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= std::min<uint64_t>(bytes, entries.size()); at += sizeof(Elf64_Dyn)) {
    auto entry = loadAt<Elf64_Dyn>(entries, at);
    if (entry.d_tag == DT_NULL)
      break;
    if (entry.d_tag == DT_RELA)
      table = entry.d_un.d_ptr;
    else if (entry.d_tag == DT_RELASZ)
      tableBytes = entry.d_un.d_val;
  }
  std::span<const std::byte> rows = from(table);
  rows = rows.first(std::min<uint64_t>(rows.size(), tableBytes) / sizeof(Elf64_Rela) * sizeof(Elf64_Rela));
  relocations_.reserve(rows.size() / sizeof(Elf64_Rela));
  for (uint64_t at = 0; at < rows.size(); at += sizeof(Elf64_Rela)) {
    auto row = loadAt<Elf64_Rela>(rows, at);
    if (ELF64_R_TYPE(row.r_info) == findMachine(machine_)->relative)
      relocations_.push_back({row.r_offset, static_cast<uint64_t>(row.r_addend)});
  }
  if (!std::ranges::is_sorted(relocations_, {}, &Relocation::address))
    std::ranges::stable_sort(relocations_, {}, &Relocation::address);
}

std::optional<uint64_t> Library::pointerAt(uint64_t address) const {
  auto found = std::ranges::lower_bound(relocations_, address, {}, &Relocation::address);
  if (found != relocations_.end() && found->address == address)
    return found->value;
  std::optional<std::span<const std::byte>> bytes = at(address, sizeof(uint64_t));
  if (!bytes || loadAt<uint64_t>(*bytes, 0) != 0)
    return std::nullopt;
  return 0;
}

} // namespace sinter
