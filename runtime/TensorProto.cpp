// ONNX keeps a tensor's elements as raw little-endian bytes, in one of five typed fields, or in a file beside
// the model. All lengths are checked against the shape; protobuf's exceptions stay inside.
#include "runtime/TensorProto.h"

#include "runtime/File.h"
#include "runtime/Npy.h"
#include "runtime/Output.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <onnx/onnx-data_pb.h>
#include <onnx/onnx_pb.h>

namespace sinter {
namespace {

using onnx::TensorProto;

/// By number, those that are newer than the installed protobuf classes too.
constexpr const char *onnxNames[] = {
    "UNDEFINED", "FLOAT",      "UINT8",      "INT8",         "UINT16",         "INT16",      "INT32",
    "INT64",     "STRING",     "BOOL",       "FLOAT16",      "DOUBLE",         "UINT32",     "UINT64",
    "COMPLEX64", "COMPLEX128", "BFLOAT16",   "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ",
    "UINT4",     "INT4",       "FLOAT4E2M1", "FLOAT8E8M0",   "UINT2",          "INT2"};

constexpr std::pair<int32_t, DType> supported[] = {{TensorProto::FLOAT, DType::F32},
                                                   {TensorProto::DOUBLE, DType::F64},
                                                   {TensorProto::FLOAT16, DType::F16},
                                                   {TensorProto::BFLOAT16, DType::BF16},
                                                   {TensorProto::INT8, DType::I8},
                                                   {TensorProto::INT16, DType::I16},
                                                   {TensorProto::INT32, DType::I32},
                                                   {TensorProto::INT64, DType::I64},
                                                   {TensorProto::UINT8, DType::U8},
                                                   {TensorProto::UINT16, DType::U16},
                                                   {TensorProto::UINT32, DType::U32},
                                                   {TensorProto::UINT64, DType::U64},
                                                   {TensorProto::BOOL, DType::Bool},
                                                   // Newer than the installed protobuf classes.
                                                   {17, DType::F8E4M3FN},
                                                   {18, DType::F8E4M3FNUZ},
                                                   {19, DType::F8E5M2},
                                                   {20, DType::F8E5M2FNUZ},
                                                   {21, DType::U4},
                                                   {22, DType::I4},
                                                   {23, DType::F4E2M1},
                                                   {24, DType::F8E8M0},
                                                   {25, DType::U2},
                                                   {26, DType::I2}};

/// Types of 4 and 2 bits are packed in files: several elements a byte, the first in the lowest bits.
bool isPacked(DType type) { return bitsOf(type) < 8 && type != DType::Bool; }

size_t packedBytes(DType type, int64_t count) {
  auto perByte = static_cast<int64_t>(8 / bitsOf(type));
  return static_cast<size_t>((count + perByte - 1) / perByte);
}

void unpack(std::span<const uint8_t> packed, Tensor &tensor) {
  unsigned bits = bitsOf(tensor.type()), perByte = 8 / bits;
  std::span<int8_t> to = tensor.as<int8_t>();
  for (size_t i = 0; i < to.size(); ++i) {
    unsigned value = packed[i / perByte] >> (i % perByte * bits) & ((1u << bits) - 1);
    to[i] = isFloat(tensor.type()) ? static_cast<int8_t>(value) : wrapNarrow(tensor.type(), value);
  }
}

std::string pack(const Tensor &tensor) {
  unsigned bits = bitsOf(tensor.type()), perByte = 8 / bits;
  std::string packed(packedBytes(tensor.type(), tensor.size()), '\0');
  std::span<const uint8_t> from = tensor.as<uint8_t>();
  for (size_t i = 0; i < from.size(); ++i) {
    unsigned shifted = (from[i] & ((1u << bits) - 1)) << (i % perByte * bits);
    packed[i / perByte] = static_cast<char>(static_cast<uint8_t>(packed[i / perByte]) | shifted);
  }
  return packed;
}

Failure bad(const TensorProto &proto, std::string_view what) {
  return {ErrorCode::InvalidFile, fmt::format("tensor '{}' {}", proto.name(), what)};
}

/// Stores the entries of one typed field, each of which must be representable: as bits for the 16-bit floats.
template <typename T, typename Field> bool storeField(Tensor &tensor, const Field &field) {
  std::span<T> to = tensor.as<T>();
  for (int i = 0; i < field.size(); ++i) {
    auto value = field[i];
    if constexpr (std::is_integral_v<T>)
      if (!std::in_range<T>(value))
        return false;
    to[static_cast<size_t>(i)] = static_cast<T>(value);
  }
  return true;
}

/// Packed elements lie in one typed field: a byte of them, or one word of the field, per entry.
Status fillPacked(const TensorProto &proto, Tensor &tensor) {
  size_t bytes = packedBytes(tensor.type(), tensor.size());
  if (static_cast<size_t>(proto.int32_data().size()) != bytes)
    return bad(proto, fmt::format("of shape {} needs {} values in int32_data, has {}", toString(tensor.shape()), bytes,
                                  proto.int32_data().size()));
  std::vector<uint8_t> packed(bytes);
  for (size_t i = 0; i < bytes; ++i) {
    int32_t value = proto.int32_data(static_cast<int>(i));
    if (value < -128 || value > 255)
      return bad(proto, "has a value in int32_data that is more than a byte");
    packed[i] = static_cast<uint8_t>(value);
  }
  unpack(packed, tensor);
  return {};
}

Status fillFromField(const TensorProto &proto, Tensor &tensor) {
  auto fill = [&]<typename T>(T *, const auto &field, std::string_view fieldName) -> Status {
    if (field.size() != tensor.size())
      return bad(proto, fmt::format("of shape {} needs {} values in {}, has {}", toString(tensor.shape()),
                                    tensor.size(), fieldName, field.size()));
    if (!storeField<T>(tensor, field))
      return bad(proto, fmt::format("has a value in {} that {} cannot hold", fieldName, nameOf(tensor.type())));
    return {};
  };
  switch (tensor.type()) {
  case DType::F32:
    return fill(static_cast<float *>(nullptr), proto.float_data(), "float_data");
  case DType::F64:
    return fill(static_cast<double *>(nullptr), proto.double_data(), "double_data");
  case DType::I8:
    return fill(static_cast<int8_t *>(nullptr), proto.int32_data(), "int32_data");
  case DType::I16:
    return fill(static_cast<int16_t *>(nullptr), proto.int32_data(), "int32_data");
  case DType::I32:
    return fill(static_cast<int32_t *>(nullptr), proto.int32_data(), "int32_data");
  case DType::U8:
  case DType::Bool:
  case DType::F8E4M3FN:
  case DType::F8E4M3FNUZ:
  case DType::F8E5M2:
  case DType::F8E5M2FNUZ:
  case DType::F8E8M0:
    return fill(static_cast<uint8_t *>(nullptr), proto.int32_data(), "int32_data");
  case DType::U16:
  case DType::F16:
  case DType::BF16:
    return fill(static_cast<uint16_t *>(nullptr), proto.int32_data(), "int32_data");
  case DType::I64:
    return fill(static_cast<int64_t *>(nullptr), proto.int64_data(), "int64_data");
  case DType::U32:
    return fill(static_cast<uint32_t *>(nullptr), proto.uint64_data(), "uint64_data");
  case DType::U64:
    return fill(static_cast<uint64_t *>(nullptr), proto.uint64_data(), "uint64_data");
  case DType::F4E2M1:
  case DType::I4:
  case DType::I2:
  case DType::U4:
  case DType::U2:
    return fillPacked(proto, tensor);
  }
  return {ErrorCode::Internal, "unknown element type"};
}

/// The bytes of external data, `bytes` of them, where the model's folder has them.
Expected<StoredBytes> findExternal(const TensorProto &proto, const ModelFolder &folder, size_t bytes) {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto &entry : proto.external_data()) {
    uint64_t number = 0;
    const std::string &text = entry.value();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool isNumber = error == std::errc() && end == text.data() + text.size();
    if (entry.key() == "location")
      location = text;
    else if ((entry.key() == "offset" || entry.key() == "length") && !isNumber)
      return bad(proto, fmt::format("has external data with the invalid {} '{}'", entry.key(), text));
    else if (entry.key() == "offset")
      offset = number;
    else if (entry.key() == "length")
      length = number;
  }
  if (length.value_or(bytes) != bytes)
    return bad(proto, fmt::format("of shape {} needs {} bytes of data, has {}",
                                  toString(Shape(proto.dims().begin(), proto.dims().end())), bytes, *length));
  Expected<StoredBytes> found = folder.find(location, offset, bytes);
  if (!found)
    return bad(proto, found.failure().message);
  return found;
}

/// A tensor of bytes that lie elsewhere: a view where they can be used as they are, else a copy.
std::optional<Tensor> fromStored(DType type, const Shape &shape, const StoredBytes &stored) {
  bool isAligned = reinterpret_cast<uintptr_t>(stored.bytes.data()) % sizeOf(type) == 0;
  if (stored.owner && isAligned && !isPacked(type) && type != DType::Bool)
    return Tensor::view(type, shape, const_cast<std::byte *>(stored.bytes.data()),
                        std::const_pointer_cast<MappedFile>(stored.owner));
  std::optional<Tensor> tensor = Tensor::allocate(type, shape);
  if (tensor && isPacked(type))
    unpack({reinterpret_cast<const uint8_t *>(stored.bytes.data()), stored.bytes.size()}, *tensor);
  else if (tensor)
    std::ranges::copy(stored.bytes, tensor->data());
  return tensor;
}

/// Parses without an exception and without protobuf's own complaints on stderr.
template <typename Message> bool parseMessage(std::span<const std::byte> bytes, Message &message) {
  google::protobuf::LogSilencer silencer;
  try {
    return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  } catch (const std::exception &) {
    return false;
  }
}

Expected<NamedTensor> parseTensorProto(std::span<const std::byte> bytes, const std::string &path) {
  TensorProto proto;
  if (bytes.empty())
    return Failure{ErrorCode::InvalidFile, fmt::format("'{}' is empty: expected a .npy file or an ONNX tensor", path)};
  if (!parseMessage(bytes, proto) || proto.data_type() == TensorProto::UNDEFINED)
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("'{}' is neither a .npy file nor an ONNX tensor (TensorProto)", path)};
  Expected<Tensor> tensor = tensorFromProto(proto);
  if (!tensor)
    return Failure{tensor.failure().code, fmt::format("'{}': {}", path, tensor.failure().message)};
  return NamedTensor{proto.name(), *tensor};
}

} // namespace

std::string onnxTypeName(int32_t dataType) {
  if (dataType >= 0 && static_cast<size_t>(dataType) < std::size(onnxNames))
    return onnxNames[dataType];
  return fmt::format("type number {}", dataType);
}

Expected<DType> typeFromOnnx(int32_t dataType) {
  for (auto [number, type] : supported)
    if (number == dataType)
      return type;
  return Failure{ErrorCode::Unsupported, fmt::format("element type {} is not supported", onnxTypeName(dataType))};
}

int32_t typeToOnnx(DType type) {
  auto found =
      std::find_if(std::begin(supported), std::end(supported), [&](auto &pair) { return pair.second == type; });
  return found == std::end(supported) ? static_cast<int32_t>(TensorProto::UNDEFINED) : found->first;
}

Expected<Tensor> tensorFromProto(const TensorProto &proto, const ModelFolder &folder) {
  Expected<DType> type = typeFromOnnx(proto.data_type());
  if (!type)
    return Failure{type.failure().code, fmt::format("tensor '{}': {}", proto.name(), type.failure().message)};
  if (proto.has_segment())
    return Failure{ErrorCode::Unsupported,
                   fmt::format("tensor '{}' is stored in segments, which is not supported", proto.name())};
  Shape shape(proto.dims().begin(), proto.dims().end());
  std::optional<int64_t> count = elementCount(shape);
  size_t bytes;
  if (!count || __builtin_mul_overflow(static_cast<size_t>(*count), sizeOf(*type), &bytes))
    return bad(proto, fmt::format("has the invalid shape {}", toString(shape)));

  if (isPacked(*type))
    bytes = packedBytes(*type, *count);

  bool external = proto.data_location() == TensorProto::EXTERNAL;
  bool raw = !external && proto.has_raw_data();
  // Checked before the memory is taken: a few bytes of file must not claim gigabytes.
  if (raw && proto.raw_data().size() != bytes)
    return bad(proto, fmt::format("of shape {} and type {} needs {} bytes of data, has {}", toString(shape),
                                  nameOf(*type), bytes, proto.raw_data().size()));
  if (!raw && !external && *count > std::numeric_limits<int>::max())
    return bad(proto, fmt::format("of shape {} lacks data", toString(shape)));
  StoredBytes stored{std::as_bytes(std::span(proto.raw_data())), nullptr};
  if (external) {
    Expected<StoredBytes> found = findExternal(proto, folder, bytes);
    if (!found)
      return found.failure();
    stored = std::move(*found);
  }
  std::optional<Tensor> tensor = raw || external ? fromStored(*type, shape, stored) : Tensor::allocate(*type, shape);
  if (!tensor)
    return Failure{ErrorCode::OutOfMemory,
                   fmt::format("not enough memory for tensor '{}' of shape {}", proto.name(), toString(shape))};
  if (Status status = raw || external ? Status() : fillFromField(proto, *tensor); !status.ok())
    return status.failure();
  if (*type == DType::Bool)
    for (uint8_t &b : tensor->as<uint8_t>())
      b = b != 0;
  return *tensor;
}

Expected<NamedTensor> readTensorProto(const std::string &path) {
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  return parseTensorProto(*bytes, path);
}

static Status appendTensors(const onnx::SequenceProto &sequence, const std::string &path, TensorList &list) {
  if (sequence.sequence_values_size() + sequence.map_values_size() + sequence.optional_values_size() +
      sequence.sparse_tensor_values_size())
    return {ErrorCode::Unsupported, fmt::format("'{}' holds a sequence of something other than tensors", path)};
  list.isSequence = true;
  for (const TensorProto &proto : sequence.tensor_values()) {
    Expected<Tensor> tensor = tensorFromProto(proto);
    if (!tensor)
      return {tensor.failure().code, fmt::format("'{}': {}", path, tensor.failure().message)};
    list.tensors.push_back(*tensor);
  }
  return {};
}

Expected<TensorList> readTensorList(const std::string &path, bool isOptional) {
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  TensorList list;
  onnx::OptionalProto optional;
  onnx::SequenceProto sequence;
  if (!(isOptional ? parseMessage(*bytes, optional) : parseMessage(*bytes, sequence)))
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("'{}' is no ONNX {}", path, isOptional ? "optional" : "sequence")};
  if (isOptional && optional.has_tensor_value()) {
    Expected<Tensor> tensor = tensorFromProto(optional.tensor_value());
    if (!tensor)
      return Failure{tensor.failure().code, fmt::format("'{}': {}", path, tensor.failure().message)};
    list.tensors.push_back(*tensor);
    return list;
  }
  if (isOptional && !optional.has_sequence_value())
    return list;
  Status status = appendTensors(isOptional ? optional.sequence_value() : sequence, path, list);
  return status.ok() ? Expected<TensorList>(std::move(list)) : status.failure();
}

static Status addTensorProto(OutputSet &outputs, const std::string &path, const NamedTensor &named) {
  const Tensor &tensor = named.tensor;
  std::string bytes;
  if (tensor.bytes() > maxFileBytes - 65536)
    return {ErrorCode::InvalidArgument, fmt::format("cannot write '{}': .pb holds less than 2 GB, use .npy", path)};
  try {
    TensorProto proto;
    proto.set_name(named.name);
    proto.set_data_type(typeToOnnx(tensor.type()));
    for (int64_t d : tensor.shape())
      proto.add_dims(d);
    if (isPacked(tensor.type()))
      proto.set_raw_data(pack(tensor));
    else
      proto.set_raw_data(tensor.data(), tensor.bytes());
    bytes = proto.SerializeAsString();
  } catch (const std::exception &error) {
    return {ErrorCode::OutOfMemory, fmt::format("cannot write '{}': {}", path, error.what())};
  }
  return outputs.add(path, std::as_bytes(std::span(bytes)));
}

Expected<NamedTensor> readTensor(const std::string &path) {
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  std::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  if (!text.starts_with("\x93NUMPY") && !path.ends_with(".npy"))
    return parseTensorProto(*bytes, path);
  Expected<Tensor> tensor = parseNpy(*bytes, path);
  if (!tensor)
    return tensor.failure();
  return NamedTensor{"", *tensor};
}

Status writeTensor(const std::string &path, const NamedTensor &tensor) {
  OutputSet one;
  Status status = addTensor(one, path, tensor);
  return status.ok() ? one.commit() : status;
}

Status addTensor(OutputSet &outputs, const std::string &path, const NamedTensor &tensor) {
  return path.ends_with(".pb") ? addTensorProto(outputs, path, tensor) : addNpy(outputs, path, tensor.tensor);
}

} // namespace sinter
