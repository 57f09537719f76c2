"""From a `Program` to machine code: LLVM text is written here, never through a builder library."""
