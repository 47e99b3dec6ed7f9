// What a confined process may ask of the kernel.
#pragma once

namespace sinter {

/// From now on this process and its threads have no sockets, start no processes, signal and trace no others, change no permissions, owners or
/// attributes of files, and have no memory that is writable and executable: such calls fail with EPERM. False where the
/// kernel has no seccomp filters, or the architecture is not known here.
bool confineCalls();

} // namespace sinter
