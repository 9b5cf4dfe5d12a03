//! bibelot
