// Reads a field by its number: from the unknown fields, or by reflection where the built-in onnx.proto has it.
#include "ir/onnx/NewerFields.h"
#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

namespace sinter::nn {

/// The numbers that onnx.proto gives these fields.
static constexpr int nodeOverload = 8, functionOverload = 13, functionAttributeProto = 11;

/// The contents of a field of strings or messages, known or not.
static std::vector<std::string> contentsOf(const Message &message, int number) {
  std::vector<std::string> contents;
  const google::protobuf::Reflection &reflection = *message.GetReflection();
  const UnknownFieldSet &unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i)
    if (unknown.field(i).number() == number && unknown.field(i).type() == UnknownField::TYPE_LENGTH_DELIMITED)
      contents.push_back(unknown.field(i).length_delimited());
  const FieldDescriptor *field = message.GetDescriptor()->FindFieldByNumber(number);
  if (field && field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated())
    contents.push_back(reflection.GetString(message, field));
  if (field && field->type() == FieldDescriptor::TYPE_MESSAGE && field->is_repeated())
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      contents.push_back(reflection.GetRepeatedMessage(message, field, i).SerializeAsString());
  return contents;
}

static std::string lastOf(const std::vector<std::string> &contents) { return contents.empty() ? "" : contents.back(); }

std::string overloadOf(const onnx::NodeProto &node) { return lastOf(contentsOf(node, nodeOverload)); }
std::string overloadOf(const onnx::FunctionProto &function) { return lastOf(contentsOf(function, functionOverload)); }

std::vector<onnx::AttributeProto> defaultsOf(const onnx::FunctionProto &function) {
  std::vector<onnx::AttributeProto> defaults;
  for (const std::string &content : contentsOf(function, functionAttributeProto))
    // An attribute that cannot be parsed has no name, so nothing refers to it.
    if (onnx::AttributeProto attribute; attribute.ParseFromString(content))
      defaults.push_back(attribute);
  return defaults;
}

} // namespace sinter::nn
