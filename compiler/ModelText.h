// Models written as IR: text of the nn dialect.
#pragma once

#include "ir/Limits.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/Status.h"
#include <span>
#include <string>

namespace sinter::codegen {

/// Parses and verifies it, and refuses what is none of the nn stage, or beyond the limits.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> parseMlir(const std::string &path, std::span<const std::byte> text,
                                                      mlir::MLIRContext &context, const nn::Limits &limits);

} // namespace sinter::codegen
