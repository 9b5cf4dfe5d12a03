//! bibelot

pub mod io;
mod place;
