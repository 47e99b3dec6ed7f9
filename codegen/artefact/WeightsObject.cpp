// Written by hand rather than through LLVM's constants, which would hold the weights in memory several times.
#include "codegen/artefact/WeightsObject.h"
#include "codegen/Output.h"
#include "codegen/artefact/LibrarySeal.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {

using namespace llvm::ELF;

static constexpr llvm::StringLiteral sectionName = ".sinter_weights";

void writeWeightsObject(const WeightBlob &weights, Architecture architecture, bool isShared, llvm::raw_ostream &out) {
  // Offsets of names in the string table, which serves sections and symbols.
  static constexpr char names[] = "\0.sinter_weights\0.symtab\0.strtab\0.note.GNU-stack\0.note.sinter";
  enum : uint32_t { nameRodata = 1, nameWeights = 2, nameSymtab = 17, nameStrtab = 25, nameStack = 33, nameSeal = 49 };
  enum : uint32_t { rodata = 1, symtab = 2, strtab = 3, stack = 4, seal = 5, sectionCount = 6 };
  static_assert(std::string_view(names + nameSeal) == sealSection);
  auto put = [&](const auto &value) { out.write(reinterpret_cast<const char *>(&value), sizeof value); };

  auto bytes = static_cast<uint64_t>(weights.bytes());
  uint64_t content = isShared ? 0 : bytes;
  uint64_t rodataAt = SINTER_ALIGNMENT, symtabAt = llvm::alignTo(rodataAt + content, 8);
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = nameWeights;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = rodata;
  symbols[1].st_size = bytes;
  uint64_t strtabAt = symtabAt + sizeof symbols, sealAt = llvm::alignTo(strtabAt + sizeof names, 8);
  uint64_t headersAt = llvm::alignTo(sealAt + sizeof(SealNote), 8);

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  bool isX86 = architecture == Architecture::X86_64, isRiscv = architecture == Architecture::Riscv64;
  header.e_machine = isX86 ? EM_X86_64 : isRiscv ? EM_RISCV : EM_AARCH64;
  // Linkers compare the ABIs of what they link.
  header.e_flags = isRiscv ? EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE : 0;
  header.e_version = EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  // An object has no seal, nor has what others link of it.
  header.e_shnum = isShared ? sectionCount : seal;
  header.e_shstrndx = strtab;
  put(header);

  uint64_t large = isX86 ? uint64_t(SHF_X86_64_LARGE) : 0;
  Elf64_Shdr sections[sectionCount] = {};
  // Linkers keep memory without content apart from constants only where it can be written.
  uint32_t type = isShared ? SHT_NOBITS : SHT_PROGBITS;
  uint64_t flags = SHF_ALLOC | large | (isShared ? uint64_t(SHF_WRITE) : 0);
  sections[rodata] = {nameRodata, type, flags, 0, rodataAt, bytes, 0, 0, SINTER_ALIGNMENT, 0};
  sections[symtab] = {nameSymtab, SHT_SYMTAB, 0, 0, symtabAt, sizeof symbols, strtab, 1, 8, sizeof(Elf64_Sym)};
  sections[strtab] = {nameStrtab, SHT_STRTAB, 0, 0, strtabAt, sizeof names, 0, 0, 1, 0};
  sections[stack] = {nameStack, SHT_PROGBITS, 0, 0, headersAt, 0, 0, 0, 1, 0};
  sections[seal] = {nameSeal, SHT_NOTE, SHF_ALLOC, 0, sealAt, sizeof(SealNote), 0, 0, 4, 0};

  static_assert(sizeof(Elf64_Ehdr) == SINTER_ALIGNMENT);
  if (!isShared)
    weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
  out.write_zeros(symtabAt - rodataAt - content);
  put(symbols);
  put(names);
  out.write_zeros(sealAt - strtabAt - sizeof names);
  put(SealNote());
  out.write_zeros(headersAt - sealAt - sizeof(SealNote));
  for (uint32_t i = 0; i < header.e_shnum; ++i)
    put(sections[i]);
}

//===- Content behind the linker's back ------------------------------------===//

namespace {

/// A linked library without a seal whose weights, if there are any, are zeroed memory: the last section of the last
/// segment. Behind that in the file lies what is not loaded, the table of sections included.
class ReservedLibrary {
public:
  using Elf = llvm::object::ELF64LE;

  /// Reads what there is; the reason if that is not as expected.
  std::string read(const std::string &path, uint64_t bytes);
  /// Writes it with the weights and its seal.
  Status write(const std::string &path, const WeightBlob &weights);

private:
  /// Gives the weights' segment content, and moves behind it what is not loaded: `file` ends where the weights begin.
  void makeRoom();
  template <typename T> T &at(uint64_t offset) { return *reinterpret_cast<T *>(file.data() + offset); }
  Elf::Ehdr &header() { return at<Elf::Ehdr>(0); }
  Elf::Phdr &segment(unsigned i) { return at<Elf::Phdr>(header().e_phoff + i * sizeof(Elf::Phdr)); }
  Elf::Shdr &section(unsigned i) { return at<Elf::Shdr>(header().e_shoff + i * sizeof(Elf::Shdr)); }

  std::string file, behind;
  SealPlace seal;
  Elf::Shdr *weightsSection = nullptr;
  Elf::Phdr *weightsSegment = nullptr;
};

std::string ReservedLibrary::read(const std::string &path, uint64_t bytes) {
  {
    llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> mapped = llvm::MemoryBuffer::getFile(path);
    if (!mapped)
      return mapped.getError().message();
    // A copy, since the file is written over.
    file = (*mapped)->getBuffer().str();
  }
  Expected<SealPlace> place = findSeal(file);
  if (!place)
    return place.failure().message;
  seal = *place;
  if (bytes == 0)
    return "";
  llvm::Expected<llvm::object::ELFFile<Elf>> elf = llvm::object::ELFFile<Elf>::create(file);
  if (!elf)
    return llvm::toString(elf.takeError());
  // These check that the tables lie within the file.
  auto sections = elf->sections();
  auto segments = elf->program_headers();
  if (!sections || !segments)
    return llvm::toString(sections ? segments.takeError() : sections.takeError());
  for (unsigned i = 0; i < header().e_shnum; ++i) {
    llvm::Expected<llvm::StringRef> name = elf->getSectionName(section(i));
    if (!name)
      return llvm::toString(name.takeError());
    if (*name == sectionName)
      weightsSection = &section(i);
  }
  if (!weightsSection || weightsSection->sh_type != SHT_NOBITS || weightsSection->sh_size != bytes)
    return "the linker left no room for them";
  for (unsigned i = 0; i < header().e_phnum; ++i)
    if (segment(i).p_type == PT_LOAD && segment(i).p_vaddr + segment(i).p_memsz == weightsSection->sh_addr + bytes)
      weightsSegment = &segment(i);
  if (!weightsSegment)
    return "the linker placed other data behind them";
  for (unsigned i = 0; i < header().e_phnum; ++i)
    if (segment(i).p_type == PT_LOAD && segment(i).p_offset > weightsSegment->p_offset)
      return "the linker placed another segment behind them";
  if (weightsSegment->p_offset % weightsSegment->p_align != weightsSegment->p_vaddr % weightsSegment->p_align)
    return "the linker aligned no room for them";
  return "";
}

void ReservedLibrary::makeRoom() {
  uint64_t end = 0; // of what is loaded
  for (unsigned i = 0; i < header().e_phnum; ++i)
    if (segment(i).p_type == PT_LOAD && segment(i).p_filesz > 0)
      end = std::max<uint64_t>(end, segment(i).p_offset + segment(i).p_filesz);
  uint64_t first = weightsSegment->p_offset + (weightsSection->sh_addr - weightsSegment->p_vaddr);
  uint64_t last = first + weightsSection->sh_size, tail = llvm::alignTo(last, SINTER_ALIGNMENT);
  uint64_t moved = tail - llvm::alignDown(end, SINTER_ALIGNMENT);
  for (unsigned i = 0; i < header().e_shnum; ++i)
    if (section(i).sh_type != SHT_NULL && !(section(i).sh_flags & SHF_ALLOC) && section(i).sh_offset >= end)
      section(i).sh_offset += moved;
  weightsSection->sh_type = SHT_PROGBITS;
  weightsSection->sh_offset = first;
  // Nobody writes weights; where they have a segment of their own, nobody can.
  if (weightsSegment->p_vaddr == weightsSection->sh_addr) {
    weightsSegment->p_flags = PF_R;
    weightsSection->sh_flags &= ~static_cast<uint64_t>(SHF_WRITE);
  }
  weightsSegment->p_filesz = weightsSegment->p_memsz;
  header().e_shoff += moved;
  behind = std::string(end + moved - last, '\0') + file.substr(end);
  file.resize(end);
  file.resize(first);
}

Status ReservedLibrary::write(const std::string &path, const WeightBlob &weights) {
  if (weightsSection)
    makeRoom();
  sealLibrary({file.data(), file.size()}, behind, seal, static_cast<uint64_t>(weights.bytes()), weights.checksum());
  // Anew and page by large page: systems keep a file in pieces no larger than it was written in.
  return fillOutput(path, path, [&](llvm::raw_ostream &out) {
    out.SetUnbuffered();
    std::string page;
    auto append = [&](llvm::StringRef rest) {
      while (!rest.empty()) {
        if (page.empty() && rest.size() >= largePageBytes) {
          out << rest.take_front(largePageBytes);
          rest = rest.drop_front(largePageBytes);
          continue;
        }
        size_t room = largePageBytes - page.size();
        page += rest.take_front(room);
        rest = rest.drop_front(std::min(room, rest.size()));
        if (page.size() == largePageBytes) {
          out << page;
          page.clear();
        }
      }
    };
    append(file);
    weights.write([&](const void *data, size_t size) { append({static_cast<const char *>(data), size}); });
    append(behind);
    out << page;
  });
}

} // namespace

Status finishLibrary(const WeightBlob &weights, const std::string &path) {
  ReservedLibrary library;
  std::string reason = library.read(path, static_cast<uint64_t>(weights.bytes()));
  if (reason.empty())
    return library.write(path, weights);
  return {ErrorCode::Io, "cannot write the weights into '" + path + "': " + reason};
}

} // namespace sinter::codegen
