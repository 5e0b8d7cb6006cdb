//! Frames as a peer writes them, well formed or not.

use ws_core::Role;

/// The masking key of all frames that the harness writes as a client.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A whole frame from an end of the role `from`, its length in the shortest form.
pub(crate) fn frame(from: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut wire = header(from, first, payload.len());
    match from {
        Role::Client => wire.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k)),
        Role::Server => wire.extend_from_slice(payload),
    }
    wire
}

/// The header of a frame that announces `len` bytes.
pub(crate) fn header(from: Role, first: u8, len: usize) -> Vec<u8> {
    let wide = (len as u64).to_be_bytes();
    let mut wire = match len {
        0..=125 => vec![first, wide[7]],
        126..=0xffff => vec![first, 126, wide[6], wide[7]],
        _ => [&[first, 127], &wide[..]].concat(),
    };
    if from == Role::Client {
        wire[1] |= 0x80;
        wire.extend(KEY);
    }
    wire
}
