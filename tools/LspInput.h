// Checks an editor's messages to sinter-lsp-server before MLIR's parser sees them.
#pragma once

namespace sinter {

/// Puts a check in front of the standard input: texts that checkText() refuses arrive as one line that says why, which
/// the server then reports as an error of the file, and JSON that nests deeper than any message of the protocol ends
/// the input. Starts a thread; false where the system gives no pipe.
bool checkStandardInput();

} // namespace sinter
