//! Programs and libraries: where their sections are, in ELF, PE and Mach-O. Only tables are read, never the whole file.

mod elf;
mod image;
mod macho;
mod pe;

pub(crate) use image::{Executable, Format, Section, open, wants};
