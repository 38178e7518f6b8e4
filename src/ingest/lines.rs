use std::io::{self, BufRead, BufReader, Read};

/// Longest line taken as an event, in bytes.
pub const MAX_LINE: usize = 1 << 20;

const BLOCK: usize = 1 << 18;

/// Undoes gzip or Zstandard, told by the first bytes and not by the file's name.
pub fn decompressed(source: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut head = BufReader::with_capacity(BLOCK, source);
    let start = head.fill_buf()?;
    if start.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(flate2::bufread::MultiGzDecoder::new(head)))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Ok(Box::new(zstd::stream::read::Decoder::with_buffer(head)?))
    } else {
        Ok(Box::new(head))
    }
}

/// Calls `each(number, line)` for every line that is not blank, counted from 1; `\r` before the `\n` is dropped.
///
/// A line longer than [`MAX_LINE`] is handed over cut to one byte more than that, so that memory stays bounded and
/// the line is still refused as too large.
///
/// # Errors
/// When the source cannot be read: lines before that were handed over.
pub fn each_line(mut source: impl Read, mut each: impl FnMut(u64, &[u8])) -> io::Result<u64> {
    let mut buffer = vec![0u8; BLOCK];
    let mut filled = 0;
    let mut number = 0;
    let mut skipping = false;
    let mut emit = |line: &[u8]| {
        number += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.trim_ascii().is_empty() {
            each(number, line);
        }
    };
    loop {
        if filled == buffer.len() {
            if buffer.len() > MAX_LINE + 1 {
                // the line is too long whatever follows: hand over its start, drop the rest
                if !skipping {
                    emit(&buffer[..=MAX_LINE]);
                }
                skipping = true;
                filled = 0;
            } else {
                buffer.resize(buffer.len() * 2, 0);
            }
        }
        let read = match source.read(&mut buffer[filled..]) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if read == 0 {
            if filled > 0 && !skipping {
                emit(&buffer[..filled]);
            }
            return Ok(number);
        }
        let end = filled + read;
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &buffer[filled..end]) {
            let newline = filled + newline;
            if skipping {
                skipping = false;
            } else {
                emit(&buffer[start..newline]);
            }
            start = newline + 1;
        }
        buffer.copy_within(start..end, 0);
        filled = end - start;
    }
}
