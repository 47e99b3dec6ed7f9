// One walk over the model counts changes down from the wanted number; the one at 0 is made, so numbers are dense.
#include "tests/fuzz/OpEdits.h"
#include "tests/fuzz/Fuzz.h"
#include "tests/fuzz/ModelParts.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>

using namespace onnx;

namespace sinter::fuzz {

namespace {

constexpr int64_t sizes[] = {0,
                             1,
                             -1,
                             2,
                             -2,
                             int64_t(1) << 20,
                             int64_t(1) << 27,
                             INT32_MAX,
                             int64_t(1) << 31,
                             int64_t(1) << 32,
                             int64_t(1) << 40,
                             int64_t(1) << 62,
                             INT64_MAX,
                             INT64_MIN};
/// Nothing that overflows on the way: that depends on the order of sums, which is each backend's own.
constexpr float reals[] = {0,
                           -1,
                           1e-30F,
                           1e6F,
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN()};
constexpr int elementTypes[] = {TensorProto::UNDEFINED,
                                TensorProto::FLOAT,
                                TensorProto::UINT8,
                                TensorProto::INT32,
                                TensorProto::INT64,
                                TensorProto::STRING,
                                TensorProto::BOOL,
                                TensorProto::FLOAT16,
                                TensorProto::DOUBLE,
                                TensorProto::UINT64,
                                TensorProto::COMPLEX64,
                                TensorProto::BFLOAT16,
                                17,
                                22,
                                99};
const char *const words[] = {"", "x", "\xff\xfe", "SAME_UPPER", "VALID", "reverse", "linear", "reflect"};
constexpr int maxElements = 16; ///< of a list or tensor, whose first ones are changed

/// Counts changes, and carries out the one whose number comes up.
class Cursor {
public:
  explicit Cursor(size_t wanted) : left(wanted) {}
  /// For each value: whether this is the change. Once it is, no other is.
  template <typename List, typename Apply> void each(const List &values, const Apply &apply) {
    const size_t count = std::size(values);
    if (!isDone && left < count) {
      isDone = true;
      apply(values[left]);
      return;
    }
    pass(count);
  }
  template <typename Apply> void one(const Apply &apply) {
    each(std::array{0}, [&](int) { apply(); });
  }
  bool isDone = false;
  size_t seen = 0;

private:
  void pass(size_t count) {
    seen += count;
    left -= isDone ? 0 : count;
  }
  size_t left;
};

void editDims(Cursor &cursor, google::protobuf::RepeatedField<int64_t> &dims) {
  for (int i = 0; i < dims.size() && !cursor.isDone; ++i)
    cursor.each(sizes, [&](int64_t size) { dims.Set(i, size); });
  cursor.one([&] { dims.Add(2); });
  cursor.one([&] { dims.Clear(); });
}

void editTensor(Cursor &cursor, TensorProto &tensor) {
  editDims(cursor, *tensor.mutable_dims());
  if (cursor.isDone)
    return;
  cursor.each(elementTypes, [&](int type) { tensor.set_data_type(type); });
  auto numbers = [&](auto &list, const auto &values) {
    for (int i = 0; i < std::min(list.size(), maxElements) && !cursor.isDone; ++i)
      cursor.each(values,
                  [&](auto value) { list.Set(i, static_cast<std::remove_cvref_t<decltype(list.Get(0))>>(value)); });
  };
  numbers(*tensor.mutable_int64_data(), sizes);
  numbers(*tensor.mutable_int32_data(), sizes);
  numbers(*tensor.mutable_float_data(), reals);
  if (!tensor.has_raw_data() || cursor.isDone)
    return;
  std::string &raw = *tensor.mutable_raw_data();
  auto rawNumbers = [&]<typename T>(T, const auto &values) {
    for (size_t i = 0; i < std::min<size_t>(raw.size() / sizeof(T), maxElements) && !cursor.isDone; ++i)
      cursor.each(values, [&](auto value) {
        T stored = static_cast<T>(value);
        raw.replace(i * sizeof(T), sizeof(T), reinterpret_cast<const char *>(&stored), sizeof(T));
      });
  };
  if (tensor.data_type() == TensorProto::INT64)
    rawNumbers(int64_t(), sizes);
  if (tensor.data_type() == TensorProto::FLOAT)
    rawNumbers(float(), reals);
  cursor.one([&] { raw.resize(raw.size() / 2); });
  cursor.one([&] { raw.append(8, '\1'); });
}

void editType(Cursor &cursor, TypeProto &type) {
  TypeProto *inner = &type;
  if (inner->has_optional_type())
    inner = inner->mutable_optional_type()->mutable_elem_type();
  if (inner->has_sequence_type())
    inner = inner->mutable_sequence_type()->mutable_elem_type();
  if (!inner->has_tensor_type())
    return;
  TypeProto::Tensor &tensor = *inner->mutable_tensor_type();
  cursor.each(elementTypes, [&](int element) { tensor.set_elem_type(element); });
  cursor.one([&] { type.clear_value(); });
  if (cursor.isDone || !tensor.has_shape())
    return;
  cursor.one([&] { tensor.clear_shape(); });
  if (cursor.isDone)
    return;
  auto &dims = *tensor.mutable_shape()->mutable_dim();
  for (int i = 0; i < dims.size() && !cursor.isDone; ++i) {
    cursor.each(sizes, [&](int64_t size) { dims.Mutable(i)->set_dim_value(size); });
    cursor.one([&] { dims.Mutable(i)->set_dim_param("n"); });
    cursor.one([&] { dims.DeleteSubrange(i, 1); });
  }
  cursor.one([&] { dims.Add()->set_dim_value(2); });
}

void editAttribute(Cursor &cursor, AttributeProto &attribute) {
  static constexpr int kinds[] = {
      AttributeProto::UNDEFINED, AttributeProto::FLOAT, AttributeProto::INT,  AttributeProto::STRING,
      AttributeProto::TENSOR,    AttributeProto::GRAPH, AttributeProto::INTS, 99};
  cursor.each(kinds, [&](int kind) { setType(attribute, kind); });
  if (attribute.type() == AttributeProto::INT)
    cursor.each(sizes, [&](int64_t value) { attribute.set_i(value); });
  if (attribute.type() == AttributeProto::FLOAT)
    cursor.each(reals, [&](float value) { attribute.set_f(value); });
  if (attribute.type() == AttributeProto::STRING)
    cursor.each(words, [&](const char *word) { attribute.set_s(word); });
  auto list = [&](auto &elements, const auto &values) {
    if (elements.empty())
      return;
    for (int i = 0; i < std::min(elements.size(), maxElements) && !cursor.isDone; ++i)
      cursor.each(values, [&](auto value) { elements[i] = value; });
    cursor.one([&] { elements.Clear(); });
    cursor.one([&] { elements.RemoveLast(); });
    cursor.one([&] {
      auto first = elements[0];
      *elements.Add() = first;
    });
  };
  list(*attribute.mutable_ints(), sizes);
  list(*attribute.mutable_floats(), reals);
  list(*attribute.mutable_strings(), words);
}

void editNode(Cursor &cursor, NodeProto &node, const std::vector<std::string *> &names) {
  for (auto *values : {node.mutable_input(), node.mutable_output()}) {
    const bool isInput = values == node.mutable_input();
    for (int i = 0; i < values->size() && !cursor.isDone; ++i) {
      cursor.one([&] { values->DeleteSubrange(i, 1); });
      cursor.one([&] { (*values)[i].clear(); });
      cursor.one([&] { (*values)[i] = "no such value"; });
      cursor.one([&] { values->SwapElements(i, 0); });
      // Operands of another type and rank: every other value's.
      if (isInput)
        for (size_t j = 0; j < std::min<size_t>(names.size(), maxElements) && !cursor.isDone; ++j)
          cursor.one([&] { (*values)[i] = std::string(*names[j]); });
    }
    cursor.one([&] { *values->Add() = values->empty() ? "" : values->Get(0); });
    cursor.one([&] { values->Clear(); });
  }
  for (int i = 0; i < node.attribute_size() && !cursor.isDone; ++i) {
    cursor.one([&] { node.mutable_attribute()->DeleteSubrange(i, 1); });
    cursor.one([&] { *node.add_attribute() = AttributeProto(node.attribute(i)); });
  }
  cursor.one([&] {
    AttributeProto &unknown = *node.add_attribute();
    unknown.set_name("no such attribute"), unknown.set_type(AttributeProto::INT), unknown.set_i(1);
  });
  cursor.one([&] { *node.mutable_op_type() += "x"; });
}

void walk(Cursor &cursor, ModelProto &model) {
  Parts parts(model);
  for (TypeProto *type : parts.types)
    if (!cursor.isDone)
      editType(cursor, *type);
  for (NodeProto *node : parts.nodes)
    if (!cursor.isDone)
      editNode(cursor, *node, parts.names);
  for (AttributeProto *attribute : parts.attributes)
    if (!cursor.isDone)
      editAttribute(cursor, *attribute);
  for (TensorProto *tensor : parts.tensors)
    if (!cursor.isDone)
      editTensor(cursor, *tensor);
  static constexpr int64_t versions[] = {0, 1, 6, 7, 9, 10, 11, 12, 13, 16, 18, 21, 23, 27, 99, INT64_MAX, -1};
  if (model.opset_import_size() > 0 && !cursor.isDone)
    cursor.each(versions, [&](int64_t version) { model.mutable_opset_import(0)->set_version(version); });
}

} // namespace

size_t editCount(const ModelProto &model) {
  ModelProto copy = model;
  Cursor cursor(SIZE_MAX);
  walk(cursor, copy);
  return cursor.seen;
}

void applyEdit(ModelProto &model, size_t number) {
  Cursor cursor(number);
  walk(cursor, model);
}

std::string readModelSeed(const std::string &path) {
  constexpr size_t most = size_t(1) << 20;
  constexpr int64_t smallest = 16; // elements
  std::string bytes = readFile(path);
  ModelProto model;
  if (bytes.size() > most || !model.ParseFromString(bytes) || !model.has_graph())
    return "";
  GraphProto &graph = *model.mutable_graph();
  const std::string folder = std::filesystem::path(path).parent_path() / "test_data_set_0";
  int kept = 0;
  for (int i = 0, n = graph.input_size(); i < n; ++i) {
    TensorProto value;
    const ValueInfoProto input = graph.input(kept);
    int64_t elements = 1;
    bool isSmall = i > 0 && input.type().has_tensor_type() &&
                   value.ParseFromString(readFile(folder + "/input_" + std::to_string(i) + ".pb"));
    for (int64_t size : value.dims())
      elements *= std::clamp<int64_t>(size, 0, 2 * smallest);
    if (!isSmall || elements > smallest || value.data_type() == TensorProto::UNDEFINED) {
      ++kept;
      continue;
    }
    value.set_name(input.name());
    *graph.add_initializer() = value;
    graph.mutable_input()->DeleteSubrange(kept, 1);
  }
  return model.SerializeAsString();
}

} // namespace sinter::fuzz
