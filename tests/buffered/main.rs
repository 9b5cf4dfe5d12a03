//! What buffered readers and writers, the plain traits, and `copy` promise: by traces of what they
//! ask of the other end, compared whole, and by dropping their futures at every wait there is.

mod cancel;
mod reader;
mod script;
mod traits;
mod writer;
