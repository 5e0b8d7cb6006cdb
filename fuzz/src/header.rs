//! The frame header: bytes in, header out, and back.

use ws_core::error::ProtocolError;
use ws_core::frame::{Header, MaskRule, Rules, mask};

use crate::input::Input;

/// A frame header and, behind it, a payload.
///
/// What is accepted is exactly what encoding it again gives; what is refused carries the fault that
/// is named; and neither depends on how much has arrived.
///
/// Input: which rules apply, then the bytes.
pub fn header(data: &[u8]) {
    let mut input = Input::new(data);
    let rules = Rules {
        mask: input.pick(&[MaskRule::Required, MaskRule::Forbidden, MaskRule::Any]),
        rsv1: input.flag(),
    };
    let bytes = input.rest();
    let whole = Header::parse(bytes, rules);
    for cut in 0..bytes.len().min(Header::MAX_LEN) {
        let part = Header::parse(&bytes[..cut], rules);
        assert!(part == Ok(None) || part == whole, "{part:?} then {whole:?}");
        if let Ok(Some((_, len))) = whole {
            assert_eq!(part.is_ok_and(|part| part.is_some()), cut >= len);
        }
    }
    match whole {
        Ok(None) => assert!(bytes.len() < Header::MAX_LEN),
        Ok(Some((header, len))) => {
            let mut out = [0; Header::MAX_LEN];
            let n = header.encode(&mut out);
            assert_eq!(&out[..n], &bytes[..len], "{header:?}");
            check_accepted(&header, rules);
            unmask(&header, &bytes[len..]);
        }
        Err(error) => check_refused(&error, bytes, rules),
    }
}

fn check_accepted(header: &Header, rules: Rules) {
    let control = header.opcode.is_control();
    assert!(!control || header.fin && header.len <= 125);
    assert!(!header.rsv1 || may_have_rsv1(header.opcode as u8, rules));
    assert!(header.len < 1 << 63);
    match rules.mask {
        MaskRule::Any => {}
        MaskRule::Forbidden => assert!(header.key.is_none()),
        MaskRule::Required => assert!(header.key.is_some()),
    }
}

/// An extension marks whole messages: in their first frame, and nowhere else (RFC 7692 §6).
fn may_have_rsv1(opcode: u8, rules: Rules) -> bool {
    rules.rsv1 && matches!(opcode, 1 | 2)
}

/// The fault must be there to see.
fn check_refused(error: &ProtocolError, bytes: &[u8], rules: Rules) {
    let first = bytes[0];
    let second = bytes.get(1).copied().unwrap_or_default();
    let (masked, short) = (second & 0x80 != 0, second & 0x7f);
    let shows = match error {
        ProtocolError::ControlFragmented => first & 0x88 == 0x08,
        ProtocolError::ControlTooLong => first & 0x08 != 0 && short > 125,
        ProtocolError::LengthNotMinimal => match (short, &bytes[2..]) {
            (126, [0, len, ..]) => *len < 126,
            (127, [0, 0, 0, 0, 0, 0, ..]) => true,
            _ => false,
        },
        ProtocolError::LengthTopBit => short == 127 && bytes[2] & 0x80 != 0,
        ProtocolError::MaskMissing => !masked && rules.mask == MaskRule::Required,
        ProtocolError::MaskUnexpected => masked && rules.mask == MaskRule::Forbidden,
        ProtocolError::ReservedBits => {
            first & 0x30 != 0 || first & 0x40 != 0 && !may_have_rsv1(first & 0x0f, rules)
        }
        ProtocolError::ReservedOpcode { opcode } => {
            *opcode == first & 0x0f && matches!(opcode, 3..=7 | 11..)
        }
        _ => false,
    };
    assert!(shows, "{error} in {bytes:02x?}");
    assert_eq!(error.close_code().get(), 1002);
}

/// Masking in one piece, in two, and byte by byte gives the same; twice gives nothing.
fn unmask(header: &Header, payload: &[u8]) {
    let Some(key) = header.key else { return };
    let cut = usize::from(payload.first().copied().unwrap_or_default()) % (payload.len() + 1);
    let naive = payload.iter().zip(key.to_bytes().into_iter().cycle());
    let naive: Vec<u8> = naive.map(|(byte, key)| byte ^ key).collect();
    let mut data = payload.to_vec();
    mask(&mut data[..cut], key, 0);
    mask(&mut data[cut..], key, cut);
    assert_eq!(data, naive);
    mask(&mut data, key, 0);
    assert_eq!(data, payload);
}
