// The system calls that a confined process may make.
#pragma once

namespace sinter {

/// From now on this process and its threads have no sockets, start no processes, signal and trace no others, and change
/// no permissions, owners or attributes of files: such calls fail with EPERM. Memory that is writable and executable is
/// allowed: oneDNN, which is asked for what it would compute, generates code into such. False where the kernel has no
/// seccomp filters, or the architecture is not known here.
bool confineCalls();

} // namespace sinter
