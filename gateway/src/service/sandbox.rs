//! Confinement by the kernel: what a service does not need it cannot do (Linux: landlock and seccomp).
