//! One module per destination of a built image.
