// The register-blocked emitter behind conv, gemm and matmul: out[b][row][column] = sum over k of A[b][row][k]
// * B[b][k][column]. Columns are vectorised, rows are broadcast; B comes in panels of a few vectors that stay
// in the L1 cache while all rows pass.
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "codegen/emit/Schedule.h"

#include <functional>

namespace sinter::codegen {

/// Accumulators held in registers: `rows` x `vectors`, for `groups` of row tiles side by side.
struct RegisterTile {
  int64_t rows = 1, vectors = 1, groups = 1;
};

/// How a product is cut up; made from sizes, the schedule and the target alone, so that packing and code agree.
struct ContractionPlan {
  ContractionPlan(const Target &target, const Schedule &schedule, mlir::Type compute, int64_t batches, int64_t rows,
                  int64_t columns, int64_t depth, bool packsColumns);

  mlir::Type compute;
  int64_t batches, rows, columns, depth;
  int64_t lanes;           ///< elements of a vector
  RegisterTile main, tail; ///< tail: the columns that do not fill a main tile; same `rows`
  int64_t mainTiles;       ///< full column tiles
  int64_t tailLanes;       ///< valid lanes of the tail's last vector
  int64_t paddedRows;      ///< a multiple of both tiles' rows
  int64_t depthBlock;      ///< k runs in blocks of this length, so that a panel stays in cache
  int64_t rowBlock;        ///< rows of one parallel iteration

  int64_t mainColumns() const { return main.vectors * lanes; }
  int64_t tailColumns() const { return tail.vectors * lanes; }
  bool hasTail() const { return mainTiles * mainColumns() < columns; }
  int64_t columnTiles() const { return mainTiles + hasTail(); }
  int64_t paddedColumns() const { return mainTiles * mainColumns() + (hasTail() ? tailColumns() : 0); }
  int64_t depthBlocks() const { return depth == 0 ? 1 : (depth + depthBlock - 1) / depthBlock; }
  int64_t rowBlocks() const { return (rows + rowBlock - 1) / rowBlock; }

  /// Elements of A packed as [batch][depth block][row tile][k][row in tile], zero padded, and the place of
  /// one.
  int64_t packedRowElements() const { return paddedRows * depth; }
  int64_t packedRowOffset(int64_t row, int64_t k) const;
  /// Elements of B packed as [batch][depth block][column tile][k][column in tile], and the place of one.
  int64_t packedColumnElements() const { return paddedColumns() * depth; }
  int64_t packedColumnOffset(int64_t k, int64_t column) const;
};

/// A panel to fill: `panel[at + (k - from) * pitch + column - first]` for `pitch` columns from `first` and k
/// in [from, to). Columns at or beyond `valid` (a count, static) are given any finite value.
struct PanelRequest {
  mlir::Value batch, first, from, to;
  int64_t pitch, valid;
  Buffer panel;
};

/// Where the operands come from and where results go.
struct ContractionOperands {
  /// A: packed as the plan says, from `rowBase(batch)` on, or strided in memory.
  std::function<Buffer()> rowBuffer;
  std::function<mlir::Value(mlir::Value batch)> rowBase;
  bool rowsPacked = true;
  int64_t rowStride = 0, depthStride = 0; ///< of strided A
  /// B: packed as the plan says from `columnBase(batch)` on, or filled panel by panel.
  std::function<Buffer()> columnBuffer;
  std::function<mlir::Value(mlir::Value batch)> columnBase;
  std::function<void(const PanelRequest &)> fillPanel; ///< where columnBuffer is null
  /// Takes results: `lanes` of them from `column` on.
  std::function<void(mlir::Value batch, mlir::Value row, mlir::Value column, mlir::Value value, unsigned lanes)> finish;
  /// The memory of the results from (row, column) on, if they lie there row by row as they are finished, and its place:
  /// asked for while sums are formed. May be null.
  std::function<std::pair<Buffer, mlir::Value>(mlir::Value batch, mlir::Value row, mlir::Value column)> resultPlace;
  /// Whether `finish` is so short that every accumulator may have its own copy.
  bool shortFinish = true;
};

/// Emits the phase that computes the product.
void emitContraction(KernelEmitter &e, const ContractionPlan &plan, const ContractionOperands &operands);

/// Whether the elementwise ops of the anchor's kernel come to a handful of instructions.
bool isShortEpilogue(mlir::Operation *anchor);

/// The tensor in memory, as elements of its compute type: itself, or a copy made by a phase of its own (f16,
/// bf16, and values of fused producers). Call the result in the phase that reads it.
std::function<Buffer()> inComputeType(KernelEmitter &e, mlir::Value tensor);

} // namespace sinter::codegen
