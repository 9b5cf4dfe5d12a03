//! Reading and writing at a place of one's own, which leaves the position alone: what
//! `std::os::unix::fs::FileExt` has.

use std::fs;
use std::os::unix::fs::FileExt;

use crate::fs::File;
use crate::io;
use crate::io::pooled::CHUNK_MAX_BYTES;
use crate::place::placed;

impl File {
    /// Reads some bytes from `offset` on into `buf`, and returns how many; zero is the end. The
    /// position stays.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::fs::{self, File};
    ///
    /// # bibelot::run(async {
    /// # let path = std::env::temp_dir().join(format!("bibelot-at-{}", std::process::id()));
    /// let file = File::create_new(&path).await?;
    /// file.write_all_at(b"world", 7).await?;
    /// file.write_all_at(b"hello, ", 0).await?;
    /// let mut buf = [0; 5];
    /// file.read_exact_at(&mut buf, 7).await?;
    /// assert_eq!(&buf, b"world");
    /// assert_eq!(file.stream_position().await?, 0);
    /// # fs::remove_file(&path).await
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> impl Future<Output = io::Result<usize>> {
        placed(async move {
            let room = buf.len().min(CHUNK_MAX_BYTES);
            let fill = move |file: &fs::File, bytes: &mut [u8]| file.read_at(bytes, offset);
            self.fill_at(&mut buf[..room], fill).await
        })
    }

    /// Reads from `offset` on until `buf` is full. The position stays.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the file ends before, else the system's error. What is in `buf` then is
    /// not known.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn read_exact_at(
        &self,
        buf: &mut [u8],
        offset: u64,
    ) -> impl Future<Output = io::Result<()>> {
        placed(async move {
            let fill = move |file: &fs::File, bytes: &mut [u8]| {
                file.read_exact_at(bytes, offset)?;
                Ok(bytes.len())
            };
            self.fill_at(buf, fill).await.map(drop)
        })
    }

    /// Writes some of the bytes at `offset`, and returns how many. The position stays.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened. To do it again does no harm, unless the file was opened
    /// with [`append`](crate::fs::OpenOptions::append): Linux writes to the end of such a file,
    /// whatever the offset, and so would write the bytes twice.
    #[track_caller]
    pub fn write_at(&self, buf: &[u8], offset: u64) -> impl Future<Output = io::Result<usize>> {
        placed(async move {
            let bytes = buf[..buf.len().min(CHUNK_MAX_BYTES)].to_vec();
            let write = move |file: &fs::File| file.write_at(&bytes, offset);
            self.pooled().change(write).await
        })
    }

    /// Writes all the bytes at `offset`. The position stays.
    ///
    /// # Errors
    ///
    /// Returns the system's error. How much was written by then is not known.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may have happened. To do it again does no harm, unless the file was opened
    /// with [`append`](crate::fs::OpenOptions::append): Linux writes to the end of such a file,
    /// whatever the offset, and so would write the bytes twice.
    #[track_caller]
    pub fn write_all_at(&self, buf: &[u8], offset: u64) -> impl Future<Output = io::Result<()>> {
        placed(async move {
            let bytes = buf.to_vec();
            let write = move |file: &fs::File| file.write_all_at(&bytes, offset);
            self.pooled().change(write).await
        })
    }

    /// Has a job fill bytes of its own, and copies what it has filled.
    async fn fill_at(
        &self,
        buf: &mut [u8],
        fill: impl FnOnce(&fs::File, &mut [u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<usize> {
        let mut bytes = vec![0; buf.len()];
        let filled = self
            .pooled()
            .ask(move |file| fill(file, &mut bytes).map(|count| (bytes, count)))
            .await;
        let (bytes, count) = filled?;
        buf[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }
}
