// The .npy format: magic, version, header length, a Python dict literal {'descr', 'fortran_order', 'shape'},
// data. Format: numpy.lib.format. Every length is checked against the file before it is used.
#include "runtime/Npy.h"

#include "runtime/File.h"
#include "runtime/Output.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <fmt/format.h>

static_assert(std::endian::native == std::endian::little, "Sinter's tensors are little endian");

namespace sinter {
namespace {

struct Header {
  std::string descr;
  bool fortranOrder = false;
  Shape shape;
};

/// Reads the dict literal, as strictly as numpy writes it, in any key order.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  std::optional<Header> parse() {
    Header header;
    unsigned seen = 0;
    if (!take('{'))
      return std::nullopt;
    while (!take('}')) {
      std::optional<std::string> key = string();
      if (!key || !take(':'))
        return std::nullopt;
      bool good = false;
      if (*key == "descr" && !(seen & 1)) {
        std::optional<std::string> value = string();
        good = value.has_value();
        header.descr = value.value_or("");
        seen |= 1;
      } else if (*key == "fortran_order" && !(seen & 2)) {
        header.fortranOrder = word("True");
        good = header.fortranOrder || word("False");
        seen |= 2;
      } else if (*key == "shape" && !(seen & 4)) {
        good = tuple(header.shape);
        seen |= 4;
      }
      if (!good || (!take(',') && peek() != '}'))
        return std::nullopt;
    }
    skipSpace();
    if (seen != 7 || !rest_.empty())
      return std::nullopt;
    return header;
  }

private:
  void skipSpace() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  char peek() {
    skipSpace();
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool take(char c) {
    if (peek() != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view text) {
    skipSpace();
    if (!rest_.starts_with(text))
      return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::optional<std::string> string() {
    char quote = peek();
    size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool tuple(Shape &shape) {
    if (!take('('))
      return false;
    while (!take(')')) {
      skipSpace();
      int64_t value;
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc())
        return false;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      rest_.remove_prefix(rest_.starts_with('L')); // Python 2's long
      shape.push_back(value);
      if (!take(',') && peek() != ')')
        return false;
    }
    return true;
  }

  std::string_view rest_;
};

struct TypeName {
  std::string_view code; ///< without the byte order
  DType type;
};
constexpr TypeName typeNames[] = {{"f4", DType::F32}, {"f8", DType::F64}, {"f2", DType::F16}, {"V2", DType::BF16},
                                  {"i1", DType::I8},  {"i2", DType::I16}, {"i4", DType::I32}, {"i8", DType::I64},
                                  {"u1", DType::U8},  {"u2", DType::U16}, {"u4", DType::U32}, {"u8", DType::U64},
                                  {"b1", DType::Bool}};

/// Reverses the bytes of every element.
void swapBytes(std::byte *data, size_t bytes, size_t width) {
  for (size_t at = 0; at < bytes; at += width)
    std::reverse(data + at, data + at + width);
}

/// Copies column-major `from` into row-major `to`, walking `to` in order with an odometer over the
/// dimensions.
void copyFortran(const std::byte *from, Tensor &to) {
  size_t width = sizeOf(to.type());
  const Shape &shape = to.shape();
  std::vector<int64_t> strides(shape.size()), index(shape.size(), 0);
  int64_t stride = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= shape[d];
  }
  int64_t offset = 0;
  for (int64_t i = 0; i < to.size(); ++i) {
    std::memcpy(to.data() + static_cast<size_t>(i) * width, from + static_cast<size_t>(offset) * width, width);
    for (size_t d = shape.size(); d-- > 0;) {
      offset += strides[d];
      if (++index[d] < shape[d])
        break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

} // namespace

Expected<Tensor> parseNpy(std::span<const std::byte> bytes, const std::string &name) {
  auto bad = [&](std::string_view what) {
    return Failure{ErrorCode::InvalidFile, fmt::format("'{}' is not a valid .npy file: {}", name, what)};
  };
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (bytes.empty())
    return bad("it is empty");
  if (!text.starts_with("\x93NUMPY"))
    return bad("it does not start with \\x93NUMPY");
  auto byteAt = [&](size_t at) { return static_cast<uint32_t>(bytes[at]); };
  if (bytes.size() < 10)
    return bad("it ends within the header");
  uint32_t version = byteAt(6);
  if (version < 1 || version > 3)
    return bad(fmt::format("version {} is unknown (1 to 3 are read)", version));
  size_t lengthBytes = version == 1 ? 2 : 4;
  size_t start = 8 + lengthBytes, length = 0;
  if (bytes.size() < start)
    return bad("it ends within the header");
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= static_cast<size_t>(byteAt(8 + i)) << (8 * i);
  if (bytes.size() - start < length)
    return bad("it ends within the header");
  std::optional<Header> header = HeaderParser(text.substr(start, length)).parse();
  if (!header)
    return bad("the header is not a dict of descr (of a plain type), fortran_order and shape");

  std::string_view descr = header->descr;
  bool bigEndian = descr.starts_with('>');
  if (!descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos)
    descr.remove_prefix(1);
  if (descr == "?")
    descr = "b1";
  auto found =
      std::find_if(std::begin(typeNames), std::end(typeNames), [&](const TypeName &t) { return t.code == descr; });
  if (found == std::end(typeNames))
    return Failure{ErrorCode::Unsupported,
                   fmt::format("'{}' has the element type '{}', which is not supported: use float16/32/64, "
                               "int8/16/32/64, uint8/16/32/64 or bool",
                               name, header->descr)};

  DType type = found->type;
  std::span<const std::byte> data = bytes.subspan(start + length);
  std::optional<int64_t> count = elementCount(header->shape);
  size_t wanted;
  if (!count || __builtin_mul_overflow(static_cast<size_t>(*count), sizeOf(type), &wanted))
    return bad("the shape has a negative dimension or is too large");
  if (data.size() != wanted)
    return bad(fmt::format("shape {} of {} needs {} bytes of data, the file holds {}", toString(header->shape),
                           nameOf(type), wanted, data.size()));
  std::optional<Tensor> tensor = Tensor::allocate(type, header->shape);
  if (!tensor)
    return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for the tensor in '{}'", name)};
  if (header->fortranOrder && tensor->size() > 0)
    copyFortran(data.data(), *tensor);
  else
    std::copy(data.begin(), data.end(), tensor->data());
  if (bigEndian)
    swapBytes(tensor->data(), tensor->bytes(), sizeOf(type));
  if (type == DType::Bool)
    for (uint8_t &b : tensor->as<uint8_t>())
      b = b != 0;
  return *tensor;
}

Expected<Tensor> readNpy(const std::string &path) {
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  return parseNpy(*bytes, path);
}

Status writeNpy(const std::string &path, const Tensor &tensor) {
  OutputSet one;
  Status status = addNpy(one, path, tensor);
  return status.ok() ? one.commit() : status;
}

Status addNpy(OutputSet &outputs, const std::string &path, const Tensor &tensor) {
  DType type = tensor.type();
  auto found =
      std::find_if(std::begin(typeNames), std::end(typeNames), [&](const TypeName &t) { return t.type == type; });
  if (found == std::end(typeNames))
    return {ErrorCode::Unsupported,
            fmt::format("cannot write '{}': NumPy has no type {}, use .pb", path, nameOf(type))};
  std::string shape;
  for (int64_t d : tensor.shape())
    shape += fmt::format("{}, ", d);
  if (tensor.rank() > 1)
    shape.resize(shape.size() - 2);
  else if (tensor.rank() == 1)
    shape.pop_back();
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   sizeOf(type) == 1 ? '|' : '<', found->code, shape);
  // The data starts at a multiple of 64; the header ends in a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  if (header.size() > 65535)
    return {ErrorCode::InvalidArgument, fmt::format("cannot write '{}': the shape has too many dimensions", path)};
  std::string prefix = "\x93NUMPY";
  prefix += {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  prefix += header;
  std::vector<std::byte> bytes(prefix.size() + tensor.bytes());
  std::memcpy(bytes.data(), prefix.data(), prefix.size());
  std::copy(tensor.data(), tensor.data() + tensor.bytes(), bytes.data() + prefix.size());
  return outputs.add(path, bytes);
}

} // namespace sinter
