//! Every kernel for NEON: 16 bytes or 4 hashes a step.
