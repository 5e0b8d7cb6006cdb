//! Seeds of the targets whose input is one thing: a header, a payload, a URL, a list.

use crate::{Seed, seed};

pub(crate) fn seeds() -> Vec<Seed> {
    [headers(), closes(), urls(), extensions()].concat()
}

fn headers() -> Vec<Seed> {
    const SERVER: &[u8] = &[0, 0];
    const CLIENT: &[u8] = &[1, 0];
    const ANY_WITH_RSV1: &[u8] = &[2, 1];
    let headers: &[(&str, &[u8], &[u8])] = &[
        ("rfc_hello", CLIENT, b"\x81\x05Hello"),
        (
            "rfc_hello_masked",
            SERVER,
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        ),
        ("rfc_fragment", CLIENT, b"\x01\x03Hel"),
        ("rfc_ping", CLIENT, b"\x89\x05Hello"),
        ("rfc_256_bytes", CLIENT, b"\x82\x7e\x01\x00"),
        ("rfc_64_kib", CLIENT, b"\x82\x7f\0\0\0\0\0\x01\0\0"),
        (
            "masked_long",
            SERVER,
            b"\x82\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04masked in pieces",
        ),
        (
            "compressed",
            ANY_WITH_RSV1,
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
        ),
        ("rsv1_on_continuation", ANY_WITH_RSV1, b"\xc0\0"),
        ("rsv1", CLIENT, b"\xc1\0"),
        ("rsv3", CLIENT, b"\x91\0"),
        ("reserved_opcode", CLIENT, b"\x83\0"),
        ("reserved_control", CLIENT, b"\x8b\0"),
        ("fragmented_ping", CLIENT, b"\x09\0"),
        ("long_ping", CLIENT, b"\x89\x7e\0\x7e"),
        ("mask_missing", SERVER, b"\x81\0"),
        ("mask_unexpected", CLIENT, b"\x81\x80"),
        ("length_16_not_minimal", CLIENT, b"\x82\x7e\0\x7d"),
        (
            "length_64_not_minimal",
            CLIENT,
            b"\x82\x7f\0\0\0\0\0\0\xff\xff",
        ),
        ("length_top_bit", CLIENT, b"\x82\x7f\x80\0\0\0\0\0\0\0"),
    ];
    let seeds = headers.iter();
    let seeds = seeds.map(|(name, rules, wire)| seed("header", name, [*rules, wire].concat()));
    seeds.collect()
}

fn closes() -> Vec<Seed> {
    let with = |code: u16, reason: &[u8]| [&code.to_be_bytes(), reason].concat();
    let mut seeds = vec![
        seed("close", "empty", b""),
        seed("close", "one_byte", b"\x03"),
        seed("close", "reason", with(1000, b"bye")),
        seed("close", "longest_reason", with(1001, &[b'x'; 123])),
        seed("close", "too_long_a_reason", with(1001, &[b'x'; 124])),
        seed("close", "reason_not_utf8", with(1000, b"\xff")),
        seed("close", "reason_cut", with(1000, b"\xe2\x82")),
    ];
    for code in [
        0, 999, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000,
    ] {
        seeds.push(seed("close", &format!("code_{code}"), with(code, b"")));
    }
    seeds
}

fn urls() -> Vec<Seed> {
    let urls = [
        ("plain", "ws://example.com"),
        ("path", "wss://example.com:9001/chat?room=7"),
        ("user", "ws://ann:s3cret@example.com/"),
        ("user_encoded", "wss://a%c3%a9%3A:%00@h/"),
        ("user_only", "https://ann@h?q"),
        ("ipv4", "http://127.0.0.1:80/"),
        ("ipv6", "ws://[2001:db8::1]:8080/"),
        ("ipv6_mapped", "ws://[::ffff:1.2.3.4]/"),
        ("odd_ipv4", "ws://127.1/"),
        ("hex_host", "ws://0x7f.1/"),
        ("dot", "ws://example.com./a/../b"),
        ("underscore", "ws://my_host-1/%7Bx%7d"),
        ("fragment", "ws://h/#f"),
        ("space", "ws://h/a b"),
        ("percent", "ws://h/%zz"),
        ("port", "ws://h:65536/"),
        ("port_zero", "ws://h:0/"),
        ("empty_port", "wss://h:"),
        ("no_host", "ws:///x"),
        ("no_scheme", "example.com"),
        ("other_scheme", "ftp://h/"),
        ("upper_case", "WS://Example.COM/A"),
        ("not_ascii", "ws://b\u{fc}cher.example/"),
    ];
    urls.map(|(name, url)| seed("url", name, url)).to_vec()
}

fn extensions() -> Vec<Seed> {
    let lists = [
        ("rfc_flag", "foo"),
        ("rfc_param", "bar; baz=2"),
        ("rfc_two", "foo, bar; baz=2"),
        ("rfc_two_lines", "foo\nbar; baz=2"),
        (
            "rfc_three",
            "mux; max-channels=4; flow-control, deflate-stream",
        ),
        (
            "deflate",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
        ),
        ("quoted", "a;b=\"c\\d\""),
        ("quoted_not_token", "a;b=\"c d\""),
        ("unterminated", "a;b=\"c"),
        ("empty_elements", " ,\t, a ;b = 1 ; c ,, "),
        ("empty", ""),
        ("separator", "a b"),
        ("no_value", "a;b="),
        ("no_name", "a;;b"),
        ("quoted_comma", "a;b=\"c,d\""),
        ("quoted_quote", "a;b=\"\\\"\",c"),
        ("behind_quotes", "a;b=\"c\"d"),
    ];
    let mut seeds = lists
        .map(|(name, list)| seed("extensions", name, list))
        .to_vec();
    for count in [16, 17, 32, 33] {
        let params = ["a", &";b=1".repeat(count)].concat();
        seeds.push(seed("extensions", &format!("params_{count}"), params));
        let offers = "a,".repeat(count);
        seeds.push(seed("extensions", &format!("offers_{count}"), offers));
    }
    seeds
}
