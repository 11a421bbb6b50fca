//! Reports in all shapes, and bills of materials read back.

mod documents;
mod foreign;
mod hostile;
mod reports;
mod round_trip;
mod table;
