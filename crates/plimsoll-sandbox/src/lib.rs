//! Namespaces, id maps, mounts, seccomp: the only unsafe code.
