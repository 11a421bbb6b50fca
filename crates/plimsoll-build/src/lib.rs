//! One build request, from text to exported image.
