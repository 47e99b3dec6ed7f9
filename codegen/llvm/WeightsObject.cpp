// Written by hand rather than through LLVM's constants, which would hold the weights in memory several times.
#include "codegen/llvm/WeightsObject.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {

using namespace llvm::ELF;

static constexpr llvm::StringLiteral sectionName = ".lrodata";

void writeWeightsObject(const WeightBlob &weights, bool isX86, bool reserves, llvm::raw_ostream &out) {
  // Offsets of names in the string table, which serves sections and symbols.
  static constexpr char names[] = "\0.lrodata\0.symtab\0.strtab\0sinter_weights\0.note.GNU-stack";
  enum : uint32_t { nameRodata = 1, nameSymtab = 10, nameStrtab = 18, nameWeights = 26, nameStack = 41 };
  enum : uint32_t { rodata = 1, symtab = 2, strtab = 3, stack = 4, sectionCount = 5 };
  auto put = [&](const auto &value) { out.write(reinterpret_cast<const char *>(&value), sizeof value); };

  auto bytes = static_cast<uint64_t>(weights.bytes());
  uint64_t content = reserves ? 0 : bytes;
  uint64_t rodataAt = SINTER_ALIGNMENT, symtabAt = llvm::alignTo(rodataAt + content, 8);
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = nameWeights;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = rodata;
  symbols[1].st_size = bytes;
  uint64_t strtabAt = symtabAt + sizeof symbols, headersAt = llvm::alignTo(strtabAt + sizeof names, 8);

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = isX86 ? EM_X86_64 : EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = sectionCount;
  header.e_shstrndx = strtab;
  put(header);

  uint64_t large = isX86 ? uint64_t(SHF_X86_64_LARGE) : 0;
  Elf64_Shdr sections[sectionCount] = {};
  uint32_t type = reserves ? SHT_NOBITS : SHT_PROGBITS;
  sections[rodata] = {nameRodata, type, SHF_ALLOC | large, 0, rodataAt, bytes, 0, 0, SINTER_ALIGNMENT, 0};
  sections[symtab] = {nameSymtab, SHT_SYMTAB, 0, 0, symtabAt, sizeof symbols, strtab, 1, 8, sizeof(Elf64_Sym)};
  sections[strtab] = {nameStrtab, SHT_STRTAB, 0, 0, strtabAt, sizeof names, 0, 0, 1, 0};
  sections[stack] = {nameStack, SHT_PROGBITS, 0, 0, headersAt, 0, 0, 0, 1, 0};

  static_assert(sizeof(Elf64_Ehdr) == SINTER_ALIGNMENT);
  if (!reserves)
    weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
  out.write_zeros(symtabAt - rodataAt - content);
  put(symbols);
  put(names);
  out.write_zeros(headersAt - strtabAt - sizeof names);
  put(sections);
}

namespace {

/// Where in a linked file the weights and the type of their section belong.
struct Room {
  uint64_t at, typeAt;
};

/// The room for `bytes`, inside what a segment loads from the file.
llvm::Expected<Room> findRoom(llvm::StringRef file, uint64_t bytes) {
  using Elf = llvm::object::ELF64LE;
  auto fail = [](const char *reason) { return llvm::createStringError(reason); };
  llvm::Expected<llvm::object::ELFFile<Elf>> elf = llvm::object::ELFFile<Elf>::create(file);
  if (!elf)
    return elf.takeError();
  auto sections = elf->sections();
  auto segments = elf->program_headers();
  if (!sections)
    return sections.takeError();
  if (!segments)
    return segments.takeError();
  for (const Elf::Shdr &section : *sections) {
    llvm::Expected<llvm::StringRef> name = elf->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name != sectionName)
      continue;
    if (section.sh_type != SHT_NOBITS || section.sh_size != bytes)
      return fail("other data share the section of the weights");
    for (const Elf::Phdr &segment : *segments)
      if (segment.p_type == PT_LOAD && section.sh_addr >= segment.p_vaddr &&
          section.sh_addr + bytes <= segment.p_vaddr + segment.p_filesz)
        return Room{segment.p_offset + (section.sh_addr - segment.p_vaddr),
                    static_cast<uint64_t>(reinterpret_cast<const char *>(&section.sh_type) - file.data())};
    return fail("no segment loads the section of the weights");
  }
  return fail("the section of the weights is missing");
}

} // namespace

Status fillReservedWeights(const WeightBlob &weights, const std::string &path) {
  auto fail = [&](const std::string &reason) {
    return Status(ErrorCode::Io, "cannot write the weights into '" + path + "': " + reason);
  };
  Room room = {};
  {
    llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> file =
        llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!file)
      return fail(file.getError().message());
    llvm::Expected<Room> found = findRoom((*file)->getBuffer(), static_cast<uint64_t>(weights.bytes()));
    if (!found)
      return fail(llvm::toString(found.takeError()));
    room = *found;
  }
  std::error_code error;
  llvm::raw_fd_ostream out(path, error, llvm::sys::fs::CD_OpenExisting);
  if (error)
    return fail(error.message());
  out.seek(room.at);
  weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
  uint32_t type = SHT_PROGBITS;
  out.seek(room.typeAt);
  out.write(reinterpret_cast<const char *>(&type), sizeof type);
  out.close();
  error = out.error();
  out.clear_error();
  return error ? fail(error.message()) : Status();
}

} // namespace sinter::codegen
